# SPDX-License-Identifier: MIT
"""Key labels through the command line: machine-readable unless asked otherwise, said in plain words."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from factories.shell import Shell, key_files

from osak.client.cli.main import main


@pytest.fixture
def options(shell: Shell) -> list[str]:
    """A key, a secret and a password as recipients."""
    folder = shell.folder
    public, _ = key_files(folder, ec.generate_private_key(ec.SECP384R1()))
    return [
        *("--cert", str(public), "--secret", f"kontor={folder / 'secret'}"),
        *("--password", "kevade", "--password-file", str(folder / "password")),
    ]


def opens_by_every_key(shell: Shell, box: Path) -> None:
    """Each of the three opens it alone, the password and the secret also by label."""
    folder = shell.folder
    for number, credential in enumerate(
        (
            ["--private-key", str(folder / "key.pem")],
            ["--secret", str(folder / "secret"), "--label", "kontor"],
            ["--password-file", str(folder / "password"), "--label", "kevade"],
        )
    ):
        code, _, errors = shell("decrypt", box, "-o", folder / f"{box.stem}{number}", *credential)
        assert code == 0, errors


def test_labels_are_machine_readable_by_default(shell: Shell, options: list[str]) -> None:
    """The stored labels carry version and type; JSON has them raw and taken apart."""
    box = shell.folder / "x.cdoc2"
    assert shell("encrypt", shell.folder / "a.txt", "-o", box, *options)[0] == 0
    records = shell("inspect", box)[1]["recipients"]
    assert [record["label_fields"]["type"] for record in records] == ["pub_key", "secret", "pw"]
    assert records[2]["label"] == "data:,v=1&label=kevade&type=pw"
    assert records[2]["label_fields"] == {"v": "1", "label": "kevade", "type": "pw"}
    opens_by_every_key(shell, box)


def test_plain_labels(shell: Shell, options: list[str]) -> None:
    """With --plain-labels the bare names are stored, by encrypt and by reencrypt; all keys still open."""
    folder = shell.folder
    box, again = folder / "x.cdoc2", folder / "again.cdoc2"
    assert shell("encrypt", folder / "a.txt", "-o", box, *options, "--plain-labels")[0] == 0
    opening = ["--open-secret", str(folder / "secret")]
    code, facts, errors = shell("reencrypt", box, "-o", again, *opening, *options, "--plain-labels")
    assert code == 0, errors
    assert facts["left_out"] == []
    for path in (box, again):
        records = shell("inspect", path)[1]["recipients"]
        assert [record["label"] for record in records] == ["key.pub.pem", "kontor", "kevade"]
        assert [record["label_fields"] for record in records] == [{}, {}, {}]
        opens_by_every_key(shell, path)


def test_plain_labels_of_one_name(shell: Shell) -> None:
    """Keys of one name are numbered, so that a person's two cards get on; one key twice is refused."""
    folder, keys = shell.folder, []
    for name in ("old", "new"):
        (folder / name).mkdir()
        keys.append(key_files(folder / name, ec.generate_private_key(ec.SECP384R1())))
    options = [option for public, _ in keys for option in ("--cert", str(public))]
    box = folder / "x.cdoc2"
    code, _, errors = shell("encrypt", folder / "a.txt", "-o", box, *options, "--plain-labels")
    assert code == 0, errors
    assert [one["label"] for one in shell("inspect", box)[1]["recipients"]] == [
        "key.pub.pem",
        "key.pub.pem (2)",
    ]
    for number, (_, private) in enumerate(keys):
        assert shell("decrypt", box, "-o", folder / str(number), "--private-key", private)[0] == 0
    twice = ["--cert", str(keys[0][0])] * 2
    code, _, errors = shell("encrypt", folder / "a.txt", "-o", folder / "y.cdoc2", *twice, "--plain-labels")
    assert code == 2
    assert "the same label" in errors


def test_a_plain_label_that_looks_machine_readable_is_refused(shell: Shell) -> None:
    """A bare label may not begin with data:, in any case: readers would look for fields in it."""
    for label in ("data:x", "DATA:x"):
        code, _, errors = shell(
            *("encrypt", shell.folder / "a.txt", "-o", shell.folder / "x.cdoc2", "--plain-labels"),
            *("--secret", f"{label}={shell.folder / 'secret'}"),
        )
        assert code == 2
        assert "must not begin with data:" in errors
        assert not (shell.folder / "x.cdoc2").exists()


def test_people_read_plain_words(
    shell: Shell, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Without --json a record is a line of words, whatever its label looks like."""
    box = shell.folder / "x.cdoc2"
    assert shell("encrypt", shell.folder / "a.txt", "-o", box, *options)[0] == 0
    assert main(["inspect", str(box), "--config", str(shell.folder / "osak.yaml")]) == 0
    shown = capsys.readouterr().out
    assert "2. symmetric key, label: kontor\n" in shown
    assert "3. password, hint: kevade\n" in shown
    assert "(file key.pub.pem) (EC key, P384)\n" in shown
    assert "data:" not in shown
