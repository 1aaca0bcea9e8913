# SPDX-License-Identifier: MIT
"""The log's lines about requests: one for each, but of a flood that limits refuse only so many a second.

To refuse costs so little that one client can be refused thousands of times a second; a line for each would be
a hundred gigabytes a day, and a disk that is full of them stores and releases nothing. What else is refused
or answered is bounded by ``limits.rates``. How many lines were left out is told with the next one.
"""

import time
from collections.abc import Callable
from typing import Any, Final

import structlog

from osak.shares.protocol.codes import ProblemCode

_AT_ONCE: Final = 100
_A_SECOND: Final = 10.0
_FLOODS: Final = frozenset({ProblemCode.TOO_MANY_REQUESTS, ProblemCode.OVERLOADED})


class RequestLines:
    """Writes them."""

    def __init__(
        self, log: structlog.typing.FilteringBoundLogger, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._clock = clock
        self._full_at = 0.0  # a bucket, as in limits.counter
        self._left_out = 0

    def write(self, refusal: dict[str, Any], *, is_request: bool = True, **fields: object) -> None:
        """Write one line, if it may be.

        Args:
            refusal: code and reason, if the request was refused.
            is_request: false for what was no HTTP, which no rate bounds.
            fields: all else.
        """
        if (not is_request or refusal.get("code") in _FLOODS) and not self._may_write():
            self._left_out += 1
            return
        if self._left_out:
            self._log.warning("requests not logged", count=self._left_out)
            self._left_out = 0
        self._log.info("request", **fields, **refusal)

    def _may_write(self) -> bool:
        now = self._clock()
        full_at = max(self._full_at, now) + 1 / _A_SECOND
        # A little slack: sums of binary fractions must not cost a line.
        if full_at - now > _AT_ONCE / _A_SECOND + 1e-6:
            return False
        self._full_at = full_at
        return True
