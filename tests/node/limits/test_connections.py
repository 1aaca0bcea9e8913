# SPDX-License-Identifier: MIT
"""Connections: too many are closed, of all and of each client, and so are those that never ask anything."""

import asyncio
import os
import resource
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web
from factories.open_port import REQUEST, come_true, open_port

from osak.node.config import LimitSettings
from osak.node.http_protocol import MAX_HEAD_BYTES
from osak.node.tls import make_dev_certificate
from osak.shares.protocol.urls import ServerURL

OK = b"HTTP/1.1 200 OK"
TWO = LimitSettings(max_connections=2)


async def test_one_connection_too_many() -> None:
    """It is closed without an answer, and those that were there go on."""
    async with open_port(TWO) as port:
        first, second = [await port.connect() for _ in range(2)]
        assert await first.ask() == await second.ask() == OK
        third = await port.connect()
        assert await third.rest() == b""
        assert await first.ask() == OK
        assert (port.open, port.refused("port"), port.refused("address")) == (2, 1, 0)


async def test_handshakes_that_never_begin() -> None:
    """Connections count before TLS is spoken, and give their place back when they end."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    limits = LimitSettings(max_connections=2, max_connections_per_address=2)
    async with open_port(limits, context) as port:
        first, _ = [await port.connect() for _ in range(2)]
        third = await port.connect()
        assert await third.rest() == b""  # sooner than handshake_timeout's 10 seconds
        first.writer.write(b"no TLS at all\r\n\r\n")
        await first.rest()
        await port.settles_at(1)
        fourth = await port.connect()
        is_closed = asyncio.ensure_future(fourth.rest())
        assert not (await asyncio.wait([is_closed], timeout=0.3))[0]
        fourth.writer.close()
        await is_closed
        await port.settles_at(1)
        assert (port.refused("port"), port.refused("handshake")) == (1, 2)


async def test_a_handshake_that_takes_too_long() -> None:
    """It is ended in time, counted, and its place is free again."""
    limits = LimitSettings(handshake_timeout="1s", max_connections_per_address=1)
    async with open_port(limits, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)) as port:
        for count in (1, 2):
            silent = await port.connect()
            assert await silent.rest() == b""
            await port.settles_at(0)
            assert (port.refused("handshake"), port.refused("address")) == (count, 0)


@dataclass(frozen=True)
class TLS:
    """Both ends' contexts."""

    server: ssl.SSLContext
    client: ssl.SSLContext

    async def connect(self, port: int) -> ssl.SSLSocket:
        """A connection whose handshake is done."""

        def shake_hands() -> ssl.SSLSocket:
            plain = socket.create_connection(("127.0.0.1", port))
            return self.client.wrap_socket(plain, server_hostname="localhost")

        return await asyncio.to_thread(shake_hands)


@pytest.fixture
def tls(tmp_path: Path) -> TLS:
    """A certificate for this test."""
    certificate, key, _ = make_dev_certificate(ServerURL.parse("https://localhost"), datetime.now(UTC))
    (tmp_path / "node.pem").write_bytes(certificate + key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "node.pem")
    return TLS(server, ssl.create_default_context(cadata=certificate.decode()))


async def test_a_client_that_does_not_end_tls(tls: TLS) -> None:
    """Its place and buffers are free soon after the node ended the connection."""
    async with open_port(LimitSettings(), tls.server) as port:
        with await tls.connect(port.port) as client:
            client.sendall(b"no HTTP\r\n\r\n")
            await port.settles_at(1)
            await port.settles_at(0)


async def test_what_the_system_takes_from_a_client(tls: TLS) -> None:
    """It is a head and not megabytes, since TLS keeps buffers for as much as ever came at once."""
    async with open_port(LimitSettings(), tls.server) as port:
        with await tls.connect(port.port):
            await port.settles_at(1)
            assert port.server
            (connection,) = port.server.connections
            assert connection.transport
            accepted = connection.transport.get_extra_info("socket")
            # Linux counts its own notes in, and so says twice as much as was asked for.
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) <= 2 * MAX_HEAD_BYTES


async def test_one_address_with_many_connections() -> None:
    """It gets no more than its own; others come in, and a place is free again when a connection ends."""
    async with open_port(LimitSettings(max_connections_per_address=2)) as port:
        first, second = [await port.connect() for _ in range(2)]
        assert await first.ask() == await second.ask() == OK
        third = await port.connect()
        assert await third.rest() == b""
        another = await port.connect("127.0.0.2")
        assert await another.ask() == OK
        assert (port.open, port.refused("address"), port.refused("port")) == (3, 1, 0)
        await first.leave()
        await port.settles_at(2)
        again = await port.connect()
        assert await again.ask() == OK


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this system has no socket for both")
async def test_a_port_for_ipv4_and_ipv6() -> None:
    """``[::]`` is all addresses of both kinds, and an IPv4 client is counted by its IPv4 address there."""
    limits = LimitSettings.model_validate(
        {"max_connections_per_address": 1, "trusted_proxies": ["127.0.0.9"]}
    )
    async with open_port(limits, host="::") as port:
        for source in ("127.0.0.1", "::1", "127.0.0.9", "127.0.0.9"):
            assert await (await port.connect(source)).ask() == OK
        for source in ("127.0.0.1", "::1"):
            assert await (await port.connect(source)).rest() == b""


