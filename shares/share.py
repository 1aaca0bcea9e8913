# SPDX-License-Identifier: MIT
"""One share, its bytes, and the checks that make several of them a set.

A share is an index from 1 to 255 and a value of 32 bytes; for Shamir's scheme they are x and y.
Its bytes are the index followed by the value, 33 in all, and there is no other spelling. The
value never shows in a repr or an error. `==` is there for sets and tests and takes its time
openly: whether a share is right is for `verify_commitment` to say.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Final

from osak.shares.errors import (
    DuplicateShareError,
    ForeignShareError,
    InvalidSecretError,
    InvalidShareError,
    ThresholdError,
)
from osak.shares.field import BLOCK_BYTES, to_block
from osak.shares.threshold import MAX_SHARES

SHARE_BYTES: Final = BLOCK_BYTES


@dataclass(frozen=True, slots=True)
class Share:
    """One node's part of a secret.

    Raises:
        ThresholdError: the index is not in 1..255.
        InvalidShareError: the value is not 32 bytes long.
    """

    index: int
    value: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not 1 <= self.index <= MAX_SHARES:
            raise ThresholdError(f"index {self.index} is not in 1..{MAX_SHARES}")
        if len(self.value) != SHARE_BYTES:
            raise InvalidShareError(f"a share has {SHARE_BYTES} bytes, not {len(self.value)}")

    def to_bytes(self) -> bytes:
        """Return the index, one byte, and the value: 33 secret bytes."""
        return self.index.to_bytes(1, "big") + self.value

    @classmethod
    def from_bytes(cls, data: bytes) -> "Share":
        """Read what `to_bytes` wrote.

        Raises:
            InvalidShareError: the length is not 33, or the index is 0.
        """
        if len(data) != 1 + SHARE_BYTES:
            raise InvalidShareError(f"a share is written in {1 + SHARE_BYTES} bytes, not {len(data)}")
        try:
            return cls(data[0], data[1:])
        except ThresholdError as cause:
            raise InvalidShareError("a share cannot have index 0") from cause


def points_of(shares: Iterable[Share], allowed: Container[int]) -> dict[int, int]:
    """Turn shares into points, index to value as a block, in the order given.

    Raises:
        DuplicateShareError: an index occurs twice, even with the same value.
        ForeignShareError: an index is not one of those allowed; names every such index.
    """
    points: dict[int, int] = {}
    for share in shares:
        if share.index in points:
            raise DuplicateShareError(f"share {share.index} was given twice")
        points[share.index] = to_block(share.value)
    foreign = [index for index in points if index not in allowed]
    if foreign:
        raise ForeignShareError(foreign)
    return points


def secret_block(secret: bytes) -> int:
    """Read a secret that is to be shared.

    Raises:
        InvalidSecretError: it is not 32 bytes long.
    """
    if len(secret) != SHARE_BYTES:
        raise InvalidSecretError(f"a secret has {SHARE_BYTES} bytes, not {len(secret)}")
    return to_block(secret)
