# SPDX-License-Identifier: MIT
"""Combining shares some of which may be wrong, when no commitment tells which.

The caller can tell the right secret (a container's header is authenticated under it), so t-subsets
are tried until one is accepted. Up to m - t of m given shares may be wrong, and the secret is
still right. The work is bounded, because a stranger's container may cause it: at most
`MAX_SUBSETS` subsets of together `MAX_WORK` shares are looked at, which is all of them in every
group of up to 16 nodes; of a larger group an even sample, which still finds the secret when few
shares are wrong. `search_robustly` can be left after each subset, so that nobody waits even for that.

Naming liars is a weaker promise than finding the secret. A share is right when it lies on the
polynomial that leads to the secret and that the most shares lie on. Up to (m - t + 1) / 2 liars
are always named. More of them, if they conspire and know each other's shares, can bend their
shares to a second polynomial with the same secret; where two fit equally many shares, those they
disagree about are called undecided rather than framed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from itertools import combinations
from math import comb
from operator import itemgetter
from random import Random
from typing import Final

from osak.shares.errors import NoConsistentSharesError, TooFewSharesError
from osak.shares.field import exponential, logarithm, schedule, to_bytes, weighted_sum
from osak.shares.polynomial import agreeing
from osak.shares.share import Share, points_of
from osak.shares.threshold import Threshold

MAX_SUBSETS: Final = 16_384
MAX_WORK: Final = 131_072  # shares put together, over all subsets


@dataclass(frozen=True, slots=True)
class Recovered:
    """A secret the caller's check accepted, and what it says about the shares given.

    Attributes:
        secret: 32 bytes.
        right: the indices of the shares that lie on the secret's polynomial, ascending.
        liars: the indices of the shares that do not, ascending.
        undecided: the indices two equally good explanations disagree about, ascending; empty
            unless more than (m - t + 1) / 2 of m shares were wrong and conspired.
    """

    secret: bytes = field(repr=False)
    right: tuple[int, ...]
    liars: tuple[int, ...]
    undecided: tuple[int, ...] = ()


def combine_robust(
    shares: Iterable[Share], threshold: Threshold, is_secret: Callable[[bytes], bool]
) -> Recovered:
    """Find the t shares whose secret the caller's check accepts, and name the liars.

    Raises:
        DuplicateShareError: an index occurs twice.
        ForeignShareError: an index is not in 1..n.
        TooFewSharesError: fewer than t shares.
        NoConsistentSharesError: no t-subset tried leads to the right secret.
    """
    for found in search_robustly(shares, threshold, is_secret):
        if found is not None:
            return found
    raise NoConsistentSharesError("no subset of the shares leads to the right secret")


def search_robustly(
    shares: Iterable[Share], threshold: Threshold, is_secret: Callable[[bytes], bool]
) -> Iterator[Recovered | None]:
    """Do the work of `combine_robust` one subset at a time: None after each, at last what was found.

    Ends without a find when no t-subset tried leads to the right secret.

    Raises:
        DuplicateShareError: an index occurs twice.
        ForeignShareError: an index is not in 1..n.
        TooFewSharesError: fewer than t shares.
    """
    points = points_of(shares, threshold.indices)
    if len(points) < threshold.needed:
        raise TooFewSharesError(len(points), threshold.needed)
    fits: list[frozenset[int]] = []
    secret = None
    work = 0
    value_at_zero = _values_at_zero(points)
    for subset in _subsets(points, threshold.needed):
        if work >= MAX_WORK:
            break
        yield None
        work += threshold.needed + len(fits)
        if any(fit.issuperset(subset) for fit in fits):
            continue
        candidate = value_at_zero(subset)
        if secret is None:
            if not is_secret(candidate):
                continue
            secret = candidate
        elif not compare_digest(candidate, secret):
            continue
        fits.append(agreeing(points, subset))
        work += threshold.needed * (len(points) - threshold.needed)
        # Two polynomials with the same value at 0 share at most t - 2 other points, so no other
        # one can fit as many as this.
        if 2 * len(fits[-1]) > len(points) + threshold.needed - 2:
            break
    if secret is not None:
        yield _judge(secret, frozenset(points), fits)


def _subsets(points: Mapping[int, int], size: int) -> Iterable[tuple[int, ...]]:
    """List the subsets to try: one if all shares agree, else every one there is time for."""
    indices = tuple(points)
    first = indices[:size]
    if len(agreeing(points, first)) == len(indices):
        return [first]  # every other subset would lead to the same secret
    if comb(len(indices), size) <= MAX_SUBSETS:
        return combinations(indices, size)
    order = Random(0)  # noqa: S311 - the order in which public indices are tried is no secret
    return (tuple(order.sample(indices, size)) for _ in range(MAX_SUBSETS))


def _values_at_zero(points: Mapping[int, int]) -> Callable[[tuple[int, ...]], bytes]:
    """Make the function that combines a subset; it is the inner loop of a search.

    `polynomial.interpolate` would work out the distances between places anew for each of thousands
    of subsets; here they are kept, as logarithms, in a row for each place. A Lagrange weight at 0 is
    the product of the other places over the product of their distances.
    """
    places = {place: logarithm(place) for place in points}
    # In the row of a place stands, instead of its distance from itself, the place: to be divided by too.
    rows = {
        place: {other: places[place] if other == place else logarithm(place ^ other) for other in points}
        for place in points
    }

    def value_at_zero(subset: tuple[int, ...]) -> bytes:
        pick = itemgetter(*subset)
        whole = sum(pick(places))
        weights = [exponential(whole - sum(pick(row))) for row in pick(rows)]
        return to_bytes(weighted_sum(schedule(weights), pick(points)))

    return value_at_zero


def _judge(secret: bytes, given: frozenset[int], fits: list[frozenset[int]]) -> Recovered:
    """Believe the explanation most shares agree with; where several are as good, what they have in common."""
    most = max(map(len, fits))
    best = [fit for fit in fits if len(fit) == most]
    right = frozenset.intersection(*best)
    liars = given - frozenset.union(*best)
    undecided = given - right - liars
    return Recovered(secret, tuple(sorted(right)), tuple(sorted(liars)), tuple(sorted(undecided)))
