# SPDX-License-Identifier: MIT
"""The command line without any server: every local kind of recipient, and every way to go wrong."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from factories.shell import PASSWORD, Shell, key_files

from osak.client.cli.main import main


@pytest.mark.parametrize(
    "make",
    [
        lambda: ec.generate_private_key(ec.SECP256R1()),
        lambda: ec.generate_private_key(ec.SECP384R1()),
        lambda: ec.generate_private_key(ec.SECP521R1()),
        lambda: rsa.generate_private_key(65537, 2048),
    ],
    ids=["P-256", "P-384", "P-521", "RSA"],
)
def test_key_round_trip(
    shell: Shell, make: Callable[[], ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey]
) -> None:
    """Several files to a public key and back, byte for byte."""
    folder = shell.folder
    public, private = key_files(folder, make())
    box = folder / "x.cdoc2"
    assert shell("encrypt", folder / "a.txt", folder / "tühi", "-o", box, "--cert", public)[0] == 0
    code, facts, errors = shell("decrypt", box, "-o", folder / "out", "--private-key", private)
    assert code == 0, errors
    assert [file["name"] for file in facts["files"]] == ["a.txt", "tühi"]
    assert (folder / "out" / "a.txt").read_bytes() == (folder / "a.txt").read_bytes()
    assert (folder / "out" / "tühi").read_bytes() == b""


def test_mixed_recipients_each_alone(shell: Shell, mixed: Path) -> None:
    """Every recipient of a mixed container opens it alone; inspect lists them all."""
    folder = shell.folder
    kinds = [record["kind"] for record in shell("inspect", mixed)[1]["recipients"]]
    assert sorted(kinds) == ["ec", "password", "secret"]
    for number, credential in enumerate(
        (
            ["--private-key", str(folder / "key.pem")],
            ["--secret", str(folder / "secret")],
            ["--password-file", str(folder / "password")],
        )
    ):
        code, _, errors = shell("decrypt", mixed, "-o", folder / f"out{number}", *credential)
        assert code == 0, errors


def test_wrong_credentials(shell: Shell, mixed: Path) -> None:
    """Wrong password, foreign key, wrong secret: exit code 3, no output folder."""
    folder = shell.folder
    _, foreign = key_files(folder, ec.generate_private_key(ec.SECP384R1()))
    (folder / "other").write_bytes(os.urandom(32))
    for credential in (
        ["--private-key", foreign],
        ["--secret", str(folder / "other")],
        ["--password-file", str(folder / "wrong")],
    ):
        code, facts, _ = shell("decrypt", mixed, "-o", folder / "out", *credential)
        assert code == 3
        assert facts["error"]["exit_code"] == 3
        assert not (folder / "out").exists()


def test_damaged_container(shell: Shell, mixed: Path) -> None:
    """One flipped bit of payload or a cut end: exit code 5, no output folder."""
    folder = shell.folder
    data = mixed.read_bytes()
    for damaged in (
        data[:-1],
        data[:-20] + bytes([data[-20] ^ 1]) + data[-19:],
        b"CDOC" + data[4:100],
        b"",
        b"PK\3\4",
    ):
        (folder / "bad.cdoc2").write_bytes(damaged)
        code, facts, _ = shell(
            "decrypt", folder / "bad.cdoc2", "-o", folder / "out", "--secret", folder / "secret"
        )
        assert code == 5, facts
        assert not (folder / "out").exists()


def test_existing_output(shell: Shell, mixed: Path) -> None:
    """Nothing is replaced unasked: containers and files alike; --overwrite replaces."""
    folder = shell.folder
    before = mixed.read_bytes()
    password = ["--password", "p", "--password-file", str(folder / "password")]
    assert shell("encrypt", folder / "a.txt", "-o", mixed, *password)[0] == 6
    assert mixed.read_bytes() == before
    (folder / "out").mkdir()
    (folder / "out" / "a.txt").write_text("mine")
    opening = ["decrypt", str(mixed), "-o", str(folder / "out"), "--password-file", str(folder / "password")]
    assert shell(*opening)[0] == 6
    assert (folder / "out" / "a.txt").read_text() == "mine"
    assert shell(*opening, "--overwrite")[0] == 0
    assert (folder / "out" / "a.txt").read_bytes() == (folder / "a.txt").read_bytes()
    assert [path.name for path in (folder / "out").iterdir()] == ["a.txt"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["encrypt", "a.txt", "-o", "n.cdoc2"], 2),
        (["encrypt", "absent", "-o", "n.cdoc2", "--secret", "k=secret"], 2),
        (["encrypt", ".", "-o", "n.cdoc2", "--secret", "k=secret"], 2),
        (["encrypt", "/proc/self/mem", "-o", "n.cdoc2", "--secret", "k=secret"], 6),
        (["encrypt", "a.txt", "-o", "a.txt", "--secret", "k=secret", "--overwrite"], 2),
        (["encrypt", "a.txt", "a.txt", "-o", "n.cdoc2", "--secret", "k=secret"], 2),
        (["encrypt", "a.txt", "-o", "nowhere/n.cdoc2", "--secret", "k=secret"], 6),
        (["encrypt", "a.txt", "-o", "n.cdoc2", "--secret", "secret"], 2),
        (["encrypt", "a.txt", "-o", "n.cdoc2", "--secret", "k=a.txt.missing"], 2),
        (["encrypt", "a.txt", "-o", "n.cdoc2", "--cert", "a.txt"], 2),
        (["encrypt", "a.txt", "-o", "n.cdoc2", "--password-file", "password"], 2),
        (["encrypt", "a.txt", "-o", "n.cdoc2", "--to", "38001085718"], 2),
        (["encrypt", "a.txt", "-o", "n.cdoc2", "--n-of-n", "--secret", "k=secret"], 2),
        (["decrypt", "absent.cdoc2", "-o", "out", "--secret", "secret"], 2),
        (["decrypt", "a.txt", "-o", "out"], 2),
        (["decrypt", "a.txt", "-o", "out", "--secret", "secret", "--password"], 2),
        (["decrypt", "a.txt", "-o", "out", "--secret", "secret"], 5),
        (["inspect", "a.txt"], 5),
        (["inspect", "absent"], 2),
        (["group", "check"], 2),
        (["no-such-command"], 2),
    ],
)
def test_mistakes(shell: Shell, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int) -> None:
    """Every mistake has its exit code, one sentence, and leaves the folder as it was."""
    monkeypatch.chdir(shell.folder)
    before = sorted(shell.folder.iterdir())
    got, _, errors = shell(*arguments)
    assert got == code, errors
    assert errors.startswith("osak: error: ")
    assert "Traceback" not in errors
    assert sorted(shell.folder.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("encrypt", "a.txt", "-o", "x.cdoc2", "--cert", "own/bad"), 2),
        (("encrypt", "a.txt", "-o", "x.cdoc2", "--secret", "key=own/bad"), 2),
        (("reencrypt", "mixed.cdoc2", "-o", "x.cdoc2", "--open-secret", "secret", "--cert", "own/bad"), 2),
        (("decrypt", "mixed.cdoc2", "-o", "out", "--private-key", "own/bad"), 3),
        (("decrypt", "mixed.cdoc2", "-o", "out", "--secret", "own/bad"), 3),
        (("decrypt", "mixed.cdoc2", "-o", "out", "--p12", "own/bad"), 3),
    ],
)
def test_a_bad_key_file_is_named(
    shell: Shell, mixed: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], expected: int
) -> None:
    """Of all files on a command line, the bad one is named: 2 if it was to encrypt for, 3 if to open with."""
    monkeypatch.chdir(shell.folder)
    bad = shell.folder / "own" / "bad"
    bad.parent.mkdir()
    bad.write_text("not a key")
    before = sorted(shell.folder.iterdir())
    code, _, errors = shell(*arguments)
    assert code == expected
    assert errors.startswith("osak: error: own/bad: ")
    assert sorted(shell.folder.iterdir()) == before


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    """Help lists every command, the node's included; each explains itself."""
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for command in ("encrypt", "decrypt", "inspect", "group", "node", "demo"):
        assert command in text
        assert main([command, "--help"]) == 0
        assert "\\b" not in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert "osak" in capsys.readouterr().out


