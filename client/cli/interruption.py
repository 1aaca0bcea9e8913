# SPDX-License-Identifier: MIT
"""Being stopped from outside: SIGTERM and SIGHUP end a command as Ctrl-C does, so that nothing stays behind.

Without this the system would end the process on the spot: unverified plaintext would stay on the disk
and shares on servers.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Interruption:
    """What has stopped the command; the exit code says which signal, as shells do (128 + its number)."""

    def __init__(self) -> None:
        self._number: int | None = None

    @property
    def exit_code(self) -> int:
        """For a process that ends now."""
        return 1 if self._number is None else 128 + self._number

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Treat the signals so while the block runs; one that is ignored (``nohup``) stays ignored."""
        if threading.current_thread() is not threading.main_thread():
            yield  # Python takes signals in its main thread only
            return
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        taken = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
        for number in taken:
            signal.signal(number, self._interrupt)
        try:
            yield
        finally:
            for number in taken:
                signal.signal(number, before[number])

    def _interrupt(self, number: int, _: FrameType | None) -> None:
        self._number = number
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as shells have it in the background
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)


@contextmanager
def stoppable() -> Iterator[None]:
    """Let Ctrl-C end a prompt at once, also inside ``asyncio.run``, which would only take note of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
