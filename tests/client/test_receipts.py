# SPDX-License-Identifier: MIT
"""The file that takes shares back: there with the container, and gone with it."""

import stat
from pathlib import Path

import pytest

from osak.client import OutputExistsError
from osak.client.receipts import ReceiptFile, read_receipts
from osak.coordinator import Receipt

RECEIPT = Receipt("ria", "https://ria.example:8443", "ab" * 16, "c2VjcmV0")


def test_what_is_written_is_read_back_by_its_owner_alone(tmp_path: Path) -> None:
    """Mode 0600, whatever the umask leaves."""
    path = tmp_path / "receipt"
    kept = ReceiptFile(path)
    with kept.kept(), kept.writing() as keep:
        keep([RECEIPT])
        assert not path.exists()
    assert read_receipts(path) == (RECEIPT,)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_goes_when_the_container_cannot_be_placed(tmp_path: Path) -> None:
    """Its shares are taken back then; a receipt for nothing would only puzzle."""
    path = tmp_path / "receipt"
    kept = ReceiptFile(path)
    with pytest.raises(OSError, match="disk full"), kept.kept():
        with kept.writing() as keep:
            keep([RECEIPT])
        assert path.exists()
        raise OSError("disk full")
    assert list(tmp_path.iterdir()) == []


def test_one_that_was_there_is_neither_replaced_nor_removed(tmp_path: Path) -> None:
    """It may be all that takes another container's shares back."""
    path = tmp_path / "receipt"
    path.write_text("mine")
    kept = ReceiptFile(path)
    with pytest.raises(OutputExistsError), kept.kept(), kept.writing() as keep:
        keep([RECEIPT])
    assert path.read_text() == "mine"
