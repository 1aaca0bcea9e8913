# SPDX-License-Identifier: MIT
"""Smart-ID (RP API v2) and Mobile-ID (MID REST API) as their services answer, with people who do as told.

One aiohttp application, with the public demo people of both services and every failure they have. Signatures
are real, by keys whose certificates a throw-away authority has issued. Requests are checked as strictly
as the services do: whatever is missing or odd is a 400. Every question is kept, for tests to look at.
"""

import asyncio
import base64
import binascii
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from aiohttp import web
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from factories.people import Person, TestCA

from osak.shares.protocol.strict_json import encode_base64

SMART_ID_PATH: Final = "/smart-id-rp/v2"
MOBILE_ID_PATH: Final = "/mid-api"
RP_UUID: Final = "00000000-0000-0000-0000-000000000000"
RP_NAME: Final = "DEMO"
SMART_ID_PERSON: Final = "PNOEE-30303039914"
MOBILE_ID_PERSON: Final = ("60001017869", "+37268000769")

# Phone and code of people whom the demo service of Mobile-ID keeps for its failures.
MOBILE_ID_FAILURES: Final = {
    ("60001019939", "+37200000266"): "NOT_MID_CLIENT",
    ("60001019950", "+37201100266"): "USER_CANCELLED",
    ("60001019961", "+37200000666"): "SIGNATURE_HASH_MISMATCH",
    ("60001019983", "+37213100266"): "PHONE_ABSENT",
    ("60001019972", "+37201200266"): "DELIVERY_ERROR",
    ("50001018908", "+37266000266"): "TIMEOUT",
}
SMART_ID_RESULTS: Final = (
    "USER_REFUSED",
    "TIMEOUT",
    "DOCUMENT_UNUSABLE",
    "WRONG_VC",
    "REQUIRED_INTERACTION_NOT_SUPPORTED_BY_APP",
    "USER_REFUSED_CERT_CHOICE",
    "USER_REFUSED_DISPLAYTEXTANDPIN",
    "USER_REFUSED_VC_CHOICE",
    "USER_REFUSED_CONFIRMATIONMESSAGE",
    "USER_REFUSED_CONFIRMATIONMESSAGE_WITH_VC_CHOICE",
)
_INTERACTIONS: Final = {
    "displayTextAndPIN": ("displayText60", 60),
    "verificationCodeChoice": ("displayText60", 60),
    "confirmationMessage": ("displayText200", 200),
    "confirmationMessageAndVerificationCodeChoice": ("displayText200", 200),
}
_PREHASHED: Final = Prehashed(hashes.SHA256())
_RSA_KEY: Final = rsa.generate_private_key(65537, 2048)


@dataclass
class Behaviour:
    """What happens to the next questions.

    Attributes:
        result: the end result, ``OK`` for a signature.
        status: HTTP status that a question is refused with; 0 takes it.
        breaks: so many requests for the outcome are cut off without an answer.
        running: so many requests for the outcome are answered with RUNNING at once.
        answers: waited for before the person answers; ``None`` answers at once.
        certificate_level: of Smart-ID's answer.
        change: changes the last reply before it is sent.
    """

    result: str = "OK"
    status: int = 0
    breaks: int = 0
    running: int = 0
    answers: asyncio.Event | None = None
    certificate_level: str = "QUALIFIED"
    change: Callable[[dict[str, Any]], None] = lambda _: None


