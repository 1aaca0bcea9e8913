# SPDX-License-Identifier: MIT
"""Group commit: whatever waits goes to the disk together, so that many requests share one sync.

An item is done in two steps. ``prepare`` runs on the event loop and takes all items that came while the
last group was on its way; it does what takes microseconds, and returns the rest, which a thread does: waiting
for the disk. A thread that works between others costs them more than its work does, since Python lets one
run at a time; so it gets nothing but the waiting. Rules:

- groups follow each other, never two at once, so the two steps need no lock;
- an item's answer comes after its group's second step; if either step fails, it fails for the whole group;
- an item that came is done, also if who asked has gone away.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class _Job(Generic[ItemT, ResultT]):
    """One item and who waits for it."""

    __slots__ = ("future", "item", "since")

    def __init__(self, item: ItemT, future: "asyncio.Future[ResultT]") -> None:
        self.item = item
        self.future = future
        self.since = time.monotonic()


class GroupCommit(Generic[ItemT, ResultT]):
    """Groups of one file, with the thread that waits for its disk."""

    def __init__(
        self,
        name: str,
        prepare: Callable[[list[ItemT]], Callable[[], list[ResultT]]],
        explain: Callable[[Exception], Exception],
        max_items: int,
    ) -> None:
        """Take the two steps.

        Args:
            name: of the thread.
            prepare: the first step, which returns the second one; that returns a result for each item.
            explain: makes of a step's failure what one who asked is told.
            max_items: of one group.
        """
        self._prepare = prepare
        self._explain = explain
        self._max_items = max_items
        self._waiting: deque[_Job[ItemT, ResultT]] = deque()
        self._group: list[_Job[ItemT, ResultT]] = []
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._thread = ThreadPoolExecutor(1, name)
        self._thread.submit(int).result()  # now, so that a system without room for a thread stops the start

    @property
    def lag_seconds(self) -> float:
        """How long the oldest item has waited that is not done yet; 0 if none waits."""
        oldest = self._group or self._waiting
        return time.monotonic() - oldest[0].since if oldest else 0.0

    @property
    def waiting(self) -> int:
        """How many items the next groups have so far."""
        return len(self._waiting)

    def submit(self, item: ItemT) -> "asyncio.Future[ResultT]":
        """Put ``item`` behind those that wait; what becomes of it, the future tells.

        Its error is what ``explain`` made of a failure; then nothing of the group was kept.
        """
        loop = asyncio.get_running_loop()
        job: _Job[ItemT, ResultT] = _Job(item, loop.create_future())
        self._waiting.append(job)
        if self._is_idle.is_set():
            self._is_idle.clear()
            loop.call_soon(self._start, loop)  # not now: who else is ready comes along
        return job.future

    async def commit(self, item: ItemT) -> ResultT:
        """Return the result of ``item`` once it is on the disk.

        Raises:
            Exception: as of ``submit``.
        """
        return await self.submit(item)

    async def close(self) -> None:
        """Finish what waits and end the thread; safe to call twice."""
        await self._is_idle.wait()
        await asyncio.to_thread(self._thread.shutdown)

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        """The first step of whatever waits; the second goes to the thread."""
        self._group = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._max_items))]
        try:
            finish = self._prepare([job.item for job in self._group])
            self._thread.submit(self._finish, loop, finish)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait are told
            self._settle(loop, [], error)

    def _finish(self, loop: asyncio.AbstractEventLoop, finish: Callable[[], list[ResultT]]) -> None:
        """The second step, on the thread."""
        results: list[ResultT] = []
        failure = None
        try:
            results = finish()
        except Exception as error:  # noqa: BLE001 - without an answer all would wait for ever
            failure = error
        with suppress(RuntimeError):  # the loop is gone, and with it everybody who asked
            loop.call_soon_threadsafe(self._settle, loop, results, failure)

    def _settle(
        self, loop: asyncio.AbstractEventLoop, results: list[ResultT], failure: Exception | None
    ) -> None:
        """Tell those who wait, and go on with those who came meanwhile."""
        for number, job in enumerate(self._group):
            if job.future.done():  # they were cancelled meanwhile
                continue
            if failure is None:
                job.future.set_result(results[number])
            else:
                reason = self._explain(failure)
                reason.__cause__ = failure
                job.future.set_exception(reason)
        self._group = []
        if self._waiting:
            loop.call_soon(self._start, loop)
        else:
            self._is_idle.set()
