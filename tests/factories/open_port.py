# SPDX-License-Identifier: MIT
"""One port of a node without the rest of it, bounded as ``node.limits.connections`` does it, and its log."""

import asyncio
import io
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiohttp import web

from osak.node.app import create_admin_app
from osak.node.config import LimitSettings, ListenAddress
from osak.node.connection_telemetry import ConnectionTelemetry
from osak.node.limits.connections import BoundedSite
from osak.node.telemetry import Telemetry, create_telemetry

REQUEST = b"GET /health/live HTTP/1.1\r\nHost: node\r\n\r\n"


@dataclass
class OpenPort:
    """Where it is, and what it told its operator."""

    log: io.StringIO = field(default_factory=io.StringIO)
    telemetry: Telemetry = field(init=False)
    port: int = 0
    clients: list["Connection"] = field(default_factory=list)
    server: web.Server | None = None

    def __post_init__(self) -> None:
        self.telemetry = create_telemetry(self.log, "test")

    def number(self, name: str, **labels: str) -> float | None:
        """The value of one series now."""
        return self.telemetry.registry.get_sample_value(name, labels)

    def refused(self, reason: str) -> float | None:
        """How many connections were refused for this reason."""
        return self.number("osak_node_connections_refused_total", port="listen", reason=reason)

    @property
    def open(self) -> float | None:
        """How many connections the metrics say are open."""
        return self.number("osak_node_connections", port="listen")

    def lines(self, event: str) -> list[dict[str, Any]]:
        """What was logged of this kind."""
        lines = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [line for line in lines if line["event"] == event]

    async def connect(self, source: str = "127.0.0.1") -> "Connection":
        """Open a connection from an address of this machine."""
        target = "::1" if ":" in source else "127.0.0.1"
        pair = await asyncio.open_connection(target, self.port, local_addr=(source, 0))
        self.clients.append(Connection(*pair))
        return self.clients[-1]

    async def settles_at(self, count: int) -> None:
        """Return when so many connections are open; ends of connections take a moment to be seen."""
        await come_true(lambda: self.open == count)


async def come_true(is_true: Callable[[], bool]) -> None:
    """Return when it is; within five seconds."""
    for _ in range(500):
        if is_true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come true")


@dataclass
class Connection:
    """A client's end."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self) -> bytes:
        """The status line of one more request; the health of a node without stores is always good."""
        self.writer.write(REQUEST)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        await self.reader.readexactly(length)
        return head.splitlines()[0]

    async def rest(self) -> bytes:
        """All that comes until the node closes the connection; one that is reset ends too."""
        async with asyncio.timeout(5):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    async def leave(self) -> None:
        """Close it, whoever closed it first."""
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


@asynccontextmanager
async def open_port(
    limits: LimitSettings,
    tls: ssl.SSLContext | None = None,
    app: web.Application | None = None,
    quiet_seconds: float = 60,
    host: str = "127.0.0.1",
) -> AsyncIterator[OpenPort]:
    """A port with these limits, by default of a node's admin application."""
    opened = OpenPort()
    runner = web.AppRunner(app or create_admin_app([], opened.telemetry), shutdown_timeout=1)
    await runner.setup()
    watch = partial(ConnectionTelemetry(opened.telemetry, quiet_seconds).watch, "listen")
    address = ListenAddress(host, 0)
    await BoundedSite(runner, address, tls, limits=limits, telemetry=opened.telemetry, watch=watch).start()
    opened.port = runner.addresses[0][1]
    opened.server = runner.server
    try:
        yield opened
    finally:
        for client in opened.clients:
            await client.leave()
        await runner.cleanup()
