# SPDX-License-Identifier: MIT
"""A zlib stream (RFC 1950, RFC 1951) that no library's version can change: runs, in fixed Huffman codes.

Whatever compresses the vectors must give the same bytes for ever, so it is done here. Runs of one byte
become matches of distance 1; everything else stays literal.
"""

import zlib
from itertools import groupby
from typing import Final

_LONGEST: Final = 258


def packed(data: bytes) -> bytes:
    """The data as one zlib stream of one block."""
    bits = _Bits()
    bits.add(0b011, 3)  # last block, fixed codes; the lowest bit comes first
    for byte, run in groupby(data):
        _add_run(bits, byte, len(tuple(run)))
    bits.add_code(0, 7)
    return framed(bits.whole(), data)


def stored(data: bytes) -> bytes:
    """The data as one zlib stream of blocks that are not compressed, 1000 bytes each."""
    pieces = [data[start : start + 1000] for start in range(0, len(data), 1000)] or [b""]
    blocks = b"".join(
        bytes([number == len(pieces)])
        + len(piece).to_bytes(2, "little")
        + (len(piece) ^ 0xFFFF).to_bytes(2, "little")
        + piece
        for number, piece in enumerate(pieces, start=1)
    )
    return framed(blocks, data)


def framed(blocks: bytes, data: bytes) -> bytes:
    """Header and checksum of RFC 1950 around deflate blocks."""
    return b"\x78\x01" + blocks + zlib.adler32(data).to_bytes(4, "big")


def _add_run(bits: "_Bits", byte: int, count: int) -> None:
    _add_literal(bits, byte)
    count -= 1
    while count >= 3:
        length = _LONGEST if count >= _LONGEST else min(count, 10)
        # Lengths 3 to 10 are codes 257 to 264, length 258 is code 285; distance 1 is code 0 of 5 bits.
        if length == _LONGEST:
            bits.add_code(0b11000101, 8)
        else:
            bits.add_code(length - 2, 7)
        bits.add_code(0, 5)
        count -= length
    for _ in range(count):
        _add_literal(bits, byte)


def _add_literal(bits: "_Bits", byte: int) -> None:
    if byte < 144:
        bits.add_code(0x30 + byte, 8)
    else:
        bits.add_code(0x190 + byte - 144, 9)


class _Bits:
    """Bits into bytes, lowest first."""

    def __init__(self) -> None:
        self._value = 0
        self._count = 0

    def add(self, value: int, count: int) -> None:
        """A number, lowest bit first."""
        self._value |= value << self._count
        self._count += count

    def add_code(self, code: int, count: int) -> None:
        """A Huffman code, highest bit first."""
        self.add(int(f"{code:0{count}b}"[::-1], 2), count)

    def whole(self) -> bytes:
        """All bytes, the last one filled up with zeros."""
        return self._value.to_bytes((self._count + 7) // 8, "little")
