# SPDX-License-Identifier: MIT
"""A port with a bound on open connections, of all and of each client, and on the time of a TLS handshake.

One connection too many is closed as it is accepted, before TLS: there is nobody to explain it to without
doing the work that is to be saved. A handshake counts as a connection, so who never begins one cannot use up
the process's file descriptors; that is why connections are accepted plain and given to TLS here. How long a
connection may wait for the head of a request is aiohttp's ``keepalive_timeout``, which starts with the
connection and is not prolonged by what trickles in.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import Final, cast

from aiohttp import web

from osak.node.config import LimitSettings, ListenAddress
from osak.node.connection_telemetry import Refusal
from osak.node.http_protocol import MAX_HEAD_BYTES, NodeProtocol
from osak.node.limits.clients import ConnectedClients
from osak.node.telemetry import Telemetry

# How long a client may take to end TLS once the node has; the buffers of a connection are kept until then.
_SHUTDOWN_SECONDS: Final = 2.0
# Of IPv6 and, through the same socket, of IPv4, which asyncio by itself would leave out.
_ALL_ADDRESSES: Final = "::"


class _Door(asyncio.Protocol):
    """Hands an accepted connection to ``enter`` before anything is read from it."""

    def __init__(self, enter: Callable[[asyncio.Transport], None]) -> None:
        self._enter = enter

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._enter(cast("asyncio.Transport", transport))


class BoundedSite(web.BaseSite):
    """Listens at one address for one application.

    ``watch`` is told how to count the open connections, and answers with who hears of each that was refused.
    """

    def __init__(
        self,
        runner: web.AppRunner,
        address: ListenAddress,
        tls: ssl.SSLContext | None,
        *,
        limits: LimitSettings,
        telemetry: Telemetry,
        watch: Callable[[Callable[[], int]], Callable[[Refusal], None]],
    ) -> None:
        super().__init__(runner, ssl_context=tls)
        self._address = address
        self._limits = limits
        self._telemetry = telemetry
        self._clients = ConnectedClients(limits)
        self._handshakes: set[asyncio.Task[None]] = set()
        self._refused = watch(self._count)

    @property
    def name(self) -> str:
        """The address, for aiohttp's messages."""
        return f"{self._address.host}:{self._address.port}"

    async def start(self) -> None:
        """Open the port.

        Raises:
            OSError: it cannot be opened.
        """
        await super().start()
        loop, host, port = asyncio.get_running_loop(), self._address.host, self._address.port
        if host == _ALL_ADDRESSES and socket.has_dualstack_ipv6():
            both = socket.create_server((host, port), family=socket.AF_INET6, dualstack_ipv6=True)
            self._server = await loop.create_server(self._open_door, sock=both, backlog=self._backlog)
        else:
            self._server = await loop.create_server(self._open_door, host, port, backlog=self._backlog)

    async def stop(self) -> None:
        """Close the port, and connections whose handshake is under way."""
        await super().stop()
        for handshake in self._handshakes:
            handshake.cancel()

    def _open_door(self) -> _Door:
        return _Door(self._enter)

    def _count(self) -> int:
        server = self._runner.server
        return len(self._handshakes) + (0 if server is None else len(server.connections))

    def _enter(self, transport: asyncio.Transport) -> None:
        server = self._runner.server
        if server is None:
            transport.abort()
            return
        if self._count() >= self._limits.max_connections:
            self._refuse(transport, Refusal.PORT)
            return
        peer = transport.get_extra_info("peername")
        leave = self._clients.enter(peer[0] if peer else None)
        if isinstance(leave, Refusal):
            self._refuse(transport, leave)
            return
        protocol = NodeProtocol(
            server,
            self._telemetry,
            idle_seconds=self._limits.idle_timeout,
            answer_seconds=self._limits.request_timeout,
            on_lost=leave,
        )
        if self._ssl_context is None:
            transport.set_protocol(protocol)
            protocol.connection_made(transport)
            return
        transport.pause_reading()
        # A transport cannot be turned into TLS without a gap in which the first request would be lost.
        try:
            accepted = transport.get_extra_info("socket").dup()
        except OSError:
            leave()
            self._refuse(transport, Refusal.FILES)
            return
        transport.abort()
        # TLS has buffers for as much as ever came at once, by the system's defaults half a megabyte.
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MAX_HEAD_BYTES)
        handshake = asyncio.get_running_loop().create_task(self._shake_hands(protocol, accepted, leave))
        self._handshakes.add(handshake)
        handshake.add_done_callback(self._handshakes.discard)

    def _refuse(self, transport: asyncio.Transport, reason: Refusal) -> None:
        transport.abort()
        self._refused(reason)

    async def _shake_hands(
        self, protocol: NodeProtocol, accepted: socket.socket, leave: Callable[[], None]
    ) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: protocol,
                accepted,
                ssl=self._ssl_context,
                ssl_handshake_timeout=self._limits.handshake_timeout,
                ssl_shutdown_timeout=_SHUTDOWN_SECONDS,
            )
        except OSError:  # the client's fault, and its to notice
            leave()
            self._refused(Refusal.HANDSHAKE)
        except asyncio.CancelledError:
            leave()
            raise
