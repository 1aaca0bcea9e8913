# SPDX-License-Identifier: MIT
"""``osak decrypt`` with several containers: a report for each, one exit code for all."""

from pathlib import Path

import pytest
from factories.shell import Shell


@pytest.fixture
def boxes(shell: Shell) -> list[Path]:
    """Three containers for one secret."""
    made = []
    for name in ("may", "june", "july"):
        made.append(shell.folder / f"{name}.cdoc2")
        (shell.folder / "a.txt").write_text(name)
        secret = f"k={shell.folder / 'secret'}"
        assert shell("encrypt", shell.folder / "a.txt", "-o", made[-1], "--secret", secret)[0] == 0
    return made


def test_each_container_is_told_of(shell: Shell, boxes: list[Path]) -> None:
    """Exit code 0, and for programs one entry a container with its folder and files."""
    out, secret = shell.folder / "out", shell.folder / "secret"
    code, facts, errors = shell("decrypt", *boxes, "-o", out, "--secret", secret)
    assert (code, errors) == (0, "")
    assert facts == {
        "containers": [
            {
                "container": str(box),
                "folder": str(out / box.stem),
                "files": [{"name": "a.txt", "bytes": len(box.stem)}],
                "outcomes": [],
            }
            for box in boxes
        ]
    }
    assert [(out / box.stem / "a.txt").read_text() for box in boxes] == ["may", "june", "july"]


def test_the_highest_exit_code_is_that_of_all(shell: Shell, boxes: list[Path]) -> None:
    """A damaged one (5) beside a missing one (2): exit code 5, both named, and the third is there."""
    out, secret = shell.folder / "out", shell.folder / "secret"
    boxes[1].write_bytes(boxes[1].read_bytes()[:-20])
    boxes[2].unlink()
    code, facts, errors = shell("decrypt", *boxes, "-o", out, "--secret", secret)
    assert code == 5
    assert [one.get("error", {}).get("exit_code") for one in facts["containers"]] == [None, 5, 2]
    assert (facts["error"]["kind"], facts["error"]["exit_code"]) == ("batch", 5)
    assert facts["error"]["message"] == "2 of 3 containers could not be opened"
    assert f"osak: error: {boxes[1]}: " in errors
    assert f"osak: error: {boxes[2]}: there is no file" in errors
    assert [path.name for path in out.iterdir()] == ["may"]


def test_list_of_several(shell: Shell, boxes: list[Path]) -> None:
    """--list tells of each, by its path."""
    code, facts, errors = shell("decrypt", *boxes, "--list", "--secret", shell.folder / "secret")
    assert code == 0, errors
    assert [one["container"] for one in facts["containers"]] == list(map(str, boxes))


def test_only_is_for_one_container(shell: Shell, boxes: list[Path]) -> None:
    """--only of several would take the same name out of each: exit code 2, nothing written."""
    out, secret = shell.folder / "out", shell.folder / "secret"
    code, facts, _ = shell("decrypt", *boxes, "-o", out, "--only", "a.txt", "--secret", secret)
    assert (code, facts["error"]["kind"]) == (2, "usage")
    assert not out.exists()
