# SPDX-License-Identifier: MIT
"""Every module imports by itself, in a fresh interpreter, and brings along no more than it may."""

import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import osak

ROOT = Path(__file__).parents[2]
_GENERATED = "osak.client.container.fbs"
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(osak.__path__, "osak.")
    if not module.name.startswith(_GENERATED) and not module.name.endswith("__main__")
)
# Package -> what must not be loaded by it, however far down.
FORBIDDEN = {
    "osak.shares": ("aiohttp", "asyncio", "redis", "sqlite3", "osak.node", "osak.coordinator", "osak.client"),
    "osak.coordinator": ("aiohttp", "structlog", "osak.node", "osak.client"),
    "osak.client.container": ("aiohttp", "asyncio", "osak.node", "osak.coordinator"),
    "osak.client.cli.main": ("aiohttp", "pydantic", "cryptography", "osak.node", "osak.coordinator"),
    "osak.node.service": ("aiohttp", "osak.coordinator", "osak.client"),
}


def _loaded(*modules: str) -> set[str]:
    """Import modules in one fresh interpreter, each from nothing of ours; return what is loaded."""
    code = """
import importlib, json, sys
for name in sys.argv[1:]:
    for ours in [module for module in sys.modules if module.split(".")[0] == "osak"]:
        del sys.modules[ours]
    importlib.import_module(name)
print(json.dumps(sorted(sys.modules)))
"""
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, *modules],
        env=unmeasured,  # measuring coverage loads modules of its own
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def test_all_packages_are_walked() -> None:
    """The list that the next test goes through is not empty by mistake."""
    assert {"osak.shares", "osak.node.app", "osak.coordinator.collect", "osak.client.cli.main"} <= set(
        MODULES
    )


def test_every_module_imports_alone() -> None:
    """No module needs another to have been imported before it: there are no circles."""
    assert MODULES[-1] in _loaded(*MODULES)


@pytest.mark.parametrize("package", FORBIDDEN)
def test_brings_along_no_more_than_it_may(package: str) -> None:
    """Pure packages stay pure, and ``osak --help`` stays quick, whatever their imports import."""
    loaded = _loaded(package)
    assert sorted(loaded.intersection(FORBIDDEN[package])) == []
