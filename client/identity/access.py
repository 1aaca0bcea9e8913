# SPDX-License-Identifier: MIT
"""What opens a proxy before an eID service: an OAuth 2.0 access token, from a file or a token endpoint.

A token never stands in a log, an error or a repr. One from an endpoint (client credentials, RFC 6749, 4.4)
is kept until shortly before it ends, in memory only. With ``dpop`` every request proves that this client
holds the key that the token is bound to (RFC 9449).
"""

import base64
import re
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from osak.client.identity.access_settings import AccessSettings
from osak.client.identity.dpop import DPoPKey
from osak.client.identity.eid_tls import eid_context
from osak.client.identity.errors import IdentityServiceError
from osak.coordinator import Refused, TransportError
from osak.coordinator.transport.exchange import HTTPSession, Reply, Request
from osak.coordinator.upload_credential import MAX_TOKEN_CHARACTERS
from osak.shares.errors import MessageError
from osak.shares.protocol.strict_json import parse_object, text_field
from osak.shares.protocol.urls import DEFAULT_HTTPS_PORT, ServerURL

_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_MAX_REPLY_BYTES: Final = 64 * 2**10
# A token is not used in its last seconds: the request may arrive after its end.
_MARGIN_SECONDS: Final = 30
# Where the endpoint does not say how long its token lives.
_DEFAULT_LIFE_SECONDS: Final = 60
_SERVICE: Final = "the token service"
# RFC 6749, A.12, less the space, which no header would keep apart.
_TOKEN: Final = re.compile(rf"[!-~]{{1,{MAX_TOKEN_CHARACTERS}}}", re.ASCII)
_NO_CLIENT: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED)


