# SPDX-License-Identifier: MIT
"""Session tokens: proof, by an auth server, that a person has logged in lately (dialect B; docs/adr/0021).

The person signs a JWT over the session nonces of all servers, hidden as a ticket's audiences are, but of
a type of its own: neither can pass as the other. The auth server puts that JWT into a token of its own:

    header   {"typ": "vnd.cdoc2.session-token.v1+sd-jwt", "alg": "ES256", "kid": …}
    body     {"iss": …, "sub": recipient id, "iat": …, "exp": …, "_sd": […], "_sd_alg": "sha-256",
              "person": the JWT that the person signed}

``_sd`` is that of the person's JWT. An app asked through version 3 of Smart-ID's API leaves one member more,
``sid_rpv3``: the parameters of its signature, as in a ticket's header. The auth server gives out all
disclosures, ``<JWT>~<aud>~<audience 1>~…~``; a client shows each server its own alone.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from osak.shares.errors import MessageError
from osak.shares.protocol.disclosures import (
    MAX_PRESENTATION_CHARACTERS,
    AudienceDraft,
    UnverifiedClaims,
    draft_audiences,
    jwt_signing_input,
    read_audience,
    read_claims,
    read_list_digest,
)
from osak.shares.protocol.recipient import check_recipient_id
from osak.shares.protocol.strict_json import decode_base64url, encode_base64url, parse_object, text_field
from osak.shares.protocol.urls import ServerURL, check_nonce

SESSION_NONCE_PATH: Final = "/session_nonce"
AUTH_START_PATH: Final = "/auth/start"
AUTH_STATUS_PATH: Final = "/auth/status"
JWKS_PATH: Final = "/.well-known/jwks.jws"
SESSION_TYPE: Final = "vnd.cdoc2.session-token.v1+sd-jwt"
LOGIN_TYPE: Final = "vnd.cdoc2.session-login.v1+jwt"
SESSION_ALGORITHM: Final = "ES256"
# All disclosures of all servers; what one server is shown is bounded as a ticket is.
MAX_SESSION_CHARACTERS: Final = 64 * 1024

_MEMBERS: Final = {"iss", "sub", "iat", "exp", "_sd", "_sd_alg", "person"}
_APP_MEMBER: Final = "sid_rpv3"
_MAX_SECONDS: Final = 2**40


@dataclass(frozen=True, slots=True)
class SessionAudience:
    """One server's place in a session: its URL and its session nonce."""

    server: ServerURL
    nonce: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "SessionAudience":
        """Read ``{base}/session_nonce?nonce={nonce}``.

        Raises:
            MessageError: any other form.
        """
        base, marker, nonce = text.rpartition(f"{SESSION_NONCE_PATH}?nonce=")
        if not marker or base.endswith("/"):
            raise MessageError("a session's audience is {base}/session_nonce?nonce={nonce}")
        return cls(ServerURL.parse(base), check_nonce(nonce))

    def __str__(self) -> str:
        return f"{self.server}{SESSION_NONCE_PATH}?nonce={self.nonce}"


