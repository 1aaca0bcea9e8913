# SPDX-License-Identifier: MIT
"""The error tree and the limits of the container package."""

import dataclasses

import pytest

from osak.client.container import errors
from osak.client.container.errors import ContainerError, DamagedContainerError, LimitExceededError
from osak.client.container.limits import Limits
from osak.errors import OsakError


def test_every_error_belongs_to_one_tree() -> None:
    """One ``except ContainerError`` catches whatever this package raises; OsakError is below it."""
    assert issubclass(ContainerError, OsakError)
    for name, value in vars(errors).items():
        if isinstance(value, type) and issubclass(value, Exception) and value is not OsakError:
            assert issubclass(value, ContainerError)
            assert name.endswith("Error")


def test_limit_error_names_the_limit() -> None:
    """A stopped reader learns which limit stopped it, its value, and that it can be raised."""
    error = LimitExceededError("max_entries", 1000, "the archive has 1200 files")
    assert (error.limit, error.allowed) == ("max_entries", 1000)
    assert "1200" in str(error)
    assert "raise max_entries" in str(error)
    assert isinstance(error, DamagedContainerError)


def test_limits_are_positive_and_frozen() -> None:
    """Every default is a positive number, and a limit cannot be changed by accident."""
    limits = Limits()
    assert all(value > 0 for value in dataclasses.asdict(limits).values())
    with pytest.raises(dataclasses.FrozenInstanceError):
        limits.max_entries = 5  # type: ignore[misc]  # that it fails is the test
