# SPDX-License-Identifier: MIT
"""Connections: too many are closed, and who never finishes a request's head is too."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from aiohttp import web

from osak.node.config import LimitSettings, ListenAddress
from osak.node.limits.connections import BoundedSite

REQUEST = b"GET / HTTP/1.1\r\nHost: node\r\n\r\n"


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A port that takes two connections and waits half a second for the head of a request."""
    app = web.Application()
    app.router.add_get("/", _answer)
    runner = web.AppRunner(app, keepalive_timeout=0.5)
    await runner.setup()
    await BoundedSite(runner, ListenAddress("127.0.0.1", 0), None, LimitSettings(max_connections=2)).start()
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


async def test_one_connection_too_many(port: int) -> None:
    """It is closed without an answer; those that were there go on, and a place that is free is taken."""
    first, second = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
    assert await ask(*first) == await ask(*second) == b"HTTP/1.1 200 OK"
    third = await asyncio.open_connection("127.0.0.1", port)
    assert await third[0].read() == b""
    await leave(third[1])
    assert await ask(*first) == b"HTTP/1.1 200 OK"
    for _, writer in (first, second):
        await leave(writer)


async def test_a_head_that_trickles_in(port: int) -> None:
    """Time runs from the opening of the connection, whatever comes in meanwhile."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    ended = asyncio.ensure_future(reader.read())
    letters = 0
    while not ended.done():
        writer.write(b"GET / HTTP/1.1\r\nHost: n"[letters : letters + 1] or b"n")
        letters += 1
        await asyncio.wait([ended], timeout=0.02)
    assert await ended == b""
    assert letters < 250
    await leave(writer)
