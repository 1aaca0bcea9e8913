# SPDX-License-Identifier: MIT
"""Logging in at an auth server (dialect B): one question on the phone, then a session with every server.

The auth server asks the person; the code to compare comes from it. What it gives out is looked at before it
is used: it must be this person's, and each server will be shown its own part alone. Whether its signatures
are good is for the servers to find out. A session is kept in memory, for this run.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from osak.client.identity.conversation import Conversation
from osak.client.identity.eid_tls import eid_context
from osak.client.identity.errors import BadSignatureError, IdentityServiceError, RefusedSignatureError
from osak.client.identity.mobile_id import describe_end as describe_mobile_id_end
from osak.client.identity.person_certificate import check_owner, read_certificate
from osak.client.identity.service import MAX_LOST, PATIENCE_SECONDS, member, was_lost
from osak.client.identity.settings import AuthServerSettings
from osak.client.identity.smart_id_answers import describe_end as describe_smart_id_end
from osak.coordinator import Timeouts, TransportError
from osak.coordinator.auth.session import SessionProof
from osak.coordinator.transport.exchange import JSON_CONTENT, HTTPSession, Reply, Request
from osak.shares.errors import MessageError
from osak.shares.protocol.session import (
    AUTH_START_PATH,
    AUTH_STATUS_PATH,
    MAX_SESSION_CHARACTERS,
    parse_session,
    split_session,
)
from osak.shares.protocol.strict_json import decode_base64url, parse_object
from osak.shares.protocol.urls import ServerURL

_NAME: Final = "the auth server"
_SHOWN: Final = "Login"
_MAX_REPLY_BYTES: Final = MAX_SESSION_CHARACTERS + 16 * 1024
_LOCATION: Final = re.compile(rf"{AUTH_STATUS_PATH}/(?P<id>[A-Za-z0-9-]{{18,36}})", re.ASCII)
_CODE: Final = re.compile(r"[0-9]{4}", re.ASCII)

Sessions = Mapping[ServerURL, SessionProof]


class AuthServer:
    """One auth server."""

    def __init__(
        self,
        settings: AuthServerSettings,
        conversation: Conversation,
        timeouts: Timeouts,
        *,
        pause_seconds: float = 1.0,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """Take everything, ask nobody yet.

        Args:
            settings: where it is and how it is trusted.
            conversation: speaks to the person.
            timeouts: of the network; the person has longer.
            pause_seconds: between two requests for the outcome.
            patience_seconds: after this nobody is waited for any longer.
        """
        self._settings = settings
        self._conversation = conversation
        self._timeouts = timeouts
        self._pause_seconds = pause_seconds
        self._patience_seconds = patience_seconds

    async def log_in(self, recipient_id: str, phone_number: str = "") -> Sessions:
        """Have the person log in; return what each server is to be shown.

        Args:
            recipient_id: the person.
            phone_number: of their Mobile-ID; without one the server asks through Smart-ID.

        Raises:
            IdentityError: refused, failed, or not to be believed; a ``CredentialError``.
        """
        try:
            context = eid_context(self._settings.tls)
        except TransportError as error:
            raise IdentityServiceError(f"{_NAME} {error}") from error
        identity = {"identifier": recipient_id, **({"mobileNr": phone_number} if phone_number else {})}
        async with HTTPSession(self._timeouts) as session:

            async def call(method: str, path: str, hoped_for: HTTPStatus, body: bytes | None = None) -> Reply:
                given = JSON_CONTENT if body is not None else {}
                request = Request(method, self._settings.url, path, hoped_for, given, body, _MAX_REPLY_BYTES)
                try:
                    return await session.call(request, context)
                except TransportError as error:
                    raise IdentityServiceError(f"{_NAME} {error}") from error

            started = await call("POST", AUTH_START_PATH, HTTPStatus.CREATED, json.dumps(identity).encode())
            process, code = _read_start(started)
            self._conversation.show_code(_SHOWN, code)
            with self._conversation.waiting(_SHOWN):
                answer = await self._outcome(
                    lambda: call("GET", f"{AUTH_STATUS_PATH}/{process}", HTTPStatus.OK)
                )
        return _read_sessions(answer, recipient_id, with_phone=bool(phone_number))

    async def _outcome(self, ask: Callable[[], Awaitable[Reply]]) -> dict[str, Any]:
        """Ask until the login is complete; an answer that got lost on the way is asked for again."""
        loop = asyncio.get_running_loop()
        deadline, lost = loop.time() + self._patience_seconds, 0
        while loop.time() < deadline:
            try:
                answer = _read(await ask())
            except IdentityServiceError as error:
                lost += 1
                if lost > MAX_LOST or not was_lost(error):
                    raise
            else:
                lost = 0
                if member(answer, "status") == "COMPLETE":
                    return answer
            await asyncio.sleep(self._pause_seconds)
        raise RefusedSignatureError(f"{_NAME} had no answer in {self._patience_seconds:g} seconds", "timeout")


def _read_start(reply: Reply) -> tuple[str, str]:
    """Id of the process and the code that the phone shows."""
    location = _LOCATION.fullmatch(reply.headers.get("Location", ""))
    code = member(_read(reply), "vc")
    if location is None or not _CODE.fullmatch(code):
        raise IdentityServiceError(f"{_NAME} answered something that is not its protocol")
    return location["id"], code


def _read_sessions(answer: Mapping[str, Any], recipient_id: str, *, with_phone: bool) -> Sessions:
    end = member(answer, "endResult")
    if end != "OK":
        text, reason = (describe_mobile_id_end if with_phone else describe_smart_id_end)(end)
        raise RefusedSignatureError(text, reason)
    try:
        certificate_der = decode_base64url(member(answer, "signingCertificate"))
        shown = split_session(member(answer, "sessionToken"))
        people = {parse_session(token).login.recipient_id for token in shown.values()}
    except MessageError as error:
        raise IdentityServiceError(f"{_NAME} answered with no session token: {error}") from error
    if people != {recipient_id}:
        raise BadSignatureError(f"{_NAME} answered with the session of somebody else")
    check_owner(read_certificate(certificate_der), recipient_id)
    return {server: SessionProof(token, certificate_der) for server, token in shown.items()}


def _read(reply: Reply) -> dict[str, Any]:
    try:
        return parse_object(reply.body, _MAX_REPLY_BYTES)
    except MessageError as error:
        raise IdentityServiceError(f"{_NAME} answered something that is not its protocol") from error
