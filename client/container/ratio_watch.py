# SPDX-License-Identifier: MIT
"""Foresees whether the official Java client will refuse a container for being packed too well.

That client stops as soon as the bytes it has unpacked are more than ten times the packed bytes it has
read, at any moment and not only in the end: ten kilobytes of zeros before a gigabyte of noise are
enough. It looks after every piece of a file's content, not within headers and not behind the last
file, so one tiny file passes whatever it shrinks to. The pieces have 512 packed bytes, but the first
has 448, because its cipher holds one block back; other Java releases may cut elsewhere, so both are
looked at.

Where little was read yet a small piece decides, so the first mebibyte of the packed stream is unpacked
again here and judged exactly: in larger steps where the ratio stays away from the limit, in the client's
own pieces where it might not. Further on one block more or less moves the ratio by no more than one, so
there the blocks themselves are compared, a little too strictly.
"""

import zlib
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from osak.client.container.aead import Buffer

JAVA_MAX_RATIO: Final = 10

_PIECE_BYTES: Final = 512
_FIRST_BYTES: Final = 448
_EXACT_BYTES: Final = 2**20


class RatioWatch:
    """Is shown the packed stream while it is made, and asked in the end."""

    def __init__(self) -> None:
        """Begin with the stream."""
        self._inflate = zlib.decompressobj()
        self._rest = b""
        self._packed_bytes = self._unpacked_bytes = 0
        self._exceeding: list[tuple[int, int]] = []
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
            if len(waiting) < _PIECE_BYTES:
                self._rest = bytes(waiting)
                return
            waiting = waiting[self._walk(waiting) :]
        self._packed_bytes += len(waiting)

    def exceeds_java_ratio(self, contents: Sequence[tuple[int, int]]) -> bool:
        """Whether the Java client would stop.

        Args:
            contents: begin and end of every file's content in the unpacked stream, in order.
        """
        if self._rest:
            self._walk_in_pieces(self._rest)
            self._rest = b""
        looked_at = [(start, end) for start, end in contents if end > start]
        starts = [start for start, _ in looked_at]
        for unpacked, packed in self._exceeding:
            number = bisect_left(starts, unpacked)
            if number and min(unpacked, looked_at[number - 1][1]) > JAVA_MAX_RATIO * packed:
                return True
        return self._exceeded_later

    def _walk(self, waiting: memoryview) -> int:
        """Unpack some whole pieces; return how many bytes they have."""
        # Steps that grow with what was read: data that shrink to an eighth are still seen to be harmless.
        pieces = max(1, min(len(waiting), self._packed_bytes // 4) // _PIECE_BYTES)
        step = waiting[: pieces * _PIECE_BYTES]
        harmless_bytes = JAVA_MAX_RATIO * self._packed_bytes - self._unpacked_bytes
        if pieces > 1 and harmless_bytes > 0:
            before = self._inflate.copy()
            unpacked_bytes = len(self._inflate.decompress(step, harmless_bytes + 1))
            if unpacked_bytes <= harmless_bytes:
                # Even all of it is not too much for what was read before the step.
                self._unpacked_bytes += unpacked_bytes
                self._packed_bytes += len(step)
                return len(step)
            self._inflate = before
        for start in range(0, len(step), _PIECE_BYTES):
            self._walk_in_pieces(step[start : start + _PIECE_BYTES])
        return len(step)

    def _walk_in_pieces(self, packed: Buffer) -> None:
        for piece in (packed[:_FIRST_BYTES], packed[_FIRST_BYTES:]):
            if piece:
                self._packed_bytes += len(piece)
                self._unpacked_bytes += len(self._inflate.decompress(piece))
                if self._unpacked_bytes > JAVA_MAX_RATIO * self._packed_bytes:
                    self._exceeding.append((self._unpacked_bytes, self._packed_bytes))