def draft_login(
    recipient_id: str,
    algorithm: str,
    audiences: Sequence[SessionAudience],
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> AudienceDraft:
    """Make what a person signs to log in at all servers.

    Raises:
        MessageError: no or too many servers, an unknown algorithm, or a malformed recipient id.
    """
    named = [str(audience) for audience in audiences]
    return draft_audiences(LOGIN_TYPE, recipient_id, algorithm, named, random_bytes)


def session_signing_input(
    draft: AudienceDraft,
    signature: bytes,
    *,
    key_id: str,
    issuer: str,
    times: tuple[int, int],
    smart_id_parameters: str = "",
) -> bytes:
    """What an auth server signs.

    Args:
        draft: what the person signed.
        signature: theirs.
        key_id: of the auth server's key.
        issuer: the auth server.
        times: since when, and until when, in seconds since 1970.
        smart_id_parameters: of a signature through Smart-ID's version 3.
    """
    login = f"{draft.signing_input.decode('ascii')}.{encode_base64url(signature)}"
    claims = read_claims(login, LOGIN_TYPE)
    body: dict[str, Any] = {
        "iss": issuer,
        "sub": claims.recipient_id,
        "iat": times[0],
        "exp": times[1],
        "_sd": [claims.list_digest],
        "_sd_alg": "sha-256",
        "person": login,
    }
    if smart_id_parameters:
        body[_APP_MEMBER] = smart_id_parameters
    return jwt_signing_input({"typ": SESSION_TYPE, "alg": SESSION_ALGORITHM, "kid": key_id}, body)


def whole_session(signing_input: bytes, signature: bytes, draft: AudienceDraft) -> str:
    """The token with all disclosures, as the auth server gives it out."""
    token = f"{signing_input.decode('ascii')}.{encode_base64url(signature)}"
    return "~".join((token, draft.audience_list, *draft.audiences, ""))


@dataclass(frozen=True, slots=True)
class UnverifiedSession:
    """A session token as one server is shown it; neither signature was checked.

    Attributes:
        key_id: of the auth server's key.
        issuer: the auth server.
        login: what the person signed.
        audience: the only disclosed one.
        issued_at: seconds since 1970.
        expires_at: likewise.
        smart_id_parameters: of the person's signature; None where it is over the login's bytes.
        signing_input: what the auth server signed.
        signature: its signature, raw.
    """

    key_id: str
    issuer: str
    login: UnverifiedClaims
    audience: SessionAudience
    issued_at: int
    expires_at: int
    smart_id_parameters: str | None = field(repr=False)
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def parse_session(text: str) -> UnverifiedSession:
    """Read a presentation for one server; checks form and digests, no signature.

    Raises:
        MessageError: anything but exactly the documented form.
    """
    if len(text) > MAX_PRESENTATION_CHARACTERS or not text.isascii():
        raise MessageError("a session token is at most 8000 ASCII characters")
    pieces = text.split("~")
    if len(pieces) != 4 or pieces[3]:
        raise MessageError("a session token is <JWT>~<disclosure>~<disclosure>~")
    token, audience_list, audience = pieces[:3]
    signing_input, _, signature = token.rpartition(".")
    header, body = _read_parts(signing_input)
    login = read_claims(text_field(body, "person"), LOGIN_TYPE)
    if check_recipient_id(text_field(body, "sub")) != login.recipient_id:
        raise MessageError("a session token is for another person than signed")
    if read_list_digest(body) != login.list_digest:
        raise MessageError("a session token is for other servers than the person signed for")
    return UnverifiedSession(
        key_id=text_field(header, "kid"),
        issuer=text_field(body, "iss"),
        login=login,
        audience=SessionAudience.parse(read_audience(login.list_digest, audience_list, audience)),
        issued_at=_seconds(body, "iat"),
        expires_at=_seconds(body, "exp"),
        smart_id_parameters=text_field(body, _APP_MEMBER) if _APP_MEMBER in body else None,
        signing_input=signing_input.encode("ascii"),
        signature=decode_base64url(signature),
    )


def split_session(text: str) -> dict[ServerURL, str]:
    """What each server is to be shown of a whole token; each is well formed.

    Raises:
        MessageError: the token is not, or names a server twice.
    """
    pieces = text.split("~")
    if len(text) > MAX_SESSION_CHARACTERS or len(pieces) < 4 or pieces[-1]:
        raise MessageError("a session token is <JWT>~<disclosure>~<disclosure>~…")
    shown: dict[ServerURL, str] = {}
    for audience in pieces[2:-1]:
        presentation = "~".join((*pieces[:2], audience, ""))
        server = parse_session(presentation).audience.server
        if server in shown:
            raise MessageError("a session token names a server twice")
        shown[server] = presentation
    return shown


def _read_parts(signing_input: str) -> tuple[dict[str, Any], dict[str, Any]]:
    parts = signing_input.split(".")
    if len(parts) != 2:
        raise MessageError("a session token's JWT has three parts")
    header, body = (parse_object(decode_base64url(part), MAX_PRESENTATION_CHARACTERS) for part in parts)
    if set(header) != {"typ", "alg", "kid"} or header["typ"] != SESSION_TYPE:
        raise MessageError(f"a session token's header is typ {SESSION_TYPE}, alg and kid")
    if header["alg"] != SESSION_ALGORITHM:
        raise MessageError(f"a session token is signed with {SESSION_ALGORITHM}")
    if set(body) - {_APP_MEMBER} != _MEMBERS:
        raise MessageError("a session token's body is of another form")
    return header, body


def _seconds(body: dict[str, Any], name: str) -> int:
    value = body[name]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _MAX_SECONDS:
        raise MessageError(f"{name} of a session token is a time in seconds")
    return value
