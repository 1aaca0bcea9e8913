# SPDX-License-Identifier: MIT
"""Ports for servers that tests start, and start again.

They lie below those that the system gives to outgoing connections: a server that was killed must find its
port free, whoever has connected meanwhile. Each of the processes that run tests side by side has a range of
its own and gives each port once before any comes again, for between a choice and a server there is time.
"""

import os
import secrets
import socket
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Final

_FIRST: Final = 10_000
_RANGES: Final = 16
_IN_RANGE: Final = 1_250


def quiet_ports(count: int) -> list[int]:
    """So many different ports that nobody listens at."""
    return list(islice(_PORTS, count))


def _free_ports() -> Iterator[int]:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first, begin = _FIRST + worker % _RANGES * _IN_RANGE, secrets.randbelow(_IN_RANGE)
    for place in cycle(range(_IN_RANGE)):
        port = first + (begin + place) % _IN_RANGE
        if _is_free(port):
            yield port


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


_PORTS: Final = _free_ports()
