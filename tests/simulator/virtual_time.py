# SPDX-License-Identifier: MIT
"""An event loop whose clock jumps instead of waiting, so a test of timeouts takes no time.

Between two timers nothing can happen in memory, so the loop's clock moves straight to the next one. A
loop with nothing left to wait for has a deadlock, and says so at once instead of hanging.
"""

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

_Result = TypeVar("_Result")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop for work in memory; its time starts at a number that is no whole one on purpose."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """The virtual clock, in seconds."""
        return self._jumping.now

    def spend(self, seconds: float) -> None:
        """Let time pass as a computation does: nothing else gets its turn meanwhile."""
        self._jumping.now += seconds


class _JumpingSelector(selectors.BaseSelector):
    def __init__(self) -> None:
        self.now = 1000.25
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = self._real.select(0)
        if found:
            return found
        if timeout is None:
            raise RuntimeError("deadlock: nothing is scheduled and nothing can happen any more")
        self.now += max(timeout, 0)
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def close(self) -> None:
        self._real.close()

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()


def run_virtually(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run ``work`` to its end on a virtual clock, and check that it left no task behind."""

    async def watched() -> _Result:
        try:
            return await work
        finally:
            leaked = asyncio.all_tasks() - {asyncio.current_task()}
            assert not leaked, f"tasks outlive the work: {leaked}"

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(watched())
