# SPDX-License-Identifier: MIT
"""The shipped eID simulator beside tests: in a thread of its own, and a conversation that remembers."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from osak.client.simulator.phones import Phones
from osak.client.simulator.serving import EIDAddress, serve


@dataclass
class Shown:
    """A ``Conversation`` that keeps what it was told, and what the service had been asked by then."""

    simulator: Phones
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


@contextmanager
def eid_thread(simulator: Phones, folder: Path, servers: Sequence[str] = ()) -> Iterator[EIDAddress]:
    """Run it in an event loop of its own, beside commands that run theirs."""
    started: list[EIDAddress] = []
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def run() -> None:
        async with serve(simulator, folder, servers=servers) as address:
            started.append(address)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    try:
        assert ready.wait(20)
        yield started[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