@dataclass
class EIDSimulator:
    """Both services, and whom they know.

    Attributes:
        authority: issued everybody's certificate.
        behaviour: of both services from now on.
        questions: the body of every question that was taken.
        polls: how often an outcome was asked for.
        polled: set when that happens.
    """

    authority: TestCA = field(default_factory=TestCA)
    behaviour: Behaviour = field(default_factory=Behaviour)
    questions: list[dict[str, Any]] = field(default_factory=list)
    polls: int = 0
    polled: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        usages = ("digital_signature", "key_encipherment", "data_encipherment")
        self.smart_id_person = self.authority.issue(SMART_ID_PERSON, key=_RSA_KEY, usages=usages)
        self.mobile_id_person = self.authority.issue(f"PNOEE-{MOBILE_ID_PERSON[0]}")
        self._sessions: dict[str, dict[str, Any]] = {}

    def application(self) -> web.Application:
        """Both services behind one address."""
        app = web.Application()
        app.router.add_post(f"{SMART_ID_PATH}/authentication/etsi/{{person}}", self._start_smart_id)
        app.router.add_get(f"{SMART_ID_PATH}/session/{{session}}", self._smart_id_outcome)
        app.router.add_post(f"{MOBILE_ID_PATH}/authentication", self._start_mobile_id)
        app.router.add_get(f"{MOBILE_ID_PATH}/authentication/session/{{session}}", self._mobile_id_outcome)
        return app

    async def _start_smart_id(self, request: web.Request) -> web.Response:
        body = await self._question(
            request, {"certificateLevel", "hash", "hashType", "allowedInteractionsOrder"}
        )
        if body["certificateLevel"] not in {"QUALIFIED", "ADVANCED", "QSCD"}:
            raise web.HTTPBadRequest
        _check_interactions(body["allowedInteractionsOrder"])
        if request.match_info["person"] != SMART_ID_PERSON:
            raise web.HTTPNotFound
        return self._started(body)

    async def _start_mobile_id(self, request: web.Request) -> web.Response:
        names = {"phoneNumber", "nationalIdentityNumber", "hash", "hashType", "language"}
        body = await self._question(request, {*names, "displayText", "displayTextFormat"})
        limits = {"GSM-7": 40, "UCS-2": 20}
        if (
            not re.fullmatch(r"\+\d{8,30}", body["phoneNumber"])
            or body["language"] not in {"EST", "ENG", "RUS", "LIT"}
            or len(body["displayText"]) > limits.get(body["displayTextFormat"], 0)
        ):
            raise web.HTTPBadRequest
        return self._started(body)

    async def _question(self, request: web.Request, names: set[str]) -> dict[str, Any]:
        """A request's body with these members and the relying party's; 400 or 401 otherwise."""
        if self.behaviour.status:
            _refuse(self.behaviour.status)
        try:
            body: dict[str, Any] = await request.json()
            digest = base64.b64decode(body["hash"], validate=True)
        except (json.JSONDecodeError, KeyError, binascii.Error) as error:
            raise web.HTTPBadRequest from error
        if set(body) != {"relyingPartyUUID", "relyingPartyName", *names}:
            raise web.HTTPBadRequest
        if len(digest) != 32 or body["hashType"] != "SHA256":
            raise web.HTTPBadRequest
        if (body["relyingPartyUUID"], body["relyingPartyName"]) != (RP_UUID, RP_NAME):
            raise web.HTTPUnauthorized
        return body

    def _started(self, body: dict[str, Any]) -> web.Response:
        self.questions.append(body)
        session = secrets.token_hex(16)
        session_id = "-".join((session[:8], session[8:12], session[12:16], session[16:20], session[20:]))
        self._sessions[session_id] = body
        return web.json_response({"sessionID": session_id})

    async def _smart_id_outcome(self, request: web.Request) -> web.Response:
        body = await self._answered(request)
        if body is None:
            return web.json_response({"state": "RUNNING"})
        reply: dict[str, Any] = {"state": "COMPLETE", "result": {"endResult": self.behaviour.result}}
        if self.behaviour.result == "OK":
            person = self.smart_id_person
            reply["result"]["documentNumber"] = f"{SMART_ID_PERSON}-MOCK-Q"
            reply["signature"] = {
                "value": _sign(person, body["hash"]),
                "algorithm": "sha256WithRSAEncryption",
            }
            reply["cert"] = {
                "value": encode_base64(person.der),
                "certificateLevel": self.behaviour.certificate_level,
            }
            reply["interactionFlowUsed"] = body["allowedInteractionsOrder"][0]["type"]
        self.behaviour.change(reply)
        return web.json_response(reply)

    async def _mobile_id_outcome(self, request: web.Request) -> web.Response:
        body = await self._answered(request)
        if body is None:
            return web.json_response({"state": "RUNNING"})
        asked = (body["nationalIdentityNumber"], body["phoneNumber"])
        result = MOBILE_ID_FAILURES.get(asked, "OK" if asked == MOBILE_ID_PERSON else "NOT_MID_CLIENT")
        if self.behaviour.result != "OK":
            result = self.behaviour.result
        reply: dict[str, Any] = {"state": "COMPLETE", "result": result, "traceId": "5ffc28098bb14341"}
        if result == "OK":
            person = self.mobile_id_person
            reply["signature"] = {"value": _sign(person, body["hash"]), "algorithm": "SHA256WithECEncryption"}
            reply["cert"] = encode_base64(person.der)
        self.behaviour.change(reply)
        return web.json_response(reply)

    async def _answered(self, request: web.Request) -> dict[str, Any] | None:
        """The question, once its person has answered; None while that has not happened."""
        self.polls += 1
        self.polled.set()
        if self.behaviour.breaks and request.transport is not None:
            self.behaviour.breaks -= 1
            request.transport.abort()
        body = self._sessions.get(request.match_info["session"])
        if body is None:
            raise web.HTTPNotFound
        if self.behaviour.running:
            self.behaviour.running -= 1
            return None
        if self.behaviour.answers is not None:
            seconds = int(request.query.get("timeoutMs", "0")) / 1000
            try:
                await asyncio.wait_for(self.behaviour.answers.wait(), seconds)
            except TimeoutError:
                return None
        return body


def _refuse(status: int) -> NoReturn:
    """Raise an answer with this status, also where HTTP has no name for it."""
    raise type("Refusal", (web.HTTPException,), {"status_code": status})(reason="refused")


def _check_interactions(order: list[Mapping[str, str]]) -> None:
    if not order:
        raise web.HTTPBadRequest
    for interaction in order:
        name, limit = _INTERACTIONS.get(interaction.get("type", ""), ("", 0))
        if set(interaction) != {"type", name} or len(interaction[name]) > limit:
            raise web.HTTPBadRequest


def _sign(person: Person, digest: str) -> str:
    """What the person's key makes of a hash: PKCS#1 v1.5, or raw ECDSA."""
    data = base64.b64decode(digest)
    if isinstance(person.key, ec.EllipticCurvePrivateKey):
        numbers = decode_dss_signature(person.key.sign(data, ec.ECDSA(_PREHASHED)))
        return encode_base64(b"".join(number.to_bytes(32) for number in numbers))
    return encode_base64(person.key.sign(data, padding.PKCS1v15(), _PREHASHED))
