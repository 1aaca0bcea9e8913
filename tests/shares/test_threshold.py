# SPDX-License-Identifier: MIT
"""Which thresholds there are."""

import pytest

from osak.shares import SharesError, Threshold, ThresholdError


@pytest.mark.parametrize(("needed", "total"), [(2, 2), (2, 255), (255, 255), (3, 5)])
def test_threshold_within_bounds(needed: int, total: int) -> None:
    """Everything from 2-of-2 to 255-of-255 is a threshold and reads as people write it."""
    threshold = Threshold(needed, total)
    assert str(threshold) == f"{needed}-of-{total}"
    assert list(threshold.indices) == list(range(1, total + 1))


@pytest.mark.parametrize(("needed", "total"), [(1, 1), (1, 5), (0, 0), (-1, 5), (6, 5), (2, 256), (256, 256)])
def test_threshold_out_of_bounds(needed: int, total: int) -> None:
    """One share that is enough, more needed than there are, and more than the field holds are refused."""
    with pytest.raises(ThresholdError, match="is no threshold") as caught:
        Threshold(needed, total)
    assert isinstance(caught.value, SharesError)
