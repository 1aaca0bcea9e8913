# SPDX-License-Identifier: MIT
"""The examples of ``docs/library.md`` and of the README do what they say."""

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from factories.documents import blocks, run
from factories.people import TestCA

PAGE = "docs/library.md"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the examples run: the files that they name, and no configuration."""
    person = TestCA().issue("PNOEE-48010010101", key=ec.generate_private_key(ec.SECP384R1()))
    (tmp_path / "colleague.pem").write_bytes(person.certificate_pem)
    (tmp_path / "colleague.key").write_bytes(person.key_pem)
    (tmp_path / "office.key").write_bytes(os.urandom(32))
    (tmp_path / "contract.pdf").write_bytes(b"%PDF-1.7 ...")
    (tmp_path / "notes.txt").write_bytes(b"Tere\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OSAK_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path


def test_every_example_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From the first to the last, in one go, as a reader would."""
    names: dict[str, object] = {}
    examples = blocks(PAGE, "python")
    assert len(examples) >= 7
    for line, body in examples:
        run(PAGE, line, body, names)
    told = capsys.readouterr().out
    assert "notes.txt b'Tere\\n'" in told
    assert "12 of 12 bytes" in told
    assert "that is another password" in told
    made = {path.name for path in folder.iterdir()}
    assert {"letter.cdoc2", "handed-on.cdoc2", "one.cdoc2", "letter"} <= made


def test_the_example_in_the_readme_runs(folder: Path) -> None:
    """What people see first works."""
    (example,) = blocks("README.md", "python")
    run("README.md", *example, {})
    assert (folder / "letter" / "contract.pdf").read_bytes() == (folder / "contract.pdf").read_bytes()
