# SPDX-License-Identifier: MIT
"""Token buckets: what is let through, how long to wait, and how much is remembered."""

import math
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from osak.node.limits.counter import MemoryCounter
from osak.node.rate_settings import Rate


class Clock:
    """A clock to turn."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """What time it is."""
        return self.now


async def test_a_full_bucket_and_then_its_pace() -> None:
    """As many at once as the rate says, then one each time that a token has come back."""
    clock = Clock()
    counter = MemoryCounter(clock)
    rate = Rate(60, 60)
    assert [await counter.take("a", rate) for _ in range(60)] == [0.0] * 60
    assert math.isclose(await counter.take("a", rate), 1.0)
    assert await counter.take("b", rate) == 0.0
    clock.now += 1.0
    assert await counter.take("a", rate) == 0.0
    assert await counter.take("a", rate) > 0


@given(st.integers(1, 20), st.integers(1, 60), st.lists(st.floats(0, 30), min_size=1, max_size=100))
async def test_never_more_than_the_rate(count: int, seconds: int, pauses: Sequence[float]) -> None:
    """Never more pass than a full bucket and what flows in meanwhile; waiting as told lets one in."""
    clock = Clock()
    counter = MemoryCounter(clock)
    rate = Rate(count, seconds)
    passed: list[float] = []
    for pause in pauses:
        clock.now += pause
        wait = await counter.take("a", rate)
        if wait:
            clock.now += wait * 1.000001
            assert await counter.take("a", rate) == 0.0
        passed.append(clock.now)
    for first, start in enumerate(passed):
        for last in range(first, len(passed)):
            assert last - first + 1 <= count + (passed[last] - start) * count / seconds + 1e-6


async def test_memory_is_bounded() -> None:
    """However many clients come, only so many are remembered, and those who are long gone are not."""
    clock = Clock()
    counter = MemoryCounter(clock, max_keys=100)
    for number in range(1000):
        await counter.take(f"client {number}", Rate(1, 60))
    assert len(counter) == 100
    clock.now += 61
    for _ in range(100):
        await counter.take("one", Rate(1000, 60))
    assert len(counter) == 1
