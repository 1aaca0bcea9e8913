# SPDX-License-Identifier: MIT
"""What audit logs tell about shares that were revoked since a backup."""

from pathlib import Path

import pytest

from osak.node.audit.keys import AuditKeys
from osak.node.audit.record import Event, Position, encode_line
from osak.node.audit.segments import segment_path
from osak.node.backup.revocations import revoked_since
from osak.node.errors import AuditError
from osak.node.sealing import NodeKey

KEY = NodeKey.from_bytes(b"k" * 32)
SHARE = "ab" * 16
BEGUN = 1_800_000_000  # 2027-01-15T08:00:00Z


def write(folder: Path, time: str) -> None:
    """A log whose second line is a revocation at this time."""
    start, end = encode_line(Position(), "2027-01-14T00:00:00Z", Event.START, {})
    pseudonym = AuditKeys(KEY).pseudonym(SHARE)
    delete, _ = encode_line(end, time, Event.DELETE, {"share": pseudonym})
    segment_path(folder, 1).write_bytes(start + delete)


def test_what_was_revoked_since(tmp_path: Path) -> None:
    """Revocations after the backup count, and those of the hour before it: clocks differ."""
    for time, revoked in (("2027-01-15T07:30:00Z", {SHARE}), ("2027-01-15T06:00:00Z", set())):
        write(tmp_path, time)
        assert revoked_since(tmp_path, [KEY], BEGUN) == revoked


@pytest.mark.parametrize("time", ["yesterday", "", "2027-13-01T00:00:00Z"])
def test_a_forged_time_is_refused(tmp_path: Path, time: str) -> None:
    """A restore ends with a sentence about the line that no node writes."""
    write(tmp_path, time)
    with pytest.raises(AuditError, match="line 2: a line that no node writes"):
        revoked_since(tmp_path, [KEY], BEGUN)
