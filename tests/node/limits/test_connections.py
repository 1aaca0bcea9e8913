# SPDX-License-Identifier: MIT
"""Connections: too many are closed, and who never finishes a request's head is too."""

import asyncio
import resource
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiohttp import web

from osak.node.config import LimitSettings, ListenAddress
from osak.node.limits.connections import BoundedSite, allow_open_files

REQUEST = b"GET / HTTP/1.1\r\nHost: node\r\n\r\n"


@asynccontextmanager
async def open_port(head_seconds: float, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A port that takes two connections and waits so long for the head of a request."""
    app = web.Application()
    app.router.add_get("/", _answer)
    runner = web.AppRunner(app, keepalive_timeout=head_seconds)
    await runner.setup()
    await BoundedSite(runner, ListenAddress("127.0.0.1", 0), tls, LimitSettings(max_connections=2)).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def _answer(_: web.Request) -> web.Response:
    return web.Response(text="here")


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """The status line of one more request."""
    writer.write(REQUEST)
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(4)
    return head.splitlines()[0]


async def leave(writer: asyncio.StreamWriter) -> None:
    """Close a connection, whoever closed it first."""
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def test_one_connection_too_many() -> None:
    """It is closed without an answer, and those that were there go on."""
    async with open_port(60) as port:
        first, second = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        assert await ask(*first) == await ask(*second) == b"HTTP/1.1 200 OK"
        third = await asyncio.open_connection("127.0.0.1", port)
        assert await third[0].read() == b""
        assert await ask(*first) == b"HTTP/1.1 200 OK"
        for _, writer in (first, second, third):
            await leave(writer)


async def test_handshakes_that_never_begin() -> None:
    """Connections count before TLS is spoken, and give their place back when they end."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    async with open_port(60, context) as port:
        first, second = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        third = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(5):  # of handshake_timeout's 10 seconds
            assert await third[0].read() == b""
        first[1].write(b"no TLS at all\r\n\r\n")
        with suppress(ConnectionError):
            await first[0].read()
        fourth = await asyncio.open_connection("127.0.0.1", port)
        is_closed = asyncio.ensure_future(fourth[0].read())
        assert not (await asyncio.wait([is_closed], timeout=0.3))[0]
        fourth[1].close()
        await is_closed
        for _, writer in (first, second, third, fourth):
            await leave(writer)


async def test_a_head_that_trickles_in() -> None:
    """Time runs from the opening of the connection, whatever comes in meanwhile."""
    async with open_port(0.3) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        ended = asyncio.ensure_future(reader.read())
        writer.write(b"GET / HTTP/1.1\r\nX-Long: ")
        # aiohttp takes fields of 8 KiB: it is time that ends this, not size.
        for _ in range(2000):
            writer.write(b"n")
            await asyncio.wait([ended], timeout=0.02)
            if ended.done():
                break
        assert ended.done()
        with suppress(ConnectionError):  # what was still sent may have met a closed door
            assert await ended == b""
        await leave(writer)


def test_a_low_limit_of_open_files() -> None:
    """It is raised as far as the system lets us, so that a full port leaves some for disk and health."""
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(before, most - 1), most))
        allow_open_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (most, most)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))
