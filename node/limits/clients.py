# SPDX-License-Identifier: MIT
"""How many connections each client has open at one port, and how fast it opens them.

So none can hold all of them, nor have the node do nothing but TLS handshakes. New connections are held to
twice ``rates.per_address``, in buckets of this process: who asks one thing over each is told by the rate
of requests to come later, and only who goes on all the same is closed without a word. Trusted proxies are not
counted: behind one are many clients, whom its own limits have to tell apart. Memory is bounded, by
``max_connections`` and by the buckets kept.
"""

import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from osak.node.config import LimitSettings
from osak.node.connection_telemetry import Refusal
from osak.node.limits.addresses import connection_key
from osak.node.limits.counter import MemoryCounter
from osak.node.rate_settings import Rate

_MAX_BUCKETS: Final = 10_000


class ConnectedClients:
    """Who is connected to one port, and how often."""

    def __init__(self, limits: LimitSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._open: Counter[str] = Counter()
        self._opened = MemoryCounter(clock, _MAX_BUCKETS)
        rate = limits.rates.per_address
        self._rate = None if rate is None else Rate(2 * rate.count, rate.seconds)

    def __len__(self) -> int:
        """How many clients that are counted have a connection."""
        return len(self._open)

    def enter(self, peer: str | None) -> Callable[[], None] | Refusal:
        """Count one more connection of ``peer``.

        Returns:
            What ends it, the first time that it is called; or why it may not be.
        """
        key = connection_key(peer, self._limits.trusted_proxies)
        if key is None:
            return _nothing
        if self._open[key] >= self._limits.max_connections_per_address:
            return Refusal.ADDRESS
        if self._rate is not None and self._opened.take_now(key, self._rate) > 0:
            return Refusal.RATE
        self._open[key] += 1
        return _Place(self._open, key).leave


class _Place:
    """One connection that counts."""

    __slots__ = ("_key", "_open")

    def __init__(self, open_by_client: Counter[str], key: str) -> None:
        self._open: Counter[str] | None = open_by_client
        self._key = key

    def leave(self) -> None:
        if self._open is None:
            return
        self._open[self._key] -= 1
        if not self._open[self._key]:
            del self._open[self._key]
        self._open = None


def _nothing() -> None:
    """A proxy's connection has ended."""
