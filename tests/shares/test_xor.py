# SPDX-License-Identifier: MIT
"""The official n-of-n scheme."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osak.shares import (
    DuplicateShareError,
    ForeignShareError,
    InvalidSecretError,
    NoConsistentSharesError,
    RandomnessError,
    Share,
    ThresholdError,
    TooFewSharesError,
    combine_all,
    split_all,
)

SECRET = bytes(range(32))


@given(st.binary(min_size=32, max_size=32), st.integers(2, 255))
def test_round_trip(secret: bytes, count: int) -> None:
    """All shares together, in any order, are the secret."""
    shares = split_all(secret, count)
    assert [share.index for share in shares] == list(range(1, count + 1))
    assert secret == combine_all(reversed(shares), count, secret.__eq__)


def test_known_answer() -> None:
    """Shares 2 and on are the random bytes in order, share 1 is the secret XORed with them."""
    first, second = bytes(range(32, 64)), bytes(range(64, 96))
    shares = split_all(SECRET, 3, lambda size: (first + second)[:size])
    masked = bytes(a ^ b ^ c for a, b, c in zip(SECRET, first, second, strict=True))
    assert shares == (Share(1, masked), Share(2, first), Share(3, second))


@pytest.mark.parametrize("count", range(2, 7))
def test_every_smaller_subset_is_too_few(count: int) -> None:
    """With any share missing there is no secret but a count of what is there."""
    shares = split_all(SECRET, count)
    for size in range(count):
        for subset in itertools.combinations(shares, size):
            with pytest.raises(TooFewSharesError) as caught:
                combine_all(subset, count, SECRET.__eq__)
            assert (caught.value.given, caught.value.needed) == (size, count)


def test_missing_share_says_nothing() -> None:
    """For n - 1 fixed shares every secret is possible: the missing share makes the difference."""
    shares = split_all(SECRET, 4)
    other = random.Random(7).randbytes(32)
    missing = bytes(
        a ^ b ^ c ^ d
        for a, b, c, d in zip(other, *(share.value for share in shares[:2] + shares[3:]), strict=True)
    )
    changed = (*shares[:2], Share(3, missing), shares[3])
    assert other == combine_all(changed, 4, other.__eq__)


def test_wrong_share() -> None:
    """A wrong share never makes a wrong secret: the caller's check decides."""
    shares = split_all(SECRET, 3)
    with pytest.raises(NoConsistentSharesError):
        combine_all([*shares[:2], Share(3, bytes(32))], 3, SECRET.__eq__)


def test_share_given_twice() -> None:
    """A share given twice is refused, though XOR would silently cancel it."""
    first, second, third = split_all(SECRET, 3)
    with pytest.raises(DuplicateShareError):
        combine_all([first, second, third, third], 3, SECRET.__eq__)


def test_foreign_share() -> None:
    """An index beyond the count is refused by its number."""
    shares = split_all(SECRET, 4)
    with pytest.raises(ForeignShareError) as caught:
        combine_all(shares, 3, SECRET.__eq__)
    assert caught.value.indices == (4,)


@pytest.mark.parametrize("count", [-1, 0, 1, 256])
def test_count_out_of_range(count: int) -> None:
    """One share would be the secret itself; 255 is the most."""
    with pytest.raises(ThresholdError):
        split_all(SECRET, count)
    with pytest.raises(ThresholdError):
        combine_all([], count, SECRET.__eq__)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_secret_of_another_length(size: int) -> None:
    """Only 32 bytes are split."""
    with pytest.raises(InvalidSecretError):
        split_all(bytes(size), 3)


def test_short_randomness() -> None:
    """A source that runs dry is an error, not a weaker sharing."""
    with pytest.raises(RandomnessError):
        split_all(SECRET, 3, lambda size: bytes(size - 1))
