# SPDX-License-Identifier: MIT
"""Evaluation and interpolation are inverse to each other, wherever the places are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osak.shares.polynomial import agreeing, evaluate, interpolate

BLOCK = st.integers(0, 2**256 - 1)


@given(st.lists(BLOCK, min_size=2, max_size=8), st.data())
def test_interpolation_undoes_evaluation(coefficients: list[int], data: st.DataObject) -> None:
    """Any distinct places, in any order, bring back the constant coefficient and every value."""
    count = len(coefficients)
    values = evaluate(coefficients, 20)
    places = tuple(data.draw(st.permutations(range(1, 21)))[:count])
    chosen = [values[place - 1] for place in places]
    assert coefficients[0] == interpolate(places, chosen, 0)
    assert values == [interpolate(places, chosen, at) for at in range(1, 21)]


def test_the_whole_field_of_places() -> None:
    """255 places and 255 coefficients work as well as few."""
    coefficients = [(i * 0x9E3779B97F4A7C15) % 2**256 for i in range(1, 256)]
    values = evaluate(coefficients, 255)
    assert coefficients[0] == interpolate(tuple(range(1, 256)), values, 0)


@given(st.lists(BLOCK, min_size=3, max_size=3), st.integers(4, 8))
def test_agreeing_leaves_out_what_is_off_the_polynomial(coefficients: list[int], off: int) -> None:
    """A changed point is the only one not counted as agreeing."""
    points = dict(enumerate(evaluate(coefficients, 8), start=1))
    assert agreeing(points, (1, 2, 3)) == set(points)
    points[off] ^= 1 << 200
    assert agreeing(points, (3, 1, 2)) == set(points) - {off}


@pytest.mark.parametrize("place", [1, 2, 255])
def test_a_given_place_keeps_its_value(place: int) -> None:
    """Interpolating where a point is given returns that point."""
    assert interpolate((1, 2, 255), (10, 20, 30), place) == {1: 10, 2: 20, 255: 30}[place]
