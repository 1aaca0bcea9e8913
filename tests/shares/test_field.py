# SPDX-License-Identifier: MIT
"""The field against multiplication as it is taught: shift, add, reduce by 0x11B."""

import pytest

from osak.shares.field import doublings, exponential, logarithm, schedule, to_block, to_bytes, weighted_sum

EVERY_BYTE = [bytes(range(start, start + 32)) for start in range(0, 256, 32)]


def product(left: int, right: int) -> int:
    """Multiply two elements bit by bit, sharing nothing with the code under test."""
    total = 0
    for bit in range(8):
        if right >> bit & 1:
            total ^= left << bit
    for bit in range(14, 7, -1):
        if total >> bit & 1:
            total ^= 0x11B << (bit - 8)
    return total


@pytest.mark.parametrize("value", EVERY_BYTE)
def test_every_product(value: bytes) -> None:
    """A block times a scalar is right for every byte and every scalar but zero."""
    for scalar in range(1, 256):
        expected = bytes(product(scalar, byte) for byte in value)
        assert expected == to_bytes(weighted_sum(schedule([scalar]), [to_block(value)]))


@pytest.mark.parametrize("value", EVERY_BYTE)
def test_every_doubling(value: bytes) -> None:
    """The ladder holds a block times 1, 2, 4, … 128, in this order."""
    expected = [bytes(product(1 << step, byte) for byte in value) for step in range(8)]
    assert expected == [to_bytes(block) for block in doublings(to_block(value), 8)]


def test_weighted_sum_adds_its_products() -> None:
    """Scalars are multiplied each with its own block, zero ones included, and the products added."""
    scalars = (0, 1, 0x53, 0xFF)
    values = [EVERY_BYTE[0], EVERY_BYTE[3], EVERY_BYTE[5], EVERY_BYTE[7]]
    expected = bytes(
        product(0x53, values[2][i]) ^ product(0xFF, values[3][i]) ^ values[1][i] for i in range(32)
    )
    assert expected == to_bytes(weighted_sum(schedule(scalars), [to_block(value) for value in values]))


def test_logarithms_turn_products_into_sums() -> None:
    """The logarithm is a bijection on 1..255 that turns products into sums."""
    assert {logarithm(scalar) for scalar in range(1, 256)} == set(range(255))
    for left in range(1, 256, 7):
        for right in range(1, 256, 5):
            assert product(left, right) == exponential(logarithm(left) + logarithm(right))
