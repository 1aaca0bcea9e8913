# SPDX-License-Identifier: MIT
"""The front doors of the packages: what they promise exists and is documented."""

import inspect
from importlib import import_module

import pytest

DOORS = ("osak.shares", "osak.coordinator", "osak.client.container")
every_door = pytest.mark.parametrize("door", DOORS)


@every_door
def test_everything_promised_is_there(door: str) -> None:
    """Each name of ``__all__`` can be imported and stands there once."""
    module = import_module(door)
    promised = list(module.__all__)
    assert [name for name in promised if not hasattr(module, name)] == []
    assert len(promised) == len(set(promised))


@every_door
def test_everything_promised_is_documented(door: str) -> None:
    """Each class and function of a front door says what it is."""
    module = import_module(door)
    found = {name: getattr(module, name) for name in module.__all__}
    things = {
        name: thing for name, thing in found.items() if inspect.isclass(thing) or inspect.isfunction(thing)
    }
    assert [name for name, thing in things.items() if not inspect.getdoc(thing)] == []


def test_the_node_promises_nothing() -> None:
    """A node is an application: whoever wants one runs it."""
    assert not hasattr(import_module("osak.node"), "__all__")