class Access:
    """The access to one proxy."""

    def __init__(self, settings: AccessSettings, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the settings; nothing is asked for yet.

        Raises:
            IdentityServiceError: the file of the DPoP key holds another kind of key.
        """
        self._settings = settings
        self._clock = clock
        self._dpop = DPoPKey(_read_key(settings)) if settings.dpop else None
        self._kept: tuple[str, float] | None = None

    async def headers(self, session: HTTPSession, method: str, url: ServerURL, path: str) -> dict[str, str]:
        """What opens the proxy for one request.

        Args:
            session: to ask the token endpoint over.
            method: of the request.
            url: the proxy's base URL.
            path: of the request, without query.

        Raises:
            IdentityServiceError: the token endpoint gave no token.
        """
        token = await self._token(session)
        if self._dpop is None:
            return {"Authorization": f"Bearer {token}"}
        proof = self._dpop.proof(method, _plain(url, path), token)
        return {"Authorization": f"DPoP {token}", "DPoP": proof}

    def learn(self, reply: Reply, url: ServerURL) -> None:
        """Take the nonce that a server wants in the next proof (RFC 9449, 8.2)."""
        if self._dpop is not None:
            self._dpop.take_nonce(_plain(url, ""), reply.headers.get("DPoP-Nonce", ""))

    def may_pass_now(self, refusal: Refused, url: ServerURL, path: str) -> bool:
        """Whether a refused request is worth one more try: the proxy wants a nonce, or another token."""
        if refusal.problem.status != HTTPStatus.UNAUTHORIZED:
            return False
        nonce = refusal.headers.get("DPoP-Nonce", "")
        if self._dpop is not None and self._dpop.take_nonce(_plain(url, path), nonce):
            return True
        # A token from the endpoint may have been taken back meanwhile; a new one is worth one try.
        had_token, self._kept = self._kept is not None, None
        return had_token

    async def _token(self, session: HTTPSession) -> str:
        if self._settings.token_file is not None:
            return self._settings.token_file.get_secret_value()
        if self._kept is None or self._kept[1] <= self._clock():
            self._kept = await self._new_token(session)
        return self._kept[0]

    async def _new_token(self, session: HTTPSession) -> tuple[str, float]:
        """A token from the endpoint, and until when it is used."""
        asked_at = self._clock()
        try:
            body = await self._ask(session)
        except Refused as error:
            url = self._settings.token_url
            nonce = error.headers.get("DPoP-Nonce", "")
            if self._dpop is None or url is None or not self._dpop.take_nonce(_plain(url, ""), nonce):
                raise _no_token(error) from error
            try:
                body = await self._ask(session)
            except TransportError as again:
                raise _no_token(again) from again
        except TransportError as error:
            raise _no_token(error) from error
        return self._read(body, asked_at)

    async def _ask(self, session: HTTPSession) -> bytes:
        settings = self._settings
        assert settings.token_url is not None, "there is an endpoint where there is no file"
        assert settings.client_secret_file is not None, "they go together"
        # RFC 6749, 2.3.1: both are form-encoded first.
        pair = f"{quote(settings.client_id, '')}:{quote(settings.client_secret_file.get_secret_value(), '')}"
        headers = {**_FORM, "Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        if self._dpop is not None:
            headers["DPoP"] = self._dpop.proof("POST", _plain(settings.token_url, ""))
        form = {"grant_type": "client_credentials", **({"scope": settings.scope} if settings.scope else {})}
        request = Request(
            "POST",
            settings.token_url,
            "",
            HTTPStatus.OK,
            headers,
            urlencode(form).encode("ascii"),
            _MAX_REPLY_BYTES,
        )
        reply = await session.call(request, eid_context(settings.tls))
        self.learn(reply, settings.token_url)
        return reply.body

    def _read(self, body: bytes, asked_at: float) -> tuple[str, float]:
        kind = "bearer" if self._dpop is None else "dpop"
        try:
            reply = parse_object(body, _MAX_REPLY_BYTES)
            token = text_field(reply, "access_token")
            given_kind = text_field(reply, "token_type").lower()
        except MessageError as error:
            raise IdentityServiceError(f"{_SERVICE} answered something that is not its protocol") from error
        if not _TOKEN.fullmatch(token):
            raise IdentityServiceError(f"{_SERVICE} answered with a token that no request can carry")
        if given_kind != kind:
            # A token that is not bound would be sent as if it were, and prove nothing.
            raise IdentityServiceError(
                f"{_SERVICE} gave a token that is not {'bound to our key' if self._dpop else 'a plain one'}",
                hint="set dpop under credentials.….access as the service wants it",
            )
        return token, asked_at + _life_seconds(reply) - _MARGIN_SECONDS


def _life_seconds(reply: Mapping[str, Any]) -> float:
    life = reply.get("expires_in", _DEFAULT_LIFE_SECONDS)
    is_number = isinstance(life, int) and not isinstance(life, bool)
    return max(life, 0) if is_number else _DEFAULT_LIFE_SECONDS


def _no_token(error: TransportError) -> IdentityServiceError:
    if isinstance(error, Refused) and error.problem.status in _NO_CLIENT:
        return IdentityServiceError(
            f"{_SERVICE} gives this client no token ({error.problem.status})",
            hint="check client_id, client_secret_file, scope and dpop under credentials.….access",
        )
    return IdentityServiceError(f"{_SERVICE} {error}")


def _plain(url: ServerURL, path: str) -> str:
    """The URL as others write it: without the port that https has anyway (RFC 3986, 6.2.3)."""
    origin = str(url).removesuffix(url.path)
    return f"{origin.removesuffix(f':{DEFAULT_HTTPS_PORT}')}{url.path}{path}"


def _read_key(settings: AccessSettings) -> ec.EllipticCurvePrivateKey | None:
    if settings.dpop_key_file is None:
        return None
    try:
        key = load_pem_private_key(settings.dpop_key_file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise IdentityServiceError(f"{settings.dpop_key_file} holds no private key in PEM") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise IdentityServiceError(f"{settings.dpop_key_file} holds another key than one on P-256")
    return key