async def test_a_trusted_proxys_connections() -> None:
    """A proxy stands for many clients: it may have all connections of the port."""
    limits = LimitSettings.model_validate(
        {"max_connections_per_address": 1, "max_connections": 3, "trusted_proxies": ["127.0.0.9"]}
    )
    async with open_port(limits) as port:
        proxied = [await port.connect("127.0.0.9") for _ in range(3)]
        assert [await connection.ask() for connection in proxied] == [OK] * 3
        fourth = await port.connect("127.0.0.9")
        assert await fourth.rest() == b""
        assert (port.refused("port"), port.refused("address")) == (1, 0)


async def test_a_flood_of_connections_in_the_log() -> None:
    """It is told at once, and then once in a while with how many there were; never whose."""
    limits = LimitSettings(max_connections_per_address=1)
    async with open_port(limits, quiet_seconds=0.5) as port:
        first = await port.connect()
        assert await first.ask() == OK
        for _ in range(20):
            refused = await port.connect()
            assert await refused.rest() == b""
        lines = port.lines("connections refused")
        assert [(line["port"], line["reason"], line["count"]) for line in lines] == [("listen", "address", 1)]
        assert lines[0]["level"] == "warning"
        await come_true(lambda: len(port.lines("connections refused")) == 2)
        assert [line["count"] for line in port.lines("connections refused")] == [1, 19]
        assert "127.0.0.1" not in port.log.getvalue()
        await first.leave()


async def test_no_file_descriptor_is_left() -> None:
    """The connection is closed and counted, and its place is free when there are descriptors again."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with open_port(LimitSettings(max_connections_per_address=1), context) as port:
        # The kernel lets it in at once, the node when it may run again.
        client = socket.create_connection(("127.0.0.1", port.port))
        lowest = os.dup(0)
        os.close(lowest)
        try:
            # One more may be opened: that which accepts the next connection, not the one for its TLS.
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest + 1, before[1]))
            await come_true(lambda: port.refused("files") == 1)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
            client.close()
        assert port.open == 0
        another = await port.connect()
        another.writer.write(b"no TLS\r\n\r\n")
        await another.rest()
        assert (port.refused("handshake"), port.refused("address")) == (1, 0)


async def test_a_head_that_trickles_in() -> None:
    """Time runs from the opening of the connection, whatever comes in meanwhile."""
    async with open_port(LimitSettings(idle_timeout="1s")) as port:
        connection = await port.connect()
        ended = asyncio.ensure_future(connection.rest())
        connection.writer.write(b"GET / HTTP/1.1\r\nX-Long: ")
        # aiohttp takes fields of 8 KiB: it is time that ends this, not size.
        for _ in range(2000):
            connection.writer.write(b"n")
            await asyncio.wait([ended], timeout=0.02)
            if ended.done():
                break
        assert ended.done()
        assert await ended == b""
        await connection.leave()


ANSWER, MANY = bytes(60_000), 200  # together more than the kernel keeps for a connection


def _large_answers() -> web.Application:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=ANSWER)

    app = web.Application()
    app.router.add_get("/health/live", answer)
    return app


async def test_answers_that_nobody_reads() -> None:
    """Who asks and never reads is cut, and counted as a request that was not done in time."""
    limits = LimitSettings(request_timeout="1s", max_connections_per_address=1)
    async with open_port(limits, app=_large_answers()) as port:
        with socket.create_connection(("127.0.0.1", port.port)) as client:
            client.sendall(REQUEST * MANY)
            await port.settles_at(1)
            await port.settles_at(0)
            assert port.number("osak_node_refusals_total", error="RequestTimeoutError") == 1
        async with asyncio.timeout(5):
            assert await (await port.connect()).ask() == OK


async def test_an_answer_that_is_read_slowly() -> None:
    """Who goes on reading is not cut, however long it takes in all."""
    limits = LimitSettings(request_timeout="1s")
    async with open_port(limits, app=_large_answers()) as port:
        client = await port.connect()
        client.writer.write(REQUEST * MANY)
        cut = asyncio.ensure_future(port.settles_at(0))
        for _ in range(6):  # more than two seconds in all, and none without a pause
            await client.reader.readexactly(len(ANSWER) * MANY // 6)
            await asyncio.wait([cut], timeout=0.35)
        assert not cut.done()
        cut.cancel()
