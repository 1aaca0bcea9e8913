# SPDX-License-Identifier: MIT
"""Several calls at once, none of which outlives the work they belong to.

A ``Crew`` is a task group for work that may end before all its tasks do: leaving it, in whatever
way, cancels and awaits what still runs (``asyncio.TaskGroup`` would wait for losers, and wraps every
error in a group). Tasks of a crew tell their result through shared state and ring the bell; one that
raises anything has a fault, and the fault comes out where the crew waits.
"""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self


class Crew:
    """Tasks that end with the ``async with`` block, and a bell that each rings when something changed."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._bell = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` beside the others."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(lambda _: self.ring())

    def ring(self) -> None:
        """Something changed: whoever waits should look again."""
        self._bell.set()

    async def wait(self, until: float) -> None:
        """Wait for the bell, or until the event loop's clock shows ``until``.

        Raises:
            Exception: whatever a task raised; that is a fault of the task.
        """
        try:
            async with asyncio.timeout_at(until):
                await self._bell.wait()
        except TimeoutError:
            pass
        self._bell.clear()
        for task in [task for task in self._tasks if task.done()]:
            self._tasks.remove(task)
            task.result()
