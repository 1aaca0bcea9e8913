# SPDX-License-Identifier: MIT
"""``osak decrypt --list`` and ``--only``: what is in a container, and a part of it."""

from pathlib import Path

import pytest
from factories.shell import Shell


@pytest.fixture
def box(shell: Shell) -> Path:
    """A container of three files for a secret."""
    folder = shell.folder
    (folder / "b.txt").write_bytes(b"teine\n" * 300)
    box = folder / "x.cdoc2"
    files = [folder / name for name in ("a.txt", "b.txt", "tühi")]
    assert shell("encrypt", *files, "-o", box, "--secret", f"k={folder / 'secret'}")[0] == 0
    return box


def test_list_tells_names_and_sizes_and_writes_nothing(shell: Shell, box: Path) -> None:
    """Every file with its size, in order; the folder stays as it was."""
    before = sorted(shell.folder.iterdir())
    code, facts, errors = shell("decrypt", box, "--list", "--secret", shell.folder / "secret")
    assert code == 0, errors
    assert facts["files"] == [
        {"name": "a.txt", "bytes": 2500},
        {"name": "b.txt", "bytes": 1800},
        {"name": "tühi", "bytes": 0},
    ]
    assert facts["container"] == str(box)
    assert sorted(shell.folder.iterdir()) == before


@pytest.mark.parametrize("place", [-1, -30, 200])
def test_list_tells_nothing_of_a_damaged_container(shell: Shell, box: Path, place: int) -> None:
    """One flipped bit anywhere: exit code 5 and no name, since the tag comes first."""
    data = bytearray(box.read_bytes())
    data[place] ^= 1
    box.write_bytes(data)
    code, facts, errors = shell("decrypt", box, "--list", "--secret", shell.folder / "secret")
    assert code in {3, 5}
    assert "files" not in facts
    assert "a.txt" not in errors


def test_list_with_a_wrong_key(shell: Shell, box: Path) -> None:
    """Another secret: exit code 3, as for decrypt."""
    (shell.folder / "other").write_bytes(bytes(32))
    assert shell("decrypt", box, "--list", "--secret", shell.folder / "other")[0] == 3


@pytest.mark.parametrize("chosen", [["b.txt"], ["tühi", "a.txt"], ["a.txt", "a.txt"]])
def test_only_writes_the_chosen_files(shell: Shell, box: Path, chosen: list[str]) -> None:
    """The named files and no others, whole; a name given twice counts once."""
    out = shell.folder / "out"
    options = [part for name in chosen for part in ("--only", name)]
    code, facts, errors = shell("decrypt", box, "-o", out, *options, "--secret", shell.folder / "secret")
    assert code == 0, errors
    assert {file["name"] for file in facts["files"]} == set(chosen)
    assert {path.name for path in out.iterdir()} == set(chosen)
    for name in chosen:
        assert (out / name).read_bytes() == (shell.folder / name).read_bytes()


def test_only_of_an_unknown_name_writes_nothing(shell: Shell, box: Path) -> None:
    """All missing names in one sentence, exit code 2, and not even the file that is there."""
    before = sorted(shell.folder.iterdir())
    code, _, errors = shell(
        *("decrypt", box, "-o", shell.folder / "out", "--secret", shell.folder / "secret"),
        *("--only", "a.txt", "--only", "A.TXT", "--only", "zzz"),
    )
    assert code == 2
    assert "no file 'A.TXT', 'zzz'" in errors
    assert sorted(shell.folder.iterdir()) == before


def test_only_of_a_damaged_container_writes_nothing(shell: Shell, box: Path) -> None:
    """Damage behind the chosen file counts, and comes before an unknown name."""
    data = bytearray(box.read_bytes())
    data[-1] ^= 1
    box.write_bytes(data)
    for name in ("a.txt", "zzz"):
        code, _, _ = shell(
            "decrypt", box, "-o", shell.folder / "out", "--only", name, "--secret", shell.folder / "secret"
        )
        assert code == 5
        assert not (shell.folder / "out").exists()


def test_limits_count_files_left_out(shell: Shell, box: Path) -> None:
    """A limit is a limit of the container: choosing one file does not step around it."""
    (shell.folder / "osak.yaml").write_text("limits:\n  max_entries: 2\n")
    for wish in (["--list"], ["-o", str(shell.folder / "out"), "--only", "a.txt"]):
        code, facts, _ = shell("decrypt", box, *wish, "--secret", shell.folder / "secret")
        assert code == 5
        assert facts["error"]["kind"] == "limit"
        assert not (shell.folder / "out").exists()


@pytest.mark.parametrize(
    "wish", [[], ["--list", "-o", "out"], ["--list", "--only", "a.txt"], ["--list", "--overwrite"]]
)
def test_wishes_that_contradict_each_other(shell: Shell, box: Path, wish: list[str]) -> None:
    """Neither folder nor list, or a list that should write: exit code 2."""
    assert shell("decrypt", box, *wish, "--secret", shell.folder / "secret")[0] == 2
    assert not (shell.folder / "out").exists()
