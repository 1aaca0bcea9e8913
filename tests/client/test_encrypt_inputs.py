# SPDX-License-Identifier: MIT
"""Inputs that cannot be read: told by name, before a server keeps anything, and nothing is left."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from osak.client.config import ClientConfig
from osak.client.container import SymmetricRecipient
from osak.client.encryption import encrypt_files

NOBODY = 65534


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A folder of somebody who is not root, for root may read everything; else one of ours."""
    with tempfile.TemporaryDirectory(prefix="osak-test-") as folder:
        if os.geteuid() != 0:
            yield Path(folder)
            return
        os.chown(folder, NOBODY, NOBODY)
        os.seteuid(NOBODY)
        try:
            yield Path(folder)
        finally:
            os.seteuid(0)


def test_an_input_that_may_not_be_read(nobody: Path) -> None:
    """It is found out at the beginning, and named."""
    letter = nobody / "kiri.txt"
    letter.write_text("Tere!")
    letter.chmod(0)
    recipients = [SymmetricRecipient("k", bytes(32))]
    with pytest.raises(PermissionError, match=r"kiri\.txt"):
        encrypt_files([letter], nobody / "a.cdoc2", recipients, [], config=ClientConfig())
    assert list(nobody.iterdir()) == [letter]


@pytest.mark.skipif(
    not Path("/proc/self/mem").exists(), reason="only Linux has a file whose first byte fails"
)
def test_an_input_that_fails_midway(tmp_path: Path) -> None:
    """An error of the disk names the file."""
    with pytest.raises(OSError, match="/proc/self/mem"):
        encrypt_files(
            [Path("/proc/self/mem")],
            tmp_path / "a.cdoc2",
            [SymmetricRecipient("k", bytes(32))],
            [],
            config=ClientConfig(),
        )
    assert list(tmp_path.iterdir()) == []
