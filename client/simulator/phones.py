# SPDX-License-Identifier: MIT
"""The phones of everybody in the simulator: what is asked on them, when their owners answer, and how.

Each simulated service turns a request into a ``Question`` and rings; asking for the outcome waits as long
as the request allows and the owner needs. How people and services behave is one value that may be
replaced at any time. Keys are made once; certificates when their owner is first asked.
"""

import asyncio
import base64
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from osak.client.simulator.authority import Authority, Holder
from osak.client.simulator.people import MOBILE_ID_PERSON, SMART_ID_PERSON

MAX_WAIT_SECONDS: Final = 120
_SMART_ID_USAGES: Final = ("digital_signature", "key_encipherment", "data_encipherment")


@dataclass
class Behaviour:
    """What happens to the next questions.

    Attributes:
        result: the end result of people who would sign, ``OK`` for a signature.
        status: HTTP status that a question is refused with; 0 takes it.
        breaks: so many requests for the outcome are cut off without an answer.
        running: so many requests for the outcome are answered with RUNNING at once.
        answers: waited for before the person answers; ``None`` waits for nothing.
        delay_seconds: how long a person takes.
        certificate_level: of Smart-ID's answer.
        change: changes the last reply before it is sent.
    """

    result: str = "OK"
    status: int = 0
    breaks: int = 0
    running: int = 0
    answers: asyncio.Event | None = None
    delay_seconds: float = 0.0
    certificate_level: str = "QUALIFIED"
    change: Callable[[dict[str, Any]], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Question:
    """What one phone was asked.

    Attributes:
        person: the owner's serialNumber.
        body: the service's request as it came.
        result: how the owner answers, in the service's words.
        answered_at: when, by the event loop's clock.
    """

    person: str
    body: Mapping[str, Any]
    result: str
    answered_at: float


@dataclass
class Phones:
    """Every phone, and whoever issued their owners' certificates.

    Attributes:
        authority: issues everybody's certificate.
        behaviour: of all services from now on.
        tell: shows one line: what a phone displays.
        questions: the body of every question that was taken, latest last.
        polls: how often an outcome was asked for.
        polled: set when that happens.
    """

    authority: Authority
    behaviour: Behaviour = field(default_factory=Behaviour)
    tell: Callable[[str], None] = lambda _: None
    questions: list[Mapping[str, Any]] = field(default_factory=list)
    polls: int = 0
    polled: asyncio.Event = field(default_factory=asyncio.Event)
    _sessions: dict[str, Question] = field(default_factory=dict, repr=False)
    _holders: dict[tuple[str, str], Holder] = field(default_factory=dict, repr=False)

    @property
    def smart_id_person(self) -> Holder:
        """The first of Smart-ID's people."""
        return self.smart_id_holder(SMART_ID_PERSON)

    @property
    def mobile_id_person(self) -> Holder:
        """The first of Mobile-ID's people."""
        return self.mobile_id_holder(f"PNOEE-{MOBILE_ID_PERSON[0]}")

    def smart_id_holder(self, person: str) -> Holder:
        """Certificate and RSA key of a person's app."""
        if ("smart-id", person) not in self._holders:
            issued = self.authority.issue(person, _rsa_key(), usages=_SMART_ID_USAGES)
            self._holders["smart-id", person] = issued
        return self._holders["smart-id", person]

    def mobile_id_holder(self, person: str) -> Holder:
        """Certificate and P-256 key of a person's SIM card."""
        if ("mobile-id", person) not in self._holders:
            self._holders["mobile-id", person] = self.authority.issue(person)
        return self._holders["mobile-id", person]

    def refuse_if_told(self) -> None:
        """Raise the HTTP status that all questions are refused with, if there is one."""
        if self.behaviour.status:
            # Some have no name in HTTP.
            refusal = type("Refusal", (web.HTTPException,), {"status_code": self.behaviour.status})
            raise refusal(reason="refused by the simulator")

    def ring(self, person: str, body: Mapping[str, Any], own_result: str, shown: str) -> str:
        """Ask on a phone; return the id of the session.

        Args:
            person: whose phone.
            body: the request, kept in ``questions``.
            own_result: how this person always answers; who would sign answers as ``behaviour`` has it.
            shown: what the phone displays.
        """
        result = self.behaviour.result if own_result == "OK" else own_result
        self.questions.append(body)
        session_id = str(uuid.uuid4())
        at = asyncio.get_running_loop().time() + self.behaviour.delay_seconds
        self._sessions[session_id] = Question(person, body, result, at)
        when = f" in {self.behaviour.delay_seconds:g} s" if self.behaviour.delay_seconds else ""
        self.tell(f"phone of {person}: {shown}; answers {result}{when}")
        return session_id

    async def outcome(self, request: web.Request, session_id: str = "") -> Question | None:
        """The question of a session once its owner has answered; None while that is not so.

        Args:
            request: says how long to wait, and which session unless ``session_id`` does.
            session_id: of ``ring``.

        Raises:
            HTTPNotFound: no such session.
        """
        self.polls += 1
        self.polled.set()
        if self.behaviour.breaks and request.transport is not None:
            self.behaviour.breaks -= 1
            request.transport.abort()
        question = self._sessions.get(session_id or request.match_info["session"])
        if question is None:
            raise web.HTTPNotFound
        if self.behaviour.running:
            self.behaviour.running -= 1
            return None
        patience_seconds = _patience_seconds(request)
        if self.behaviour.answers is not None:
            try:
                await asyncio.wait_for(self.behaviour.answers.wait(), patience_seconds)
            except TimeoutError:
                return None
        left_seconds = question.answered_at - asyncio.get_running_loop().time()
        await asyncio.sleep(min(max(left_seconds, 0), patience_seconds))
        return None if left_seconds > patience_seconds else question


async def read_body(request: web.Request, *names: str) -> dict[str, Any]:
    """A request's JSON body with exactly these members.

    Raises:
        HTTPBadRequest: it has others.
    """
    try:
        body = await request.json()
    except ValueError as error:
        raise web.HTTPBadRequest(text="not JSON") from error
    if not isinstance(body, dict) or set(body) != set(names):
        raise web.HTTPBadRequest(text=f"expected the members {', '.join(names)}")
    return body


def decode_member(text: Any) -> bytes:
    """Standard base64 of a request's member.

    Raises:
        HTTPBadRequest: it is none.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, TypeError) as error:
        raise web.HTTPBadRequest(text="not base64") from error


def _patience_seconds(request: web.Request) -> float:
    try:
        return min(int(request.query.get("timeoutMs", "0")) / 1000, MAX_WAIT_SECONDS)
    except ValueError as error:
        raise web.HTTPBadRequest(text="timeoutMs is a number") from error


@cache
def _rsa_key() -> rsa.RSAPrivateKey:
    """The one key of all apps: making one takes too long to give everybody their own."""
    return rsa.generate_private_key(65537, 2048)
