# SPDX-License-Identifier: MIT
"""Token buckets: ``RateCounter``, the seam, and ``MemoryCounter`` for a node that is one process.

A bucket is one number, the time at which it will be full again (the generic cell rate algorithm of
ATM), so taking a token is one comparison and one store can do it atomically for many processes. Rules:

- a refused request takes no token, so who keeps knocking is let in as soon as who waits;
- memory is bounded: a full bucket is forgotten, and of more than ``max_keys`` the one that was used
  least recently is, which can only let somebody in too early, never keep somebody out.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from osak.node.errors import TooManyRequestsError
from osak.node.rate_settings import Rate

MAX_KEYS = 100_000


class RateCounter(Protocol):
    """Counts by key; keys are text of ours and hold no personal code."""

    async def take(self, key: str, rate: Rate) -> float:
        """Take one token; 0 if there was one, else after how many seconds there will be.

        Raises:
            StorageError: the counter cannot be reached.
        """
        ...


class MemoryCounter:
    """Buckets in this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, max_keys: int = MAX_KEYS) -> None:
        self._clock = clock
        self._max_keys = max_keys
        self._full_at: OrderedDict[str, float] = OrderedDict()

    async def take(self, key: str, rate: Rate) -> float:
        """Take one token; see ``RateCounter``."""
        return self.take_now(key, rate)

    def take_now(self, key: str, rate: Rate) -> float:
        """The same where nobody can wait."""
        now = self._clock()
        full_at = max(self._full_at.get(key, now), now) + rate.seconds / rate.count
        wait = full_at - now - rate.seconds
        # A billionth of slack: sums of binary fractions must not cost a token.
        if wait > rate.seconds * 1e-9:
            return wait
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        self._forget(now)
        return 0.0

    def __len__(self) -> int:
        """How many buckets are kept."""
        return len(self._full_at)

    def _forget(self, now: float) -> None:
        """Let go of the oldest: two at a time while they are full again, and what is too many."""
        for _ in range(2):
            oldest = next(iter(self._full_at))
            if self._full_at[oldest] > now and len(self._full_at) <= self._max_keys:
                return
            del self._full_at[oldest]


async def take(counter: RateCounter, key: str, rate: Rate | None, whose: str) -> None:
    """Take a token if there is a rate.

    Raises:
        TooManyRequestsError: there is none; it says when there will be.
        StorageError: the counter cannot be reached.
    """
    wait_seconds = 0.0 if rate is None else await counter.take(key, rate)
    if wait_seconds > 0:
        raise TooManyRequestsError(f"too many requests {whose}", wait_seconds)
