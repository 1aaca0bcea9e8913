# SPDX-License-Identifier: MIT
"""What is published, sources and the wheel built from them, holds every module and nothing else."""

import importlib.metadata
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import osak

ROOT = Path(__file__).parents[2]
PACKAGES = ("shares", "node", "coordinator", "client")


def _built(folder: Path, *arguments: str, source: Path) -> Path:
    """Run the build back end in a process of its own; return the one file it made."""
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder), *arguments]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def source_distribution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution of the tree."""
    return _built(tmp_path_factory.mktemp("sdist"), "--target", "sdist", source=ROOT)


@pytest.fixture(scope="module")
def wheel(source_distribution: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as installers build it: from the source distribution, not from the tree."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(source_distribution) as archive:
        archive.extractall(folder, filter="data")
    (source,) = folder.iterdir()
    return _built(tmp_path_factory.mktemp("wheel"), "--target", "wheel", source=source)


def test_the_wheel_holds_every_module_of_the_tree(wheel: Path) -> None:
    """Modules of the four packages under ``osak``, what stands beside them, and the marker of types."""
    expected = {
        f"osak/{name}" for name in ("__init__.py", "__main__.py", "errors.py", "status_fetch.py", "py.typed")
    }
    for package in PACKAGES:
        expected |= {f"osak/{path.relative_to(ROOT)}" for path in (ROOT / package).rglob("*.py")}
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert {name for name in names if name.endswith((".py", ".typed"))} == expected
    assert {name.split("/")[0] for name in names} == {"osak"}, "nothing beside our own package"


def test_the_wheel_is_of_this_version(wheel: Path) -> None:
    """One place says the version; file name and installed metadata follow it."""
    assert wheel.name.startswith(f"osak-{osak.__version__}-py3-none-any")
    assert importlib.metadata.version("osak") == osak.__version__


def test_the_source_distribution_can_be_tested(source_distribution: Path) -> None:
    """Whoever packages osak for a system finds tests, examples and documents."""
    with tarfile.open(source_distribution) as archive:
        folders = {name.split("/")[1] for name in archive.getnames()}
    assert {*PACKAGES, "tests", "configs", "docs", "LICENSE", "README.md", "pyproject.toml"} <= folders
