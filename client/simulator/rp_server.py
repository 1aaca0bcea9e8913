# SPDX-License-Identifier: MIT
"""An rp-server before Smart-ID's version 3 (upstream's draft): it asks in its own name for whoever logged in.

Sessions come from the simulated auth server, over a nonce that this server gave out; what it checks of
them is the form, the auth server's signature, the nonce, and that people ask for themselves.
"""

import secrets
from typing import Any, Final

from aiohttp import web
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509.oid import NameOID

from osak.client.simulator.phones import read_body
from osak.client.simulator.smart_id_v3 import MEMBERS, SmartIDv3
from osak.shares.errors import MessageError
from osak.shares.protocol import headers
from osak.shares.protocol.session import SESSION_NONCE_PATH, parse_session
from osak.shares.protocol.strict_json import decode_base64url

RP_SERVER_PATH: Final = "/rp-server"

_P256_BYTES: Final = 32


class RPServer:
    """The service before Smart-ID."""

    def __init__(self, smart_id: SmartIDv3, auth_server_key: ec.EllipticCurvePublicKey) -> None:
        self._smart_id = smart_id
        self._auth_server_key = auth_server_key
        self._nonces: set[str] = set()

    def add_to(self, app: web.Application) -> None:
        """Answer below ``RP_SERVER_PATH``."""
        app.router.add_post(f"{RP_SERVER_PATH}{SESSION_NONCE_PATH}", self._give_nonce)
        app.router.add_post(f"{RP_SERVER_PATH}/sid/authenticate", self._start)
        app.router.add_get(f"{RP_SERVER_PATH}/sid/session/{{session}}", self._outcome)

    async def _give_nonce(self, _: web.Request) -> web.Response:
        nonce = secrets.token_urlsafe(16)
        self._nonces.add(nonce)
        return web.json_response({"nonce": nonce})

    async def _start(self, request: web.Request) -> web.Response:
        person = self._holder(request)
        body: dict[str, Any] = await read_body(request, "semanticsIdentifier", *MEMBERS)
        if body["semanticsIdentifier"] != person:
            raise web.HTTPForbidden(text="the session is another person's")
        return self._smart_id.ask(person, body)

    async def _outcome(self, request: web.Request) -> web.Response:
        self._holder(request)
        return await self._smart_id.outcome(request)

    def _holder(self, request: web.Request) -> str:
        """Whose session a request shows.

        Raises:
            HTTPForbidden: none that is good.
        """
        try:
            session = parse_session(request.headers.get(headers.SESSION_TOKEN, ""))
            der = decode_base64url(request.headers.get(headers.SESSION_CERTIFICATE, ""))
            numbers = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(
                NameOID.SERIAL_NUMBER
            )
            parts = (slice(_P256_BYTES), slice(_P256_BYTES, None))
            r, s = (int.from_bytes(session.signature[part]) for part in parts)
            signature = encode_dss_signature(r, s)
            self._auth_server_key.verify(signature, session.signing_input, ec.ECDSA(hashes.SHA256()))
        except (MessageError, ValueError, InvalidSignature) as error:
            raise web.HTTPForbidden(text="no session") from error
        person = str(numbers[0].value) if numbers else ""
        if session.audience.nonce not in self._nonces or session.login.recipient_id != f"etsi/{person}":
            raise web.HTTPForbidden(text="no session here")
        return person
