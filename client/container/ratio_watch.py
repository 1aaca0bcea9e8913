# SPDX-License-Identifier: MIT
"""Foresees whether the official Java client will refuse a container for being packed too well.

That client stops as soon as the bytes it has unpacked are more than ten times the packed bytes it has
read, at any moment and not only in the end: ten kilobytes of zeros before a gigabyte of noise are
enough. It looks after every piece of a file's content, not within headers and not behind the last
file, so one tiny file passes whatever it shrinks to. The pieces have 512 packed bytes, but the first
has 448, because its cipher holds one block back; other Java releases may cut elsewhere, so both are
looked at.

Where little was read yet a small piece decides, so the first mebibyte of the packed stream is unpacked
again here, in the client's steps, and judged exactly. Further on one block more or less moves the ratio
by no more than one, so there the blocks themselves are compared, a little too strictly.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from isal import igzip_lib

from osak.client.container.aead import Buffer

JAVA_MAX_RATIO: Final = 10

_STEPS_BYTES: Final = (448, 64)
_EXACT_BYTES: Final = 2**20


class RatioWatch:
    """Is shown the packed stream while it is made, and asked in the end."""

    def __init__(self) -> None:
        """Begin with the stream."""
        self._inflate = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_ZLIB)
        self._rest = b""
        self._packed_bytes = self._unpacked_bytes = 0
        self._steps: list[tuple[int, int]] = []
        self._exceeded_later = False

    def see(self, packed: bytes, given_bytes: int) -> None:
        """Take the next bytes of the packed stream.

        Args:
            packed: what came out of deflating.
            given_bytes: how much went into it so far, all together.
        """
        if self._packed_bytes >= _EXACT_BYTES:
            # The bytes up to ``given_bytes`` need more packed ones than had come out before this block.
            self._exceeded_later |= given_bytes > JAVA_MAX_RATIO * self._packed_bytes
            self._packed_bytes += len(packed)
            return
        waiting = memoryview(self._rest + packed)
        self._rest = b""
        while self._packed_bytes < _EXACT_BYTES:
            step_bytes = _STEPS_BYTES[len(self._steps) % 2]
            if len(waiting) < step_bytes:
                self._rest = bytes(waiting)
                return
            self._step(waiting[:step_bytes])
            waiting = waiting[step_bytes:]
        self._packed_bytes += len(waiting)

    def exceeds_java_ratio(self, contents: Sequence[tuple[int, int]]) -> bool:
        """Whether the Java client would stop.

        Args:
            contents: begin and end of every file's content in the unpacked stream, in order.
        """
        if self._rest:
            self._step(self._rest)
            self._rest = b""
        looked_at = [(start, end) for start, end in contents if end > start]
        starts = [start for start, _ in looked_at]
        for unpacked, packed in self._steps:
            number = bisect_left(starts, unpacked)
            if number and min(unpacked, looked_at[number - 1][1]) > JAVA_MAX_RATIO * packed:
                return True
        return self._exceeded_later

    def _step(self, packed: Buffer) -> None:
        self._packed_bytes += len(packed)
        self._unpacked_bytes += len(self._inflate.decompress(packed))
        self._steps.append((self._unpacked_bytes, self._packed_bytes))
