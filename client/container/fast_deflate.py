# SPDX-License-Identifier: MIT
"""Deflate that can also store: isal's level 1, and bytes that will not shrink are stored as they are.

Most large files (pictures, films, archives, PDF) are packed already. Deflating them again costs more
time than all the rest of an encryption, for nothing. So of every large piece a few samples are packed
first; if they do not shrink, the piece goes into stored blocks (RFC 1951, 3.2.4).

The result is one zlib stream (RFC 1950) like any other. Its two kinds of pieces are made by two raw
streams: each is flushed to a byte boundary before the other goes on, and no match of isal's reaches
back across stored bytes, because isal begins anew after them.
"""

import zlib
from typing import Any, Final

from isal import isal_zlib

from osak.client.container.aead import Buffer

_RAW_WINDOW_BITS: Final = -15
_SAMPLES: Final = 8
_SAMPLE_BYTES: Final = 4096
_LEAST_BYTES: Final = 2 * _SAMPLES * _SAMPLE_BYTES  # smaller pieces are deflated without a trial
_WORTH_IT: Final = 0.98


class FastDeflater:
    """One zlib stream; see ``compression.Deflater``."""

    _header = b"\x78\x01"  # deflate with a window of 32 KiB, quickest level (RFC 1950, 2.2)

    def __init__(self) -> None:
        """Begin with the header still to come."""
        self._storing = zlib.compressobj(0, zlib.DEFLATED, _RAW_WINDOW_BITS)
        self._deflating = self._begin()
        self._is_storing = False
        self._checksum = 1

    def compress(self, data: Buffer, /) -> bytes:
        """Take more bytes; return what is ready."""
        return self._take(data, storing=not self._is_worth_it(data))

    def store(self, data: Buffer, /) -> bytes:
        """Take more bytes and do not deflate them; return what is ready."""
        return self._take(data, storing=True)

    def flush(self) -> bytes:
        """Return the rest, with the checksum of everything that was taken."""
        last = self._storing if self._is_storing else self._deflating
        return self._header + last.flush() + self._checksum.to_bytes(4, "big")

    def _begin(self) -> Any:  # isal has no types
        return isal_zlib.compressobj(1, isal_zlib.DEFLATED, _RAW_WINDOW_BITS)

    def _is_worth_it(self, data: Buffer) -> bool:
        return will_shrink(data)

    def _take(self, data: Buffer, *, storing: bool) -> bytes:
        if not data:
            return b""
        packed, self._header = [self._header], b""
        self._checksum = isal_zlib.adler32(data, self._checksum)
        packed.append(self._turn(storing=storing))
        packed.append((self._storing if storing else self._deflating).compress(data))
        return b"".join(packed)

    def _turn(self, *, storing: bool) -> bytes:
        """End the piece before, if it was of the other kind, at a byte boundary."""
        if storing == self._is_storing:
            return b""
        self._is_storing = storing
        if storing:
            return bytes(self._deflating.flush(isal_zlib.Z_SYNC_FLUSH))
        self._deflating = self._begin()
        return self._storing.flush(zlib.Z_SYNC_FLUSH)


class BestDeflater(FastDeflater):
    """The same by zlib at level 6, which deflates whatever it is given."""

    _header = b"\x78\x9c"  # as above, default level

    def _begin(self) -> Any:
        return zlib.compressobj(6, zlib.DEFLATED, _RAW_WINDOW_BITS)

    def _is_worth_it(self, data: Buffer) -> bool:  # noqa: ARG002 - as the class above has it
        return True


def will_shrink(data: Buffer) -> bool:
    """Whether deflating these bytes is worth its time, judged by a few samples; small pieces always are."""
    if len(data) < _LEAST_BYTES:
        return True
    step = (len(data) - _SAMPLE_BYTES) // (_SAMPLES - 1)
    view = memoryview(data)
    sample = b"".join(view[start : start + _SAMPLE_BYTES] for start in range(0, step * _SAMPLES, step))
    packed = isal_zlib.compress(sample, 1)
    return len(packed) < _WORTH_IT * len(sample)
