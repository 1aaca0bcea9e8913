# SPDX-License-Identifier: MIT
"""``NodeTransport`` over HTTPS: which calls there are, and what their replies mean.

How a call is made, and what a server may not do to us meanwhile, is in ``exchange``.
"""

import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from osak.coordinator.auth.session import SessionProof
from osak.coordinator.group import Server, Timeouts, TLSSettings
from osak.coordinator.transport.base import UploadOptions
from osak.coordinator.transport.exchange import JSON_CONTENT, HTTPSession, Reply, Request, reading_reply
from osak.coordinator.transport.tls import make_context
from osak.coordinator.upload_credential import UploadCredential
from osak.shares.protocol import headers
from osak.shares.protocol.messages import NodeIdentity, NonceReply, ReleasesReply, ShareMessage
from osak.shares.protocol.strict_json import encode_base64, encode_base64url
from osak.shares.protocol.times import time_text
from osak.shares.protocol.urls import (
    KEY_SHARES_PATH,
    NODE_IDENTITY_PATH,
    ServerURL,
    nonce_path,
    releases_path,
    share_id_from_location,
    share_path,
)


class HTTPTransport:
    """Calls to share servers over HTTPS; an async context manager that owns its connections."""

    def __init__(self, timeouts: Timeouts, sessions: Mapping[ServerURL, SessionProof] | None = None) -> None:
        """Take how long to wait, and what servers are shown where people have to have logged in."""
        self._session = HTTPSession(timeouts)
        self._sessions = sessions or {}
        self._contexts: dict[TLSSettings, ssl.SSLContext] = {}
        self._upload_contexts: dict[tuple[TLSSettings, UploadCredential], ssl.SSLContext] = {}

    async def __aenter__(self) -> Self:
        await self._session.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.__aexit__(kind, error, trace)

    async def create_share(self, server: Server, message: ShareMessage, options: UploadOptions) -> str:
        """POST /key-shares; see ``NodeTransport``."""
        given = {**JSON_CONTENT, **_upload_headers(options)}
        context = self._context(server.tls)
        if server.upload is not None:
            given |= server.upload.headers()
            context = self._upload_context(server.tls, server.upload)
        request = Request("POST", server.url, KEY_SHARES_PATH, 201, given, message.to_json())
        reply = await self._session.call(request, context)
        with reading_reply():
            return share_id_from_location(reply.headers.get("Location", ""))

    async def request_nonce(self, server: Server, share_id: str) -> str:
        """POST /key-shares/{share_id}/nonce; see ``NodeTransport``."""
        given = {**JSON_CONTENT, **self._session_headers(server)}
        reply = await self._call(server, "POST", nonce_path(share_id), 200, headers=given, body=b"")
        with reading_reply():
            return NonceReply.from_reply(reply.body).nonce

    async def fetch_share(
        self,
        server: Server,
        share_id: str,
        ticket: str,
        certificate_der: bytes,
        *,
        smart_id_parameters: str = "",
    ) -> ShareMessage:
        """GET /key-shares/{share_id}; see ``NodeTransport``."""
        session = self._session_headers(server)
        given = _ticket_headers(ticket, certificate_der, smart_id_parameters, dialect_b=bool(session))
        given |= session
        reply = await self._call(server, "GET", share_path(share_id), 200, headers=given)
        with reading_reply():
            return ShareMessage.from_reply(reply.body)

    async def fetch_releases(
        self,
        server: Server,
        share_id: str,
        ticket: str,
        certificate_der: bytes,
        *,
        smart_id_parameters: str = "",
    ) -> ReleasesReply:
        """GET /key-shares/{share_id}/releases; see ``NodeTransport``."""
        session = self._session_headers(server)
        given = _ticket_headers(ticket, certificate_der, smart_id_parameters, dialect_b=bool(session))
        given |= session
        reply = await self._call(server, "GET", releases_path(share_id), 200, headers=given)
        with reading_reply():
            return ReleasesReply.from_reply(reply.body)

    async def revoke_share(self, server: Server, share_id: str, token: str) -> None:
        """DELETE /key-shares/{share_id}; see ``NodeTransport``."""
        await self._call(
            server, "DELETE", share_path(share_id), 204, headers={headers.REVOCATION_TOKEN: token}
        )

    async def read_identity(self, server: Server) -> NodeIdentity:
        """GET /.well-known/osak-node; see ``NodeTransport``."""
        reply = await self._call(server, "GET", NODE_IDENTITY_PATH, 200)
        with reading_reply():
            return NodeIdentity.from_reply(reply.body)

    async def _call(
        self,
        server: Server,
        method: str,
        path: str,
        hoped_for: int,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply:
        request = Request(method, server.url, path, hoped_for, headers or {}, body)
        return await self._session.call(request, self._context(server.tls))

    def _session_headers(self, server: Server) -> dict[str, str]:
        proof = self._sessions.get(server.url)
        return {} if proof is None else proof.headers()

    def _context(self, trust: TLSSettings) -> ssl.SSLContext:
        if trust not in self._contexts:
            self._contexts[trust] = make_context(trust)
        return self._contexts[trust]

    def _upload_context(self, trust: TLSSettings, sender: UploadCredential) -> ssl.SSLContext:
        """A context of its own: the certificate is shown with uploads only."""
        if (trust, sender) not in self._upload_contexts:
            context = make_context(trust)
            sender.show_certificate(context)
            self._upload_contexts[trust, sender] = context
        return self._upload_contexts[trust, sender]


def _upload_headers(options: UploadOptions) -> dict[str, str]:
    found = {}
    if options.expires_at is not None:
        found[headers.EXPIRY_TIME] = time_text(options.expires_at)
    if options.revocation_hash is not None:
        found[headers.REVOCATION_HASH] = encode_base64(options.revocation_hash)
    if options.share_set is not None:
        found[headers.SHARE_SET] = str(options.share_set)
    return found


def _ticket_headers(
    ticket: str, certificate_der: bytes, smart_id_parameters: str, *, dialect_b: bool
) -> dict[str, str]:
    if dialect_b or smart_id_parameters:  # only dialect B knows those, and sessions
        parameters = {headers.SMART_ID_PARAMETERS: smart_id_parameters} if smart_id_parameters else {}
        return {
            headers.AUTH_TICKET_DIALECT_B: ticket,
            headers.AUTH_CERTIFICATE: encode_base64url(certificate_der),
            **parameters,
        }
    return {headers.AUTH_TICKET: ticket, headers.AUTH_CERTIFICATE: _one_line_pem(certificate_der)}


def _one_line_pem(certificate_der: bytes) -> str:
    """The certificate as the released servers want it: PEM without line breaks (docs/protocol.md)."""
    return f"-----BEGIN CERTIFICATE-----{encode_base64(certificate_der)}-----END CERTIFICATE-----"
