# SPDX-License-Identifier: MIT
"""The sharing once more, one byte at a time as docs/format.md says it: slow, plain, and not osak's code."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence


def times(a: int, b: int) -> int:
    """Product in GF(2^8) with the polynomial 0x11B."""
    product = 0
    for bit in range(8):
        if b >> bit & 1:
            product ^= a << bit
    for bit in range(14, 7, -1):
        if product >> bit & 1:
            product ^= 0x11B << (bit - 8)
    return product


def inverse(a: int) -> int:
    """What gives 1 when multiplied by a."""
    return next(b for b in range(1, 256) if times(a, b) == 1)


def evaluated(coefficients: Sequence[bytes], index: int) -> bytes:
    """The value at an index; the constant coefficient comes first."""
    value = bytes(len(coefficients[0]))
    for coefficient in reversed(coefficients):
        value = bytes(times(v, index) ^ c for v, c in zip(value, coefficient, strict=True))
    return value


def interpolated(points: Mapping[int, bytes], at: int) -> bytes:
    """The value at another index of the lowest polynomial through these points."""
    total = bytes(32)
    for index, value in points.items():
        weight = 1
        for other in points:
            if other != index:
                weight = times(weight, times(other ^ at, inverse(other ^ index)))
        total = bytes(t ^ times(v, weight) for t, v in zip(total, value, strict=True))
    return total


def commitment(index: int, value: bytes, salt: bytes) -> bytes:
    """Section 4.3."""
    return hmac.digest(salt, b"osak-share-commitment-v1" + bytes([index]) + value, hashlib.sha256)
