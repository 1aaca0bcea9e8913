# SPDX-License-Identifier: MIT
"""A port with a bound on open connections and on the time of a TLS handshake.

One connection too many is closed before any HTTP is spoken: there is nobody to explain it to without doing
the work that is to be saved. How long a connection may wait for the head of a request is aiohttp's
``keepalive_timeout``, which starts with the connection and is not prolonged by what trickles in.
"""

import asyncio
import ssl

from aiohttp import web

from osak.node.config import LimitSettings, ListenAddress


class _Refusal(asyncio.Protocol):
    """Closes the connection it is given."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class BoundedSite(web.BaseSite):
    """Listens at one address for one application."""

    def __init__(
        self,
        runner: web.AppRunner,
        address: ListenAddress,
        tls: ssl.SSLContext | None,
        limits: LimitSettings,
    ) -> None:
        super().__init__(runner, ssl_context=tls)
        self._address = address
        self._limits = limits

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
        server = self._runner.server
        assert server is not None, "the runner was set up"

        def connect() -> asyncio.BaseProtocol:
            is_full = len(server.connections) >= self._limits.max_connections
            return _Refusal() if is_full else server()

        self._server = await asyncio.get_running_loop().create_server(
            connect,
            self._address.host,
            self._address.port,
            ssl=self._ssl_context,
            backlog=self._backlog,
            ssl_handshake_timeout=None if self._ssl_context is None else self._limits.handshake_timeout,
        )
