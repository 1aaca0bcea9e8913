# SPDX-License-Identifier: MIT
"""An auth server before the simulated phones: who logs in gets a session with every server it knows.

It gets a nonce from each server, has the person sign over all of them, and vouches for that with a key of
its own. Whether a server is the right one it does not check (nothing secret goes there, and a wrong nonce
only makes a session useless): servers of tests have certificates that nobody knows.
"""

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from osak.client.errors import UsageError
from osak.client.simulator.authority import Holder, write_private
from osak.client.simulator.mobile_id import mobile_id_code
from osak.client.simulator.people import MOBILE_ID_PEOPLE, SMART_ID_PEOPLE
from osak.client.simulator.phones import Phones
from osak.client.simulator.smart_id_v2 import smart_id_code
from osak.shares.errors import MessageError
from osak.shares.protocol.disclosures import AudienceDraft
from osak.shares.protocol.recipient import check_recipient_id
from osak.shares.protocol.session import (
    AUTH_START_PATH,
    AUTH_STATUS_PATH,
    JWKS_PATH,
    SESSION_NONCE_PATH,
    SessionAudience,
    draft_login,
    session_signing_input,
    whole_session,
)
from osak.shares.protocol.strict_json import encode_base64url
from osak.shares.protocol.urls import ServerURL

AUTH_SERVER_PATH: Final = "/auth-server"
ISSUER: Final = "osak-simulator"
SESSION_LIFE_SECONDS: Final = 3600
KEYS_FILE: Final = "auth-server-keys.json"

_KEY_ID: Final = "1"
_KEY_FILE: Final = "auth-server.key"
_TIMEOUT: Final = ClientTimeout(total=10)
_P256_BYTES: Final = 32


class AuthServer:
    """The service before everybody's phone.

    Attributes:
        servers: base URLs of the servers that people get sessions with; may change at any time.
    """

    def __init__(self, phones: Phones, key: ec.EllipticCurvePrivateKey, servers: Sequence[str] = ()) -> None:
        self.servers = list(servers)
        self._phones = phones
        self._key = key
        self._logins: dict[str, tuple[str, AudienceDraft, Holder]] = {}

    def add_to(self, app: web.Application) -> None:
        """Answer below ``AUTH_SERVER_PATH``."""
        app.router.add_post(f"{AUTH_SERVER_PATH}{AUTH_START_PATH}", self._start)
        app.router.add_get(f"{AUTH_SERVER_PATH}{AUTH_STATUS_PATH}/{{process}}", self._status)
        app.router.add_get(f"{AUTH_SERVER_PATH}{JWKS_PATH}", self._tell_keys)

    async def _start(self, request: web.Request) -> web.Response:
        self._phones.refuse_if_told()
        try:
            body = await request.json()
            recipient_id = check_recipient_id(body["identifier"])
        except (ValueError, KeyError, TypeError, MessageError) as error:
            raise web.HTTPBadRequest(text="expected identifier") from error
        if set(body) - {"mobileNr"} != {"identifier"}:
            raise web.HTTPBadRequest(text="expected identifier and mobileNr alone")
        person, number = recipient_id.removeprefix("etsi/"), body.get("mobileNr")
        holder, result = self._find(person, number)
        algorithm = "RS256" if number is None else "ES256"
        draft = draft_login(recipient_id, algorithm, await self._nonces())
        digest = hashes.Hash(hashes.SHA256())
        digest.update(draft.signing_input)
        code = (smart_id_code if number is None else mobile_id_code)(digest.finalize())
        process = secrets.token_hex(16)
        session = self._phones.ring(person, body, result, f'code {code}, "Log in"')
        self._logins[process] = (session, draft, holder)
        headers = {"Location": f"{AUTH_STATUS_PATH}/{process}"}
        return web.json_response({"vc": code}, status=201, headers=headers)

    def _find(self, person: str, number: object) -> tuple[Holder, str]:
        if number is None:
            result = SMART_ID_PEOPLE.get(person)
            if result is None:
                raise web.HTTPBadRequest(text="no such person")
            return self._phones.smart_id_holder(person), result
        code = person.partition("-")[2]
        result = MOBILE_ID_PEOPLE.get((code, str(number)), "NOT_MID_CLIENT")
        return self._phones.mobile_id_holder(person), result

    async def _nonces(self) -> list[SessionAudience]:
        async with ClientSession(connector=TCPConnector(ssl=False), timeout=_TIMEOUT) as session:
            found = []
            for server in self.servers:
                url = ServerURL.parse(server)
                try:
                    async with session.post(f"{url}{SESSION_NONCE_PATH}") as reply:
                        found.append(SessionAudience(url, (await reply.json())["nonce"]))
                except (ClientError, TimeoutError, ValueError, KeyError):
                    self._phones.tell(f"auth server: {url} gave no session nonce and is left out")
        if not found:
            raise web.HTTPServiceUnavailable(text="no server gave a session nonce")
        return found

    async def _status(self, request: web.Request) -> web.Response:
        found = self._logins.get(request.match_info["process"])
        if found is None:
            raise web.HTTPNotFound
        session, draft, holder = found
        question = await self._phones.outcome(request, session)
        if question is None:
            return web.json_response({"status": "RUNNING"})
        reply: dict[str, Any] = {"status": "COMPLETE", "endResult": question.result}
        if question.result == "OK":
            reply["sessionToken"] = self.vouch(draft, _sign(holder, draft.signing_input))
            reply["signingCertificate"] = encode_base64url(holder.der)
        self._phones.behaviour.change(reply)
        return web.json_response(reply)

    def vouch(self, draft: AudienceDraft, signature: bytes) -> str:
        """A session token for what a person signed."""
        now = int(time.time())
        signing_input = session_signing_input(
            draft, signature, key_id=_KEY_ID, issuer=ISSUER, times=(now, now + SESSION_LIFE_SECONDS)
        )
        return whole_session(signing_input, _raw(self._key, signing_input), draft)

    async def _tell_keys(self, _: web.Request) -> web.Response:
        return web.json_response(public_keys(self._key))


def auth_server_key(folder: Path) -> ec.EllipticCurvePrivateKey:
    """The auth server's key that is kept in ``folder``; its public half lies beside it, for nodes.

    Raises:
        UsageError: the folder holds something else.
        OSError: it cannot be read or written.
    """
    path = folder / _KEY_FILE
    if not path.exists():
        made = ec.generate_private_key(ec.SECP256R1())
        write_private(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except ValueError as error:
        raise UsageError(f"{path} is no simulator's") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise UsageError(f"{path} is no simulator's")
    (folder / KEYS_FILE).write_text(json.dumps(public_keys(key), indent=2) + "\n", encoding="utf-8")
    return key


def public_keys(key: ec.EllipticCurvePrivateKey) -> Mapping[str, Any]:
    """The JSON Web Key Set that an auth server publishes (RFC 7517)."""
    numbers = key.public_key().public_numbers()
    point = {name: encode_base64url(getattr(numbers, name).to_bytes(_P256_BYTES)) for name in ("x", "y")}
    fixed = {"kid": _KEY_ID, "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256"}
    return {"keys": [{**fixed, **point}]}


def _sign(holder: Holder, data: bytes) -> bytes:
    if isinstance(holder.key, rsa.RSAPrivateKey):
        return holder.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    return _raw(holder.key, data)


def _raw(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(_P256_BYTES) + s.to_bytes(_P256_BYTES)
