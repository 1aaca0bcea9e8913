# SPDX-License-Identifier: MIT
"""Progress out of a piece of work, and the wish to stop into it.

Work runs in one thread, whoever asked for it waits in another. What reports progress is also where
the wish to stop is noticed: at the next piece of a stream, or, while servers are asked, at once
(``event_loop``). ``Stopped`` then leaves the work like a Ctrl-C, so every step is undone on its way.
"""

import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeAlias

Progress: TypeAlias = Callable[[int, int | None], object]
"""Told how many bytes are done so far, and of how many; None if nobody knows."""


class Stopped(BaseException):
    """The work was asked to stop and did; never leaves the library."""


class Cancellation:
    """One wish to stop, for one piece of work; safe to use from any thread."""

    def __init__(self) -> None:
        """Nobody wants to stop yet."""
        self._lock = threading.Lock()
        self._wanted = False
        self._interrupt: Callable[[], object] | None = None

    def stop(self) -> None:
        """Wish it."""
        with self._lock:
            self._wanted = True
            if self._interrupt is not None:
                self._interrupt()

    def check(self) -> None:
        """Go on, or not.

        Raises:
            Stopped: the wish is there.
        """
        if self._wanted:
            raise Stopped

    def on_stop(self, interrupt: Callable[[], object] | None) -> None:
        """What to call when the wish comes, at once if it is there already; None to call nothing any more."""
        with self._lock:
            self._interrupt = interrupt
            if self._wanted and interrupt is not None:
                interrupt()


current_cancellation: ContextVar[Cancellation | None] = ContextVar("current_cancellation", default=None)
"""The cancellation of the work that runs in this context, if it has one."""


def counted(progress: Progress | None, total: int | None) -> Callable[[int], None] | None:
    """What takes numbers of further bytes, as streams tell them, and passes on the sum."""
    cancellation, done = current_cancellation.get(), 0
    if progress is None and cancellation is None:
        return None

    def count(further: int) -> None:
        nonlocal done
        done += further
        if cancellation is not None:
            cancellation.check()
        if progress is not None:
            progress(done, total)

    return count
