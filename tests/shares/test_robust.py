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
    share_zero,
    split,
)
from osak.shares.field import to_block, to_bytes
from osak.shares.polynomial import interpolate
from osak.shares.robust import MAX_SUBSETS, MAX_WORK, search_robustly

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
    """The bounds on subsets and work leave none out in any group of up to 16 nodes."""
    counts = {needed: math.comb(16, needed) for needed in range(2, 17)}
    assert max(counts.values()) <= MAX_SUBSETS
    assert max(needed * count for needed, count in counts.items()) <= MAX_WORK


@pytest.mark.parametrize("needed", [8, 14])
def test_two_liars_in_a_group_of_sixteen(needed: int) -> None:
    """They are survived and named even where the search comes to the right subsets late."""
    threshold = Threshold(needed, 16)
    found = combine_robust(with_lies(split(SECRET, threshold), (1, 2)), threshold, Check())
    assert (found.secret, found.liars, found.undecided) == (SECRET, (1, 2), ())


@pytest.mark.parametrize(("needed", "given_shares"), [(2, 255), (8, 17), (33, 64), (60, 64), (64, 255)])
def test_the_work_is_bounded(needed: int, given_shares: int) -> None:
    """Big subsets are fewer, so that a hostile container costs the same whatever its threshold is."""
    threshold = Threshold(needed, 255)
    shares = with_lies(split(SECRET, threshold)[:given_shares], tuple(range(1, given_shares)))
    steps = sum(found is None for found in search_robustly(shares, threshold, Check(bytes(32))))
    assert needed * steps < MAX_WORK + needed


def test_a_search_can_be_left_after_each_subset() -> None:
    """Step by step it does what `combine_robust` does, and asks at most once a step."""
    threshold, check = Threshold(3, 5), Check()
    shares = with_lies(split(SECRET, threshold), (1, 2))
    *steps, found = [(check.asked, step) for step in search_robustly(shares, threshold, check)]
    assert steps[:3] == [(0, None), (1, None), (2, None)]
    assert found == (check.asked, combine_robust(shares, threshold, Check()))


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


def conspire(shares: tuple[Share, ...], friend: int, liars: tuple[int, ...]) -> list[Share]:
    """Bend the liars' shares, 3-of-n, to another polynomial with the same secret and the friend's share."""
    places = (0, friend, liars[0])
    values = (to_block(SECRET), to_block(shares[friend - 1].value), 0)
    return [
        Share(share.index, to_bytes(interpolate(places, values, share.index)))
        if share.index in liars
        else share
        for share in shares
    ]


def test_conspirators_cannot_frame_others() -> None:
    """Where two liars bend their shares so that both stories fit alike, nobody is accused."""
    shares = conspire(split(SECRET, Threshold(3, 5)), 3, (1, 2))
    for order in itertools.permutations(shares):
        found = combine_robust(order, Threshold(3, 5), Check())
        assert found == Recovered(SECRET, right=(3,), liars=(), undecided=(1, 2, 4, 5))


@pytest.mark.parametrize("total", [6, 7, 8])
def test_conspirators_are_named_by_a_majority(total: int) -> None:
    """Up to (m - t + 1) / 2 liars are named even when they conspire and are asked first."""
    threshold = Threshold(3, total)
    liars = tuple(range(1, (total - 3 + 1) // 2 + 1))
    shares = conspire(split(SECRET, threshold), total, liars)
    found = combine_robust(shares, threshold, Check())
    assert found == Recovered(SECRET, tuple(range(len(liars) + 1, total + 1)), liars)


def test_refreshed_shares() -> None:
    """After a refresh the node that kept its old share is named; no commitment is needed."""
    threshold = Threshold(3, 5)
    old = split(SECRET, threshold)
    new = tuple(map(add, old, share_zero(threshold)))
    assert combine_robust((old[0], *new[1:]), threshold, Check()).liars == (1,)


def test_too_few_shares() -> None:
    """Fewer than t shares are refused before anything is asked."""
    check = Check()
    with pytest.raises(TooFewSharesError):
        combine_robust(split(SECRET, Threshold(3, 5))[:2], Threshold(3, 5), check)
    assert check.asked == 0


def test_duplicate_share() -> None:
    """The same share twice does not count as two."""
    shares = split(SECRET, Threshold(3, 5))
    with pytest.raises(DuplicateShareError):
        combine_robust([*shares, shares[0]], Threshold(3, 5), Check())


def test_foreign_share() -> None:
    """An index that the group does not have is refused and named."""
    with pytest.raises(ForeignShareError) as caught:
        combine_robust(split(SECRET, Threshold(2, 5)), Threshold(2, 4), Check())
    assert caught.value.indices == (5,)


def test_repr_keeps_the_secret() -> None:
    """What was recovered can be printed without telling the secret."""
    found = combine_robust(split(SECRET, Threshold(2, 3)), Threshold(2, 3), Check())
    assert repr(found) == "Recovered(right=(1, 2, 3), liars=(), undecided=())"
