# SPDX-License-Identifier: MIT
"""A share's bytes, bounds and silence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osak.shares import SHARE_BYTES, InvalidShareError, Share, ThresholdError


@given(st.integers(1, 255), st.binary(min_size=SHARE_BYTES, max_size=SHARE_BYTES))
def test_round_trip(index: int, value: bytes) -> None:
    """A share is written as its index and its value, 33 bytes, and read back the same."""
    share = Share(index, value)
    assert bytes([index]) + value == share.to_bytes()
    assert share == Share.from_bytes(share.to_bytes())


@pytest.mark.parametrize("size", [0, 1, 32, 34, 66])
def test_bytes_of_another_length(size: int) -> None:
    """Neither truncated nor trailing bytes are accepted."""
    with pytest.raises(InvalidShareError):
        Share.from_bytes(b"\x01" * size)


def test_bytes_with_index_zero() -> None:
    """Index 0, where the secret stands, is no share."""
    with pytest.raises(InvalidShareError, match="index 0"):
        Share.from_bytes(bytes(33))


@pytest.mark.parametrize("index", [-1, 0, 256])
def test_index_out_of_range(index: int) -> None:
    """An index outside 1..255 is refused."""
    with pytest.raises(ThresholdError):
        Share(index, bytes(32))


@pytest.mark.parametrize("size", [0, 31, 33])
def test_value_of_another_length(size: int) -> None:
    """A value that is not 32 bytes long is refused."""
    with pytest.raises(InvalidShareError):
        Share(1, bytes(size))


def test_repr_keeps_the_value_to_itself() -> None:
    """Neither repr nor str of a share tells its value."""
    share = Share(7, b"secret value of exactly 32 bytes")
    assert repr(share) == str(share) == "Share(index=7)"
