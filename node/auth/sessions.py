# SPDX-License-Identifier: MIT
"""Sessions of people who logged in through an auth server: nonces for them, and tokens that prove them.

A node believes the auth servers' keys in its configuration and none else; it fetches nothing. A token must
be signed by one of them and, inside, by the person whose certificate comes along, over this node's own nonce.
A nonce proves itself by a MAC, as those of shares do, and is not spent: a session is used until it ends.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from osak.node.auth.base import SessionEvidence
from osak.node.auth.certificates import CertificateVerifier
from osak.node.auth.signatures import Signed, verify_signature
from osak.node.auth.smart_id import SmartIDVerifier
from osak.node.errors import SessionRefusedError, ShareNotFoundError, TicketRefusedError
from osak.node.nonces import CLOCK_SKEW_SECONDS, NonceMint
from osak.shares.errors import ConfigurationError, MessageError
from osak.shares.protocol.session import SESSION_ALGORITHM, UnverifiedSession, parse_session
from osak.shares.protocol.strict_json import decode_base64url
from osak.shares.protocol.urls import ServerURL

# No share has this id: those are longer.
_NONCE_LABEL = "session"
_P256_BYTES = 32


@dataclass(frozen=True, slots=True)
class AuthServer:
    """Whom to believe.

    Attributes:
        issuer: its name in tokens.
        keys: id to P-256 key.
    """

    issuer: str
    keys: Mapping[str, ec.EllipticCurvePublicKey] = field(repr=False)


class Sessions:
    """Issues session nonces and verifies session tokens."""

    def __init__(
        self,
        public_url: ServerURL,
        auth_servers: Sequence[AuthServer],
        certificates: CertificateVerifier,
        smart_id: SmartIDVerifier,
        nonces: NonceMint,
        *,
        life_seconds: int,
        required: bool,
    ) -> None:
        """Take whom to believe, and for how long.

        Args:
            public_url: of this node.
            auth_servers: each with an issuer of its own.
            certificates: verifies people's certificates, as for tickets.
            smart_id: verifies what apps signed, as for tickets.
            nonces: with a life of ``life_seconds``.
            life_seconds: how long a session may last.
            required: whether nothing is done for people without one.
        """
        self._public_url = public_url
        self._auth_servers = {server.issuer: server for server in auth_servers}
        self._certificates = certificates
        self._smart_id = smart_id
        self._nonces = nonces
        self._life_seconds = life_seconds
        self._required = required

    def issue_nonce(self, now: datetime) -> str:
        """A nonce for a session; issuing keeps nothing."""
        return self._nonces.issue(_NONCE_LABEL, int(now.timestamp()))

    def admit(self, evidence: SessionEvidence | None, now: datetime) -> str | None:
        """Return whose session a request shows, or None for none where none is needed.

        Raises:
            SessionRefusedError: it shows none that is good, and one is needed or was shown.
        """
        if evidence is not None:
            return self._verify(evidence, now)
        if self._required:
            raise SessionRefusedError("no session token came")
        return None

    def _verify(self, evidence: SessionEvidence, now: datetime) -> str:
        """Return whose session it is, e.g. ``etsi/PNOEE-48010010101``."""
        try:
            session = parse_session(evidence.token)
        except MessageError as error:
            # What follows a colon may quote the token; the log gets only our own words.
            raise SessionRefusedError(f"malformed: {str(error).partition(':')[0]}") from error
        seconds = int(now.timestamp())
        # (1) Did an auth server that is believed here give it out, and does it still hold?
        self._check_issuer(session, seconds)
        # (2) Is it for me, with a nonce of mine?
        if session.audience.server != self._public_url:
            raise SessionRefusedError("the session is for another server")
        try:
            self._nonces.check(_NONCE_LABEL, session.audience.nonce, seconds)
        except ShareNotFoundError as error:
            raise SessionRefusedError(f"session: {error}") from error
        # (3) Did the person sign it?
        try:
            certificate = self._certificates.verify(evidence.certificate, now)
            self._check_person(session, certificate.recipient_id, certificate.public_key)
        except TicketRefusedError as error:
            raise SessionRefusedError(f"session: {error}") from error
        return certificate.recipient_id

    def _check_issuer(self, session: UnverifiedSession, seconds: int) -> None:
        server = self._auth_servers.get(session.issuer)
        key = None if server is None else server.keys.get(session.key_id)
        if key is None:
            raise SessionRefusedError("the auth server or its key is not known here")
        signed = Signed(SESSION_ALGORITHM, session.signing_input, session.signature)
        try:
            verify_signature(signed, key)
        except TicketRefusedError as error:
            raise SessionRefusedError("the token is not signed by the auth server") from error
        if not session.issued_at - CLOCK_SKEW_SECONDS <= seconds < session.expires_at:
            raise SessionRefusedError("the session has ended, or not begun")
        if session.expires_at - session.issued_at > self._life_seconds:
            raise SessionRefusedError("the session is longer than sessions.life")

    def _check_person(self, session: UnverifiedSession, recipient_id: str, public_key: Any) -> None:
        login = session.login
        if login.recipient_id != recipient_id:
            raise TicketRefusedError("iss is not the certificate's serialNumber")
        signed = Signed(login.algorithm, login.signing_input, login.signature)
        if session.smart_id_parameters is None:
            verify_signature(signed, public_key)
        else:
            self._smart_id.verify(signed, session.smart_id_parameters, public_key)


def read_auth_server(issuer: str, keys_file: Path) -> AuthServer:
    """An auth server's keys from the JSON that it publishes (``/.well-known/jwks.jws``).

    Raises:
        ConfigurationError: no usable key, or something else.
        OSError: the file cannot be read.
    """
    try:
        found = json.loads(keys_file.read_bytes())["keys"]
        keys = {str(key["kid"]): _public_key(key) for key in found if key.get("kty") == "EC"}
    except (ValueError, KeyError, TypeError, AttributeError, MessageError) as error:
        raise ConfigurationError(str(keys_file), ["expected a JSON Web Key Set"]) from error
    if not keys:
        raise ConfigurationError(str(keys_file), ["expected a key on P-256 in it"])
    return AuthServer(issuer, keys)


def _public_key(key: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    """A P-256 key (RFC 7518, 6.2.1)."""
    if key.get("crv") != "P-256":
        raise ValueError("another curve")
    x, y = (decode_base64url(str(key[name])) for name in ("x", "y"))
    if len(x) != _P256_BYTES or len(y) != _P256_BYTES:
        raise ValueError("no point")
    return ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), ec.SECP256R1()).public_key()
