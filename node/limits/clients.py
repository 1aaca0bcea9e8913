# SPDX-License-Identifier: MIT
"""How many connections each client has open at one port, so that none can hold all of them.

Trusted proxies are not counted: behind one are many clients, whom its own limits have to tell apart. Memory
is bounded by the port's ``max_connections``: a client without a connection is not kept.
"""

from collections import Counter
from collections.abc import Callable

from osak.node.config import LimitSettings
from osak.node.limits.addresses import connection_key


class ConnectedClients:
    """Who is connected to one port, and how often."""

    def __init__(self, limits: LimitSettings) -> None:
        self._limits = limits
        self._open: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many clients that are counted have a connection."""
        return len(self._open)

    def enter(self, peer: str | None) -> Callable[[], None] | None:
        """Count one more connection of ``peer``.

        Returns:
            What ends it, the first time that it is called; None if the client has all that it may have.
        """
        key = connection_key(peer, self._limits.trusted_proxies)
        if key is None:
            return _nothing
        if self._open[key] >= self._limits.max_connections_per_address:
            return None
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
