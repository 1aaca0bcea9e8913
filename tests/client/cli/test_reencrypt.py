# SPDX-License-Identifier: MIT
"""``osak reencrypt``: the same files for other recipients, nobody dropped in silence, nothing left behind."""

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from factories.shell import Shell, key_files


@pytest.fixture
def other(shell: Shell) -> Path:
    """The public key of somebody else; the private one lies beside it."""
    folder = shell.folder / "other"
    folder.mkdir()
    return key_files(folder, ec.generate_private_key(ec.SECP256R1()))[0]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_other_recipients_get_the_same_files(shell: Shell, mixed: Path, other: Path) -> None:
    """Opened with a secret, written for a key: the key opens it, the secret no longer does."""
    folder = shell.folder
    new = folder / "new.cdoc2"
    code, facts, errors = shell(
        "reencrypt", mixed, "-o", new, "--open-secret", folder / "secret", "--cert", other
    )
    assert code == 0, errors
    assert facts["files"] == [{"name": "a.txt", "bytes": 2500}]
    assert facts["bytes"] == new.stat().st_size
    assert facts["recipients"] == 1
    assert shell("decrypt", new, "-o", folder / "out", "--private-key", other.parent / "key.pem")[0] == 0
    assert (folder / "out" / "a.txt").read_bytes() == (folder / "a.txt").read_bytes()
    assert shell("decrypt", new, "-o", folder / "no", "--secret", folder / "secret")[0] == 3


@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_everybody_left_out_is_told(shell: Shell, mixed: Path, other: Path, quiet: list[str]) -> None:
    """Old recipients without a new record stand on stderr and in the JSON, with --quiet too."""
    code, facts, errors = shell(
        *("reencrypt", mixed, "-o", shell.folder / "new.cdoc2"),
        *quiet,
        *("--open-secret", shell.folder / "secret", "--cert", other),
    )
    assert code == 0, errors
    assert [record["kind"] for record in facts["left_out"]] == ["ec", "secret", "password"]
    assert errors.count("warning: not carried over: ") == 3
    assert "kontor" in errors
    assert "kevad" in errors


def test_who_is_named_again_is_not_left_out(shell: Shell, mixed: Path) -> None:
    """The same key, the same secret and the same password under their labels count as carried over."""
    folder = shell.folder
    code, facts, errors = shell(
        *("reencrypt", mixed, "-o", folder / "new.cdoc2", "--private-key", folder / "key.pem"),
        *("--cert", folder / "key.pub.pem", "--secret", f"kontor={folder / 'secret'}"),
        *("--password", "kevad", "--password-file", folder / "password"),
    )
    assert code == 0, errors
    assert facts["left_out"] == []
    assert "not carried over" not in errors


def test_a_label_alone_carries_nobody_over(shell: Shell, mixed: Path) -> None:
    """Another secret and another password under the old labels: those who know the old ones are named."""
    folder = shell.folder
    (folder / "fresh").write_bytes(os.urandom(32))
    code, facts, errors = shell(
        *("reencrypt", mixed, "-o", folder / "new.cdoc2", "--open-password-file", folder / "password"),
        *("--cert", folder / "key.pub.pem", "--secret", f"kontor={folder / 'fresh'}"),
        *("--password", "kevad", "--password-file", folder / "wrong"),
    )
    assert code == 0, errors
    assert [record["kind"] for record in facts["left_out"]] == ["secret", "password"]


def test_keeping_recipients_is_refused_with_the_reason(shell: Shell, mixed: Path) -> None:
    """Exit code 2, why it cannot be, everybody who would be lost, and nothing written."""
    before = contents(shell.folder)
    code, _, errors = shell(
        *("reencrypt", mixed, "-o", shell.folder / "new.cdoc2", "--keep-recipients"),
        *("--open-secret", shell.folder / "secret", "--secret", f"k={shell.folder / 'secret'}"),
    )
    assert code == 2
    assert "cannot be kept: the new file has a new key" in errors
    for name in ("EC key", "kontor", "kevad"):
        assert name in errors
    assert contents(shell.folder) == before


@pytest.mark.parametrize("place", [-1, -30, 20])
def test_a_damaged_container_leaves_nothing(shell: Shell, mixed: Path, place: int) -> None:
    """The new file has no name before the old tag was right, and is gone when it is wrong."""
    data = bytearray(mixed.read_bytes())
    data[place] ^= 1
    mixed.write_bytes(data)
    before = contents(shell.folder)
    folder = shell.folder
    code, _, _ = shell(
        *("reencrypt", mixed, "-o", folder / "new.cdoc2", "--open-secret", folder / "secret"),
        *("--secret", f"k={folder / 'secret'}"),
    )
    assert code in {3, 5}
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["-o", "new.cdoc2", "--open-secret", "secret"], 2),
        (["-o", "new.cdoc2", "--secret", "k=secret"], 2),
        (
            [
                "-o",
                "new.cdoc2",
                "--open-secret",
                "secret",
                "--private-key",
                "key.pem",
                "--secret",
                "k=secret",
            ],
            2,
        ),
        (["-o", "x.cdoc2", "--open-secret", "secret", "--secret", "k=secret", "--overwrite"], 2),
        (["-o", "link.cdoc2", "--open-secret", "secret", "--secret", "k=secret", "--overwrite"], 2),
        (["-o", "a.txt", "--open-secret", "secret", "--secret", "k=secret"], 6),
        (["-o", "nowhere/x", "--open-secret", "secret", "--secret", "k=secret"], 6),
        (["-o", "new.cdoc2", "--open-password-file", "wrong", "--secret", "k=secret"], 3),
        (["-o", "new.cdoc2", "--open-secret", "secret", "--secret", "k=secret", "--cert", "a.txt"], 2),
        (["-o", "new.cdoc2", "--open-secret", "secret", "--secret", "k=secret", "--secret", "k=secret"], 2),
    ],
)
def test_mistakes_leave_nothing(
    shell: Shell, mixed: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], code: int
) -> None:
    """Every mistake has its exit code and leaves the folder as it was, the old container above all."""
    monkeypatch.chdir(shell.folder)
    (shell.folder / "link.cdoc2").symlink_to(mixed)
    before = contents(shell.folder)
    got, _, errors = shell("reencrypt", mixed, *options)
    assert got == code, errors
    assert "Traceback" not in errors
    assert contents(shell.folder) == before


def test_limits_bind_what_is_carried_over(shell: Shell, mixed: Path) -> None:
    """A container beyond the limits does not become a new one."""
    (shell.folder / "osak.yaml").write_text("limits:\n  max_output_bytes: 2499\n")
    code, _, _ = shell(
        *("reencrypt", mixed, "-o", shell.folder / "new.cdoc2", "--open-secret", shell.folder / "secret"),
        *("--secret", f"k={shell.folder / 'secret'}"),
    )
    assert code == 5
    assert not (shell.folder / "new.cdoc2").exists()
