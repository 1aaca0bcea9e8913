# SPDX-License-Identifier: MIT
"""The talk with an eID service over HTTPS: a question is started, its outcome waited for.

What Smart-ID (RP API v2) and Mobile-ID have in common. Starting is never repeated: each start is a
question on somebody's phone. Asking for the outcome is, since an answer that got lost on the way
would cost the person another PIN.
"""

import asyncio
import json
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self

from osak.client.identity.access import Access
from osak.client.identity.eid_tls import eid_context
from osak.client.identity.errors import IdentityError, IdentityServiceError, RefusedSignatureError
from osak.client.identity.settings import ServiceSettings
from osak.coordinator import Refused, TimedOut, Timeouts, TransportError, Unreachable
from osak.coordinator.transport.exchange import JSON_CONTENT, HTTPSession, Reply, Request
from osak.shares.errors import MessageError
from osak.shares.protocol.strict_json import parse_object, text_field

# A certificate and the signature of a 6144-bit key, in base64, are some 5 KiB.
MAX_REPLY_BYTES: Final = 64 * 2**10
# How long the service may hold one request for the outcome.
LONG_POLL_SECONDS: Final = 30
# Share servers let a nonce live for 300 s; a signature after that opens nothing.
PATIENCE_SECONDS: Final = 290
# So often in a row a request for the outcome may get lost.
MAX_LOST: Final = 3
_SESSION_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an HTTP status of a service means.

    Attributes:
        text: for people.
        reason: why the service will not ask this person; empty where the service itself is the reason.
    """

    text: str
    reason: str = ""


class EIDService:
    """One eID service; an async context manager that owns its connections."""

    def __init__(
        self,
        name: str,
        settings: ServiceSettings,
        timeouts: Timeouts,
        refusals: Mapping[int, Refusal],
        *,
        pause_seconds: float,
        patience_seconds: float = PATIENCE_SECONDS,
        session_headers: Mapping[str, str] | None = None,
        access: Access | None = None,
    ) -> None:
        """Take everything, do nothing.

        Args:
            name: of the service, for people.
            settings: where it is and how it is trusted.
            timeouts: of connections; a request for the outcome may take ``LONG_POLL_SECONDS`` more.
            refusals: what HTTP statuses mean beyond the usual.
            pause_seconds: between two requests for the outcome.
            patience_seconds: after this nobody is waited for any longer.
            session_headers: prove a session to an rp-server, which asks in its own name; None for others.
            access: of ``access_to``, where one token is to serve several questions.
        """
        self._session_headers = session_headers
        self._name = name
        self._settings = settings
        self._refusals = refusals
        self._pause_seconds = pause_seconds
        self._patience_seconds = patience_seconds
        self._access = access or access_to(settings)
        patient = timeouts.request_seconds + LONG_POLL_SECONDS
        self._session = HTTPSession(timeouts.model_copy(update={"request_seconds": patient}))

    async def __aenter__(self) -> Self:
        self._context = self._tls()
        await self._session.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.__aexit__(kind, error, trace)

    async def start(self, path: str, members: Mapping[str, Any]) -> str:
        """POST the question; return the id of its session.

        Raises:
            RefusedSignatureError: the service will not ask this person.
            IdentityServiceError: it cannot be reached or trusted, or answered what it should not.
        """
        asking = {
            "relyingPartyUUID": str(self._settings.relying_party_uuid),
            "relyingPartyName": self._settings.relying_party_name,
        }
        body = json.dumps({**(asking if self._session_headers is None else {}), **members}).encode()
        reply = await self._call("POST", path, body)
        session_id = reply.get("sessionID")
        if not isinstance(session_id, str) or not _SESSION_ID.fullmatch(session_id):
            raise IdentityServiceError(f"{self._name} answered without a session")
        return session_id

    async def outcome(self, path: str) -> dict[str, Any]:
        """GET until the question is answered, one way or another.

        Raises:
            RefusedSignatureError: nobody answered in time.
            IdentityServiceError: as ``start``.
        """
        loop = asyncio.get_running_loop()
        deadline, repeats = loop.time() + self._patience_seconds, 0
        while loop.time() < deadline:
            hold_seconds = min(LONG_POLL_SECONDS, deadline - loop.time())
            try:
                reply = await self._call("GET", f"{path}?timeoutMs={max(int(hold_seconds * 1000), 1000)}")
            except IdentityServiceError as error:
                repeats += 1
                if repeats > MAX_LOST or not was_lost(error):
                    raise
            else:
                repeats = 0
                match reply.get("state"):
                    case "COMPLETE":
                        return reply
                    case "RUNNING":
                        pass
                    case _:
                        raise IdentityServiceError(f"{self._name} answered what is no state of a session")
            await asyncio.sleep(self._pause_seconds)
        raise RefusedSignatureError(
            f"{self._name} had no answer in {self._patience_seconds:g} seconds", "timeout"
        )

    async def _call(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        try:
            reply = await self._exchange(method, path, body)
            return parse_object(reply.body, MAX_REPLY_BYTES)
        except Refused as error:
            raise self._refused(error.problem.status) from error
        except TransportError as error:
            raise IdentityServiceError(f"{self._name} {error}") from error
        except MessageError as error:
            raise IdentityServiceError(f"{self._name} answered something that is not its protocol") from error

    async def _exchange(self, method: str, path: str, body: bytes | None) -> Reply:
        """One call, or two where a proxy wants to be opened otherwise: what it refuses has asked nobody."""
        bare = path.partition("?")[0]
        for is_last in (False, True):
            headers = {**(JSON_CONTENT if body is not None else {}), **(self._session_headers or {})}
            if self._access is not None:
                headers |= await self._access.headers(self._session, method, self._settings.url, bare)
            request = Request(method, self._settings.url, path, HTTPStatus.OK, headers, body, MAX_REPLY_BYTES)
            try:
                reply = await self._session.call(request, self._context)
            except Refused as error:
                again = self._access is not None and self._access.may_pass_now(
                    error, self._settings.url, bare
                )
                if is_last or not again:
                    raise
                continue
            if self._access is not None:
                self._access.learn(reply, self._settings.url)
            return reply
        raise AssertionError("the last turn returns or raises")

    def _refused(self, status: int) -> IdentityError:
        found = self._refusals.get(status)
        if found is not None:
            if found.reason:
                return RefusedSignatureError(found.text, found.reason)
            return IdentityServiceError(found.text)
        if status == HTTPStatus.FORBIDDEN and self._session_headers is not None:
            return IdentityServiceError(
                "the rp-server does not take the session that the auth server gave",
                hint="ask its operator whether it believes credentials.auth_server",
            )
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN} and self._access is not None:
            return IdentityServiceError(
                f"the proxy before {self._name} does not take our access token ({status})",
                hint="check access, relying_party_uuid and relying_party_name in the configuration",
            )
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return IdentityServiceError(
                f"{self._name} does not know this relying party ({status})",
                hint="check relying_party_uuid, relying_party_name and url in the configuration",
            )
        return IdentityServiceError(f"{self._name} answered with an error ({status})")

    def _tls(self) -> ssl.SSLContext:
        try:
            return eid_context(self._settings.tls)
        except TransportError as error:
            raise IdentityServiceError(f"{self._name} {error}") from error


def access_to(settings: ServiceSettings) -> Access | None:
    """What opens the proxy before a service; None where there is none.

    Raises:
        IdentityServiceError: the file of the DPoP key holds another kind of key.
    """
    return None if settings.access is None else Access(settings.access)


def was_lost(error: IdentityServiceError) -> bool:
    """Whether an answer did not come, so that the outcome may be asked for again."""
    return isinstance(error.__cause__, Unreachable | TimedOut)


def member(message: Mapping[str, Any], *path: str) -> str:
    """The string at ``path`` in a service's answer.

    Raises:
        IdentityServiceError: there is none.
    """
    try:
        for name in path[:-1]:
            message = message[name]
        return text_field(dict(message), path[-1])
    except (KeyError, TypeError, ValueError, MessageError) as error:
        raise IdentityServiceError(f"the service answered without {'.'.join(path)}") from error
