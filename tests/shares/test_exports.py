# SPDX-License-Identifier: MIT
"""The front door of osak.shares."""

import osak.shares
from osak.errors import OsakError
from osak.shares import SharesError, TooFewSharesError, WrongShareError, errors

ERRORS = {name for name in vars(errors) if name.endswith("Error")} - {OsakError.__name__}


def test_all_is_complete() -> None:
    """Exactly these names are promised to other packages."""
    assert set(osak.shares.__all__) == {
        *("RandomBytes", "Recovered", "SHARE_BYTES", "Share", "Threshold"),
        *("add", "combine", "combine_all", "combine_robust", "commit", "interpolate_at"),
        *("share_zero", "split", "split_all", "verify_commitment"),
        *ERRORS,
    }
    assert len(osak.shares.__all__) == len(set(osak.shares.__all__))


def test_all_is_there() -> None:
    """Every name promised exists."""
    for name in osak.shares.__all__:
        assert hasattr(osak.shares, name)


def test_errors_are_one_tree() -> None:
    """Whoever catches SharesError catches every error of the package; OsakError is below them all."""
    for name in ERRORS:
        assert issubclass(getattr(errors, name), SharesError)
    assert issubclass(SharesError, OsakError)


def test_errors_carry_what_they_say() -> None:
    """Errors that name shares keep the numbers in order for the caller to use."""
    assert WrongShareError([5, 2]).indices == (2, 5)
    assert str(WrongShareError([5, 2])) == "shares 2, 5 do not match their commitments"
    assert str(WrongShareError([4])) == "share 4 does not match its commitment"
    assert str(TooFewSharesError(2, 3)) == "2 shares given, 3 needed"
