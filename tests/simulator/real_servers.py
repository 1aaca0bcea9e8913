# SPDX-License-Identifier: MIT
"""Servers on loopback for tests of the HTTP adapter: a faithful node, and one that sends any bytes.

Both speak real TLS with certificates of a throw-away authority. ``RawServer`` records every decrypted
byte it was sent, so that a test can prove that nothing was.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import trustme
from aiohttp import web
from simulator.nodes import SimulatedNode

from osak.coordinator import Refused, TLSSettings, UploadOptions
from osak.coordinator.transport.tls import certificate_pin
from osak.shares.protocol import headers
from osak.shares.protocol.messages import NonceReply, Problem, ShareMessage
from osak.shares.protocol.share_set import ShareSetMember
from osak.shares.protocol.strict_json import decode_base64
from osak.shares.protocol.urls import KEY_SHARES_PATH, NODE_IDENTITY_PATH, ServerURL, nonce_path, share_path

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Authority:
    """A throw-away certificate authority and a server certificate of it."""

    def __init__(self, folder: Path, *names: str, expires_at: datetime | None = None) -> None:
        self._authority = trustme.CA()
        self._leaf = self._authority.issue_cert(*(names or ("localhost", "127.0.0.1")), not_after=expires_at)
        self.ca_file = folder / f"ca-{id(self)}.pem"
        self._authority.cert_pem.write_to_path(self.ca_file)

    @property
    def pin(self) -> str:
        """The pin of the server's key."""
        pem = self._leaf.cert_chain_pems[0].bytes().decode("ascii")
        return certificate_pin(ssl.PEM_cert_to_DER_cert(pem))

    @property
    def trust(self) -> TLSSettings:
        """Trust in this authority."""
        return TLSSettings(ca_file=self.ca_file)

    def server_context(self) -> ssl.SSLContext:
        """TLS settings of a server with this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._leaf.configure_cert(context)
        return context


@dataclass
class RawServer:
    """A TLS server that answers as it is told.

    Attributes:
        port: on 127.0.0.1.
        received: every byte of HTTP that reached it.
        connections: how many TLS handshakes it finished.
    """

    answer: Answer
    port: int = 0
    received: bytearray = field(default_factory=bytearray)
    connections: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection."""
        self.connections += 1
        self._open.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.received += head
            await self.answer(reader, writer)
        self._open.discard(writer)
        writer.transport.abort()

    def end(self) -> None:
        """Cut every connection."""
        for writer in self._open:
            writer.transport.abort()


@asynccontextmanager
async def raw_server(answer: Answer, context: ssl.SSLContext | None) -> AsyncIterator[RawServer]:
    """Run a ``RawServer`` on a free port; without ``context`` it speaks no TLS."""
    raw = RawServer(answer)
    server = await asyncio.start_server(raw.serve, "127.0.0.1", 0, ssl=context)
    raw.port = server.sockets[0].getsockname()[1]
    try:
        yield raw
    finally:
        server.close()
        raw.end()
        await asyncio.sleep(0)
        await server.wait_closed()


def send(data: bytes) -> Answer:
    """An answer of exactly these bytes, then silence until the other side leaves."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        await reader.read()

    return answer


def reply(status: str, body: bytes = b"", *fields: str) -> bytes:
    """An HTTP reply as bytes."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields, "", ""]
    return "\r\n".join(lines).encode() + body


@asynccontextmanager
async def node_server(node: SimulatedNode, context: ssl.SSLContext) -> AsyncIterator[None]:
    """Serve a simulated node over HTTPS; its URL becomes the one it can be reached at."""
    app = web.Application(middlewares=[_problems])
    service = _NodeHandlers(node)
    app.router.add_post(KEY_SHARES_PATH, service.create)
    app.router.add_post(nonce_path("{share_id}"), service.nonce)
    app.router.add_get(share_path("{share_id}"), service.release)
    app.router.add_delete(share_path("{share_id}"), service.revoke)
    app.router.add_get(NODE_IDENTITY_PATH, service.identity)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    node.url = ServerURL("localhost", runner.addresses[0][1])
    try:
        yield
    finally:
        await runner.cleanup()


class _NodeHandlers:
    def __init__(self, node: SimulatedNode) -> None:
        self._node = node

    async def create(self, request: web.Request) -> web.Response:
        expiry = request.headers.get(headers.EXPIRY_TIME)
        revocation = request.headers.get(headers.REVOCATION_HASH)
        share_set = request.headers.get(headers.SHARE_SET)
        options = UploadOptions(
            expires_at=None if expiry is None else datetime.fromisoformat(expiry).astimezone(UTC),
            revocation_hash=None if revocation is None else decode_base64(revocation),
            share_set=None if share_set is None else ShareSetMember.parse(share_set),
        )
        share_id = self._node.create(ShareMessage.from_request(await request.read()), options)
        return web.Response(status=201, headers={"Location": share_path(share_id)})

    async def nonce(self, request: web.Request) -> web.Response:
        nonce = self._node.issue_nonce(request.match_info["share_id"])
        return web.Response(body=NonceReply(nonce).to_json(), content_type="application/json")

    async def release(self, request: web.Request) -> web.Response:
        certificate = ssl.PEM_cert_to_DER_cert(
            request.headers[headers.AUTH_CERTIFICATE]
            .replace("CERTIFICATE-----", "CERTIFICATE-----\n", 1)
            .replace("-----END", "\n-----END")
        )
        ticket = request.headers[headers.AUTH_TICKET]
        message = self._node.release(request.match_info["share_id"], ticket, certificate)
        return web.Response(body=message.to_json(), content_type="application/json")

    async def revoke(self, request: web.Request) -> web.Response:
        self._node.revoke(request.match_info["share_id"], request.headers[headers.REVOCATION_TOKEN])
        return web.Response(status=204)

    async def identity(self, _: web.Request) -> web.Response:
        return web.Response(body=self._node.identity().to_json(), content_type="application/json")


@web.middleware
async def _problems(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refused as error:
        problem: Problem = error.problem
        return web.Response(
            status=problem.status, body=problem.to_json(), content_type="application/problem+json"
        )
