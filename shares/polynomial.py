# SPDX-License-Identifier: MIT
"""Polynomials whose coefficients and values are blocks, and whose places are public scalars.

What depends on places alone is worked out once and kept in bounded caches, keyed by those
public places; coefficients and values never enter a cache. Callers see to it that places are
distinct and that there are as many blocks as places.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from hmac import compare_digest
from itertools import accumulate

from osak.shares.field import Schedule, doublings, exponential, logarithm, schedule, to_bytes, weighted_sum


@lru_cache(maxsize=16)
def _powers(last_place: int, count: int) -> tuple[tuple[int, ...], Schedule]:
    """Prepare powers 0 to count - 1 of the places 1 to last_place.

    Returns how many doublings each coefficient needs, and for every place the doublings, counted
    through all coefficients, that add up to its value.
    """
    powers = [[exponential(logarithm(place) * i) for i in range(count)] for place in range(1, last_place + 1)]
    heights = tuple(max(column).bit_length() for column in zip(*powers, strict=True))
    starts = tuple(accumulate(heights, initial=0))
    sums = tuple(
        tuple(starts[i] + bit for i, power in enumerate(row) for bit in range(heights[i]) if power >> bit & 1)
        for row in powers
    )
    return heights, sums


@lru_cache(maxsize=1024)
def _lagrange(places: tuple[int, ...], at: int) -> Schedule:
    """Prepare the Lagrange weights that carry values at these places over to another one."""
    if at in places:
        return schedule([int(place == at) for place in places])
    whole = sum(logarithm(at ^ place) for place in places)
    weights = [
        exponential(
            whole
            - logarithm(at ^ place)
            - sum(logarithm(place ^ other) for other in places if other != place)
        )
        for place in places
    ]
    return schedule(weights)


def evaluate(coefficients: Sequence[int], last_place: int) -> list[int]:
    """Return the values at the places 1 to last_place; the constant coefficient comes first."""
    heights, sums = _powers(last_place, len(coefficients))
    ladders: list[int] = []
    for coefficient, height in zip(coefficients, heights, strict=True):
        ladders += doublings(coefficient, height)
    values = []
    for positions in sums:
        value = 0
        for position in positions:
            value ^= ladders[position]
        values.append(value)
    return values


def interpolate(places: tuple[int, ...], values: Sequence[int], at: int) -> int:
    """Return the value at a place of the lowest polynomial through the given points."""
    return weighted_sum(_lagrange(places, at), values)


def agreeing(points: Mapping[int, int], through: tuple[int, ...]) -> frozenset[int]:
    """Return every place whose point lies on the polynomial through the points at some of them."""
    values = [points[place] for place in through]
    others = [place for place in points if place not in through]
    return frozenset(through).union(
        place
        for place in others
        if compare_digest(to_bytes(interpolate(through, values, place)), to_bytes(points[place]))
    )
