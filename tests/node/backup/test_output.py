# SPDX-License-Identifier: MIT
"""A backup's file: whole or not at all, nobody else's file lost."""

import errno
import os
from pathlib import Path

import pytest

from osak.node.backup.output import backup_output
from osak.shares.errors import ConfigurationError


def names(folder: Path) -> list[str]:
    """What is there, hidden or not."""
    return sorted(path.name for path in folder.iterdir())


def test_appears_in_the_end(tmp_path: Path) -> None:
    """While it is written it has another name; then it is its owner's alone."""
    path = tmp_path / "backup"
    with backup_output(path, overwrite=False) as stream:
        stream.write(b"content")
        assert not path.exists()
    assert path.read_bytes() == b"content"
    assert path.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["backup"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_failure_leaves_nothing(tmp_path: Path, *, overwrite: bool) -> None:
    """What could not be finished is gone, and a file that was there is still there."""
    path = tmp_path / "backup"
    if overwrite:
        path.write_bytes(b"older")
    with (
        pytest.raises(RuntimeError),
        backup_output(path, overwrite=overwrite) as stream,
    ):
        stream.write(b"content")
        raise RuntimeError
    assert names(tmp_path) == (["backup"] if overwrite else [])
    assert not overwrite or path.read_bytes() == b"older"


def link_nothing(*_: object, **__: object) -> None:
    """As a file system does that has no hard links."""
    raise PermissionError(errno.EPERM, "Operation not permitted")


@pytest.mark.parametrize("has_links", [True, False])
def test_a_name_that_is_taken_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_links: bool
) -> None:
    """Whoever has the name at the end keeps it, on file systems without hard links too."""
    if not has_links:
        monkeypatch.setattr(os, "link", link_nothing)
    path = tmp_path / "backup"
    with (
        pytest.raises(ConfigurationError, match="is there already"),
        backup_output(path, overwrite=False),
    ):
        path.write_bytes(b"another")
    assert path.read_bytes() == b"another"
    with backup_output(tmp_path / "other", overwrite=False) as stream:
        stream.write(b"content")
    assert (tmp_path / "other").read_bytes() == b"content"
    assert names(tmp_path) == ["backup", "other"]
