# SPDX-License-Identifier: MIT
"""A folder with files, keys and passwords, and command lines that run in it."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from factories.shell import Shell, key_files


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    return Shell(capsys, tmp_path)


@pytest.fixture
def mixed(shell: Shell) -> Path:
    """A container for a password, a secret and a key."""
    folder = shell.folder
    public, _ = key_files(folder, ec.generate_private_key(ec.SECP384R1()))
    box = folder / "x.cdoc2"
    code, _, errors = shell(
        *(
            "encrypt",
            folder / "a.txt",
            "-o",
            box,
            "--cert",
            public,
            "--secret",
            f"kontor={folder / 'secret'}",
        ),
        *("--password", "kevad", "--password-file", folder / "password"),
    )
    assert code == 0, errors
    return box
