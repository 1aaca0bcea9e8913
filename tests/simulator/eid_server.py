# SPDX-License-Identifier: MIT
"""The eID simulator over HTTPS on loopback: in the test's own event loop, or in a thread beside a command."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from simulator.eid import MOBILE_ID_PATH, RP_NAME, RP_UUID, SMART_ID_PATH, EIDSimulator
from simulator.real_servers import Authority


@dataclass
class Shown:
    """A ``Conversation`` that keeps what it was told, and what the service had been asked by then."""

    simulator: EIDSimulator
    codes: list[tuple[str, str, int]] = field(default_factory=list)
    waits: int = 0

    def show_code(self, service: str, code: str) -> None:
        """Keep it."""
        self.codes.append((service, code, len(self.simulator.questions)))

    @contextmanager
    def waiting(self, service: str) -> Iterator[None]:
        """Count it."""
        self.waits += 1
        yield


@dataclass(frozen=True)
class EIDAddress:
    """Where a running simulator is, and whom it trusts with what."""

    port: int
    ca_file: Path
    anchors: Path

    def settings(self, service: str, **more: Any) -> dict[str, Any]:
        """``credentials.smart_id`` or ``credentials.mobile_id`` of the client's YAML."""
        path = {"smart_id": SMART_ID_PATH, "mobile_id": MOBILE_ID_PATH}[service]
        return {
            "url": f"https://127.0.0.1:{self.port}{path}",
            "relying_party_uuid": RP_UUID,
            "relying_party_name": RP_NAME,
            "anchors": [str(self.anchors)],
            "tls": {"ca_file": str(self.ca_file)},
            **more,
        }


@asynccontextmanager
async def eid_server(simulator: EIDSimulator, folder: Path) -> AsyncIterator[EIDAddress]:
    """Run it in this event loop."""
    authority = Authority(folder)
    anchors = folder / "people-ca.pem"
    anchors.write_bytes(simulator.authority.certificate_pem)
    runner = web.AppRunner(simulator.application(), handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=authority.server_context()).start()
    try:
        yield EIDAddress(runner.addresses[0][1], authority.ca_file, anchors)
    finally:
        await runner.cleanup()


@contextmanager
def eid_thread(simulator: EIDSimulator, folder: Path) -> Iterator[EIDAddress]:
    """Run it in an event loop of its own, beside commands that run theirs."""
    started: list[EIDAddress] = []
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with eid_server(simulator, folder) as address:
            started.append(address)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(20)
        yield started[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
