# SPDX-License-Identifier: MIT
"""The frame around the header: ``CDOC``, version, length, header, HMAC (CDOC2 specification, chapter 3).

Owns these bytes and nothing inside them. Reads forward only, from any stream; after the HMAC the
stream stands at the payload. The length is big-endian, unlike everything in the header itself.
Neither prelude, version nor length is covered by the HMAC, so each is checked for itself.
"""

import dataclasses
from typing import BinaryIO, Final

from osak.client.container.errors import (
    DamagedContainerError,
    InvalidInputError,
    LimitExceededError,
    UnsupportedError,
)
from osak.client.container.key_schedule import HMAC_BYTES
from osak.client.container.limits import Limits

VERSION: Final = 2

_PRELUDE: Final = b"CDOC"
_LENGTH_BYTES: Final = 4


@dataclasses.dataclass(frozen=True, slots=True)
class Envelope:
    """The header exactly as stored, and the HMAC that stands after it, not yet checked."""

    header: bytes
    unverified_hmac: bytes


def read_envelope(source: BinaryIO, limits: Limits) -> Envelope:
    """Read everything before the payload.

    Raises:
        DamagedContainerError: this is no CDOC2 container, or it is cut short.
        UnsupportedError: a CDOC container of another version.
        LimitExceededError: the header is longer than ``max_header_bytes``.
    """
    if _read_exactly(source, len(_PRELUDE)) != _PRELUDE:
        raise DamagedContainerError("this is not a CDOC2 container: it does not begin with CDOC")
    version = _read_exactly(source, 1)[0]
    if version != VERSION:
        raise UnsupportedError(
            f"this is a CDOC container of version {version}; only version {VERSION} is known"
        )
    header_bytes = int.from_bytes(_read_exactly(source, _LENGTH_BYTES))
    if header_bytes > limits.max_header_bytes:
        raise LimitExceededError(
            "max_header_bytes", limits.max_header_bytes, f"the header is said to have {header_bytes} bytes"
        )
    header = _read_exactly(source, header_bytes)
    return Envelope(header, _read_exactly(source, HMAC_BYTES))


def envelope_bytes(header: bytes, hmac: bytes, limits: Limits) -> bytes:
    """Return everything before the payload.

    Raises:
        InvalidInputError: the header is longer than ``max_header_bytes``, so readers would refuse it.
    """
    if len(header) > limits.max_header_bytes:
        raise InvalidInputError(
            f"the header would have {len(header)} bytes, {limits.max_header_bytes} are allowed:"
            " too many recipients or too long labels"
        )
    return b"".join((_PRELUDE, bytes([VERSION]), len(header).to_bytes(_LENGTH_BYTES), header, hmac))


def _read_exactly(source: BinaryIO, count: int) -> bytes:
    """Read this many bytes from a stream that may give them in pieces."""
    pieces = []
    while count:
        piece = source.read(count)
        if not piece:
            raise DamagedContainerError("the file is cut short: it ends within the header")
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)
