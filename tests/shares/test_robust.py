# SPDX-License-Identifier: MIT
"""Combining without commitments: exactly how many lies are survived, and who is named."""

import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osak.shares import (
    DuplicateShareError,
    ForeignShareError,
    NoConsistentSharesError,
    Recovered,
    Share,
    Threshold,
    TooFewSharesError,
    add,
    combine_robust,
    interpolate_at,
    share_zero,
    split,
)
from osak.shares.robust import MAX_SUBSETS

SECRET = bytes(range(32))
THRESHOLDS = [Threshold(needed, total) for total in range(2, 9) for needed in range(2, total + 1)]


class Check:
    """The caller's check, which also counts how often it was asked."""

    def __init__(self, secret: bytes = SECRET) -> None:
        self.secret = secret
        self.asked = 0

    def __call__(self, candidate: bytes) -> bool:
        self.asked += 1
        return candidate == self.secret


def with_lies(shares: tuple[Share, ...], liars: tuple[int, ...]) -> list[Share]:
    """Replace the shares of these indices by independent random ones."""
    source = random.Random(repr(liars))
    return [Share(share.index, source.randbytes(32)) if share.index in liars else share for share in shares]


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=str)
def test_exact_boundary(threshold: Threshold) -> None:
    """Whichever n - t shares are wrong, the secret and the liars are found; one more, and it is refused."""
    shares = split(SECRET, threshold)
    spare = threshold.total - threshold.needed
    everyone = tuple(threshold.indices)
    for count in range(spare + 2):
        for liars in itertools.combinations(everyone, count):
            given_shares = with_lies(shares, liars)
            if count <= spare:
                right = tuple(index for index in everyone if index not in liars)
                assert combine_robust(given_shares, threshold, Check()) == Recovered(SECRET, right, liars)
            else:
                with pytest.raises(NoConsistentSharesError):
                    combine_robust(given_shares, threshold, Check())


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(THRESHOLDS), st.data())
def test_any_shares_in_any_order(threshold: Threshold, data: st.DataObject) -> None:
    """With some shares missing and some wrong, in any order, t good ones are enough."""
    shares = data.draw(st.permutations(split(SECRET, threshold)))
    shares = shares[: data.draw(st.integers(threshold.needed, threshold.total))]
    liars = tuple(sorted(share.index for share in shares[threshold.needed :]))
    shares = data.draw(st.permutations(with_lies(tuple(shares), liars)))
    found = combine_robust(shares, threshold, Check())
    assert (found.secret, found.liars, found.undecided) == (SECRET, liars, ())
    assert set(found.right) == {share.index for share in shares} - set(liars)


def test_consistent_shares_are_asked_about_once() -> None:
    """If all shares agree there is one candidate only, accepted or not."""
    threshold = Threshold(5, 12)
    shares = split(SECRET, threshold)
    accepting, refusing = Check(), Check(bytes(32))
    assert combine_robust(shares, threshold, accepting).right == tuple(range(1, 13))
    with pytest.raises(NoConsistentSharesError):
        combine_robust(shares, threshold, refusing)
    assert (accepting.asked, refusing.asked) == (1, 1)


def test_every_subset_of_a_group_of_sixteen() -> None:
    """The bound on subsets leaves none out in any group of up to 16 nodes."""
    assert max(math.comb(16, needed) for needed in range(17)) <= MAX_SUBSETS


def test_subsets_are_bounded() -> None:
    """In a group with more subsets than the bound the search ends there."""
    threshold = Threshold(2, 200)
    shares = with_lies(split(SECRET, threshold), (1,))
    check = Check(bytes(32))
    assert math.comb(200, 2) > MAX_SUBSETS
    with pytest.raises(NoConsistentSharesError):
        combine_robust(shares, threshold, check)
    assert check.asked == MAX_SUBSETS


def test_few_lies_in_a_big_group() -> None:
    """Beyond 16 nodes a few liars are still survived and named, wherever they are."""
    threshold = Threshold(10, 20)
    shares = split(SECRET, threshold)
    for liars in ((1,), (20,), (1, 11, 20)):
        assert combine_robust(with_lies(shares, liars), threshold, Check()).liars == liars


def conspire(shares: tuple[Share, ...], threshold: Threshold, liars: tuple[int, ...], friend: int) -> list[Share]:
    """Bend the liars' shares to another polynomial with the same secret, which meets a friend's share."""
    # A 3-of-n sharing of zero that is also zero at the friend's index is fixed by one more point.
    assert threshold.needed == 3
    zero = share_zero(Threshold(2, threshold.total))  # c * x
    # c * x at the friend, spread to degree 2 through 0 and the friend: the sum is zero there.
    bend = {index: bend_at(zero, friend, index) for index in liars}
    return [add(share, bend[share.index]) if share.index in liars else share for share in shares]


def bend_at(zero: tuple[Share, ...], friend: int, index: int) -> Share:
    """Return at an index the polynomial that is 0 at 0 and at the friend, and some value elsewhere."""
    raise NotImplementedError
