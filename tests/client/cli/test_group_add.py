# SPDX-License-Identifier: MIT
"""``osak group add`` and a configuration that is there already: read first, never half-written."""

import stat
from pathlib import Path

import pytest
from factories.shell import Shell

from osak.client.group_servers import _replace

NOWHERE = "https://127.0.0.1:1"


@pytest.mark.parametrize("content", [b"\xff\xfe", b"groups: [", b"grupps: {}\n", b"groups: &a {}\n"])
def test_a_bad_configuration_is_told_before_any_server_is_asked(shell: Shell, content: bytes) -> None:
    """Exit code 2 and where the mistake is, without the text of the file; nothing is changed."""
    path = shell.folder / "osak.yaml"
    path.write_bytes(content)
    code, facts, errors = shell("group", "add", NOWHERE, "--threshold", "2", "--yes")
    assert code == 2, errors
    assert facts["error"]["exit_code"] == 2
    assert "osak.yaml" in errors
    assert "Traceback" not in errors
    assert path.read_bytes() == content


def test_a_threshold_that_no_ticket_can_carry(shell: Shell) -> None:
    """A mistake in the command line, told as one."""
    assert shell("group", "add", NOWHERE, "--threshold", "65", "--yes")[0] == 2
    assert (
        shell("encrypt", shell.folder / "a.txt", "-o", "x", "--to", "38001085718", "--threshold", "65")[0]
        == 2
    )


def test_a_dead_server_changes_nothing(shell: Shell) -> None:
    """Nobody answers: exit code 6, the file stays as it was."""
    path = shell.folder / "osak.yaml"
    before = path.read_bytes()
    assert shell("group", "add", NOWHERE, "--threshold", "2", "--yes")[0] == 6
    assert path.read_bytes() == before


def test_replacing_keeps_links_and_modes(tmp_path: Path) -> None:
    """The file behind a symbolic link is written anew, and stays readable by its owner alone."""
    real, link = tmp_path / "real.yaml", tmp_path / "link.yaml"
    real.write_text("old")
    real.chmod(0o600)
    link.symlink_to(real)
    _replace(link.resolve(), b"new")
    assert link.is_symlink()
    assert real.read_bytes() == b"new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
