# SPDX-License-Identifier: MIT
"""How far a long command is, in one line of a terminal that goes away in the end; elsewhere nothing."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TextIO

_EVERY_SECONDS: Final = 0.2


class Progress:
    """Counts rows and shows them now and then; ``what`` says what is done to them."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._is_shown = stream.isatty()
        self._what = ""
        self._rows = 0
        self._shown_at = 0.0

    def begin(self, what: str) -> None:
        """Begin to count anew."""
        self._what, self._rows, self._shown_at = what, 0, 0.0

    def __call__(self, rows: int) -> None:
        """So many rows more."""
        self._rows += rows
        if self._is_shown and self._clock() - self._shown_at >= _EVERY_SECONDS:
            self._shown_at = self._clock()
            self._stream.write(f"\r\x1b[K{self._what}: {self._rows:,} rows")
            self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