def test_yaml_mistakes(shell: Shell) -> None:
    """All mistakes of a configuration at once, with path and line; exit code 2."""
    (shell.folder / "osak.yaml").write_text("group: {}\ntimeouts:\n  connect: 3\n")
    code, _, errors = shell("group", "check")
    assert code == 2
    assert "group (line 1): unknown key" in errors
    assert "timeouts.connect (line 3): unknown key" in errors


def test_secrets_stay_out_of_sight(shell: Shell, mixed: Path) -> None:
    """Neither results nor errors repeat a password."""
    folder = shell.folder
    for credential in (folder / "password", folder / "wrong"):
        _, facts, errors = shell(
            "decrypt", mixed, "-o", folder / credential.name, "--password-file", credential
        )
        assert PASSWORD not in json.dumps(facts) + errors
        assert "Midagi-Muud" not in json.dumps(facts) + errors


def test_weak_passwords_are_refused_on_writing_only(shell: Shell) -> None:
    """Every broken rule in one sentence, exit code 2, nothing written; reading takes any password."""
    folder = shell.folder
    (folder / "weak").write_text("lühike\n")
    code, _, errors = shell(
        *("encrypt", folder / "a.txt", "-o", folder / "x.cdoc2"),
        *("--password", "k", "--password-file", folder / "weak"),
    )
    assert code == 2
    assert "at least 8 characters, and contain an upper-case letter" in errors
    assert "lühike" not in errors
    assert not (folder / "x.cdoc2").exists()


def test_password_from_another_keyboard(shell: Shell) -> None:
    """Written with one spelling of a letter, opened with the other, both ways round."""
    folder = shell.folder
    (folder / "composed").write_text("Salas\u00f5na\n")
    (folder / "decomposed").write_text("Salaso\u0303na\n")
    for number, (written, typed) in enumerate([("composed", "decomposed"), ("decomposed", "composed")]):
        box = folder / f"{number}.cdoc2"
        given = ["--password", "k", "--password-file", str(folder / written)]
        assert shell("encrypt", folder / "a.txt", "-o", box, *given)[0] == 0
        out = folder / f"out{number}"
        code, _, errors = shell("decrypt", box, "-o", out, "--password-file", folder / typed)
        assert code == 0, errors
