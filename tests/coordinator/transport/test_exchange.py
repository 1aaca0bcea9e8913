# SPDX-License-Identifier: MIT
"""Connections end with the session that owns them, also when a call is cancelled at the worst moment."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

from simulator.real_servers import Authority
from simulator.wire_calls import PATIENT

from osak.coordinator.transport.exchange import HTTPSession, Request
from osak.coordinator.transport.tls import make_context
from osak.shares.protocol.urls import ServerURL


def _when_shaken(context: ssl.SSLContext, tell: Callable[[], object]) -> None:
    """Have ``tell`` called in the very turn of the loop in which the TLS handshake ends."""

    class Telling(context.sslobject_class):  # type: ignore[name-defined, misc]  # a class that is known at run time
        def do_handshake(self) -> None:
            super().do_handshake()
            tell()

    context.sslobject_class = Telling


def _open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


async def test_connection_cancelled_at_the_end_of_its_handshake(authority: Authority) -> None:
    """It is closed with the session, though the server never answers the goodbye."""
    loop = asyncio.get_running_loop()
    before = _open_files()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = ServerURL.parse(f"https://localhost:{listening.getsockname()[1]}")
        server_context, context = authority.server_context(), make_context(authority.trust)

        def shake_hands() -> ssl.SSLSocket:
            accepted, _ = listening.accept()
            return server_context.wrap_socket(accepted, server_side=True)

        other_side = loop.run_in_executor(None, shake_hands)
        async with HTTPSession(PATIENT) as session:
            call = asyncio.create_task(session.call(Request("GET", url, "/", hoped_for=200), context))
            _when_shaken(context, call.cancel)
            with contextlib.suppress(asyncio.CancelledError):
                await call
            assert call.cancelled()
        (await other_side).close()
    assert _open_files() == before
