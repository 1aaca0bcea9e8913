# SPDX-License-Identifier: MIT
"""A bounded memory of what is dear to find out: all who ask for the same meanwhile wait for one answer.

What was found while the clock was ahead is forgotten when the clock is put right, or it would hold for years.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finding(Generic[T]):
    """What was found out, and until when it holds."""

    value: T
    until: datetime


class Memo(Generic[T]):
    """Findings by key; the one that was not asked for longest goes first when there are too many."""

    def __init__(self, max_entries: int) -> None:
        self._max_entries = max_entries
        # With the time of the question.
        self._known: OrderedDict[bytes, tuple[datetime, Finding[T]]] = OrderedDict()
        self._under_way: dict[bytes, asyncio.Task[Finding[T]]] = {}

    async def get(self, key: bytes, now: datetime, find: Callable[[], Awaitable[Finding[T]]]) -> T:
        """What is known under ``key``, found out by ``find`` if it is not.

        A caller that gives up does not stop the search: others may wait for it, and the next will ask again.

        Raises:
            Exception: what ``find`` raises, for everybody who waits.
        """
        known = self._known.get(key)
        if known is not None and known[0] <= now < known[1].until:
            self._known.move_to_end(key)
            return known[1].value
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.ensure_future(self._find(key, now, find))
        return (await asyncio.shield(task)).value

    async def _find(self, key: bytes, now: datetime, find: Callable[[], Awaitable[Finding[T]]]) -> Finding[T]:
        try:
            found = await find()
        finally:
            del self._under_way[key]
        self._known[key] = now, found
        self._known.move_to_end(key)
        if len(self._known) > self._max_entries:
            self._known.popitem(last=False)
        return found
