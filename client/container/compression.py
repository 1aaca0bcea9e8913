# SPDX-License-Identifier: MIT
"""How hard the payload is packed: one zlib stream (RFC 1950) whatever is chosen, so anybody can read it.

``fast`` is level 1 of isal, more than ten times as quick as zlib for a result 5 to 20 % larger, and
stores what will not shrink (see `fast_deflate`). None of isal's levels comes nearer to zlib's size, so
``best`` is zlib itself at level 6: level 9 takes two to five times as long for the last hundredth.
``none`` stores the bytes as they are.
"""

import enum
import zlib
from typing import Protocol

from osak.client.container.aead import Buffer
from osak.client.container.fast_deflate import BestDeflater, FastDeflater

_WINDOW_BITS = 15


class Compression(enum.StrEnum):
    """What a sender can choose."""

    NONE = "none"
    FAST = "fast"
    BEST = "best"


class Deflater(Protocol):
    """Makes one zlib stream; its methods leave the interpreter lock while they work."""

    def compress(self, data: Buffer, /) -> bytes:
        """Take more bytes; return what is ready, perhaps nothing."""

    def store(self, data: Buffer, /) -> bytes:
        """The same, but leave them as they are."""

    def flush(self) -> bytes:
        """Return the rest; nothing can be added afterwards."""


def deflater(compression: Compression) -> Deflater:
    """Begin a stream."""
    match compression:
        case Compression.NONE:
            return _Storer()
        case Compression.FAST:
            return FastDeflater()
        case Compression.BEST:
            return BestDeflater()


class _Storer:
    """A zlib stream of stored blocks alone."""

    def __init__(self) -> None:
        stream = zlib.compressobj(0, zlib.DEFLATED, _WINDOW_BITS)
        self.compress = self.store = stream.compress
        self.flush = stream.flush
