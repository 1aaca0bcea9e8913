# SPDX-License-Identifier: MIT
"""Receipts and revocation over real nodes: what was sent by mistake opens for nobody any more."""

import stat
from pathlib import Path

import pytest
from e2e.conftest import Group, Osak

from osak.client import UsageError
from osak.client.receipts import read_receipts


def test_a_receipt_takes_shares_back(osak: Osak, group: Group, tmp_path: Path) -> None:
    """Only its owner can read the receipt; revoked is revoked, and revoking again is no mistake."""
    (letter := tmp_path / "letter.txt").write_text("kiri")
    box, receipt = tmp_path / "a.cdoc2", tmp_path / "a.receipt"
    made = osak("encrypt", letter, "-o", box, "--to", group.person.code, "--receipt", receipt)
    assert made.code == 0, made.errors
    assert stat.S_IMODE(receipt.stat().st_mode) == 0o600
    receipts = read_receipts(receipt)
    assert len(receipts) == 3
    assert not any(one.revocation_token in made.errors + str(made.facts) for one in receipts)
    assert osak("decrypt", box, "-o", tmp_path / "before", *group.credential).code == 0
    for status in ("ok", "gone"):
        revoked = osak("revoke", "--receipt", receipt)
        assert (revoked.code, revoked.facts["missing"]) == (0, 0), revoked.errors
        assert {one["status"] for one in revoked.facts["servers"]} == {status}
    assert osak("decrypt", box, "-o", tmp_path / "after", *group.credential).code == 4


def test_a_server_that_is_down_is_named_and_can_be_asked_again(
    osak: Osak, group: Group, tmp_path: Path
) -> None:
    """Exit code 6 and each server's outcome; the same command ends it when the server is back."""
    (letter := tmp_path / "letter.txt").write_text("kiri")
    box, receipt = tmp_path / "a.cdoc2", tmp_path / "a.receipt"
    assert osak("encrypt", letter, "-o", box, "--to", group.person.code, "--receipt", receipt).code == 0
    group.servers[0].kill()
    revoked = osak("revoke", "--receipt", receipt)
    assert (revoked.code, revoked.facts["missing"]) == (6, 1)
    assert {one["server"]: one["status"] for one in revoked.facts["servers"]}["ria"] == "unreachable"
    group.servers[0].start()
    assert osak("revoke", "--receipt", receipt).code == 0


def test_no_receipt_without_a_container(osak: Osak, group: Group, tmp_path: Path) -> None:
    """A receipt is not replaced; a container that cannot be made leaves none; for no shares there is none."""
    (letter := tmp_path / "letter.txt").write_text("kiri")
    receipt, person = tmp_path / "a.receipt", ("--to", group.person.code)
    receipt.write_text("mine")
    assert osak("encrypt", letter, "-o", tmp_path / "a.cdoc2", *person, "--receipt", receipt).code == 6
    assert (receipt.read_text(), (tmp_path / "a.cdoc2").exists()) == ("mine", False)
    receipt.unlink()
    group.servers[1].kill()
    assert osak("encrypt", letter, "-o", tmp_path / "a.cdoc2", *person, "--receipt", receipt).code == 6
    (tmp_path / "key").write_bytes(bytes(range(32)))
    secret = ("--secret", f"k={tmp_path / 'key'}")
    assert osak("encrypt", letter, "-o", tmp_path / "a.cdoc2", *secret, "--receipt", receipt).code == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key", "letter.txt"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"osak_receipt": 2, "shares": [{}]}',
        '{"osak_receipt": 1, "shares": []}',
        '{"osak_receipt": 1, "shares": [{"server_id": "a"}]}',
        '{"osak_receipt": 1, "shares": [1]}',
        '{"osak_receipt": 1, "shares": 1}',
    ],
)
def test_what_is_no_receipt_is_refused(text: str, tmp_path: Path) -> None:
    """Anything but what encrypt wrote is told as such, and asks no server."""
    (receipt := tmp_path / "receipt").write_text(text)
    with pytest.raises(UsageError, match="no receipt"):
        read_receipts(receipt)
