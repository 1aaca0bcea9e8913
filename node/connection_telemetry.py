# SPDX-License-Identifier: MIT
"""What metrics and log say of connections: how many are open, and which were closed before any request.

Whoever opens connections in a flood must not fill the log: of one port and reason a line comes at once, and
then at most one a minute, with how many there were. No line and no metric has a client's address.
"""

import asyncio
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import Final

from prometheus_client import Counter, Gauge

from osak.node.telemetry import Telemetry

_QUIET_SECONDS: Final = 60.0


class Refusal(StrEnum):
    """Why a connection was closed before a request was read."""

    PORT = "port"  # max_connections are open
    ADDRESS = "address"  # its client has max_connections_per_address
    RATE = "rate"  # its client opened more than rates.per_address
    FILES = "files"  # the process has no file descriptor left
    HANDSHAKE = "handshake"  # no TLS came of it, or not in time


class ConnectionTelemetry:
    """Counts the connections of all ports of a node."""

    def __init__(self, telemetry: Telemetry, quiet_seconds: float = _QUIET_SECONDS) -> None:
        self._log = telemetry.log
        self._quiet_seconds = quiet_seconds
        self._open = Gauge(
            "osak_node_connections",
            "Open connections, with those whose TLS handshake is under way.",
            ["port"],
            registry=telemetry.registry,
        )
        self._refused = Counter(
            "osak_node_connections_refused",
            "Connections closed before a request was read.",
            ["port", "reason"],
            registry=telemetry.registry,
        )

    def watch(self, port: str, count: Callable[[], int]) -> Callable[[Refusal], None]:
        """Let the metrics tell of a port whose open connections are ``count``; give it each refusal."""
        self._open.labels(port).set_function(count)
        lines = {}
        for reason in Refusal:
            self._refused.labels(port, reason)  # there with 0, so that a first one is a rise
            lines[reason] = _RareLine(partial(self._tell, port, reason), self._quiet_seconds)

        def refused(reason: Refusal) -> None:
            self._refused.labels(port, reason).inc()
            lines[reason].note()

        return refused

    def _tell(self, port: str, reason: Refusal, count: int) -> None:
        # A handshake fails whenever a scanner passes by; the others mean that somebody is kept out.
        tell = self._log.info if reason is Refusal.HANDSHAKE else self._log.warning
        tell("connections refused", port=port, reason=reason.value, count=count)


class _RareLine:
    """Tells of what happens at once, and then at most once in ``quiet_seconds`` how often it did."""

    def __init__(self, tell: Callable[[int], None], quiet_seconds: float) -> None:
        self._tell = tell
        self._quiet_seconds = quiet_seconds
        self._untold = 0
        self._is_quiet = False

    def note(self) -> None:
        """It happened."""
        self._untold += 1
        if not self._is_quiet:
            self._speak()

    def _speak(self) -> None:
        self._is_quiet = self._untold > 0
        if self._is_quiet:
            self._tell(self._untold)
            self._untold = 0
            asyncio.get_running_loop().call_later(self._quiet_seconds, self._speak)
