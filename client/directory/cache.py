# SPDX-License-Identifier: MIT
"""What a directory said, remembered for a while: in memory only, of so many people at most.

Never on disk: whom somebody writes to is nobody's business. Only what was found is kept: somebody who has
just got a card is found at the next try. Certificates are kept as they came and judged anew each time, so
one that ends meanwhile is not used any longer.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from time import monotonic
from typing import Final

MAX_PEOPLE: Final = 1000


class LookupCache:
    """Answers by directory and person; safe to use from several threads."""

    def __init__(self, max_people: int = MAX_PEOPLE, clock: Callable[[], float] = monotonic) -> None:
        self._max_people = max_people
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[float, tuple[bytes, ...]]] = OrderedDict()

    def get(self, key: Hashable) -> tuple[bytes, ...] | None:
        """What was found, or None if that was too long ago or never."""
        with self._lock:
            end, certificates = self._kept.get(key, (float("-inf"), ()))
            if self._clock() >= end:
                self._kept.pop(key, None)
                return None
            return certificates

    def put(self, key: Hashable, certificates: tuple[bytes, ...], seconds: float) -> None:
        """Remember it for so long; the oldest goes when there are too many."""
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = (self._clock() + seconds, certificates)
            while len(self._kept) > self._max_people:
                self._kept.popitem(last=False)
