# SPDX-License-Identifier: MIT
"""Which shares were revoked after a backup was begun, as far as a node's audit logs tell.

A node notes each revocation before it is done, so a log that was not lost with the storage names all that
must not come back. Each process of a node has a log of its own.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from osak.node.audit.keys import AuditKeys, resolve
from osak.node.audit.record import Event
from osak.node.audit.segments import find_segments, read_log
from osak.node.errors import AuditError, BackupError
from osak.node.sealing import NodeKey
from osak.shares.errors import MessageError
from osak.shares.protocol.times import parse_time, time_text

# Clocks of several processes differ by less, and to look further back only costs memory.
_SLACK: Final = timedelta(hours=1)


def choose_logs(given: Sequence[Path], configured: Path | None) -> Sequence[Path]:
    """The folders of the audit logs to ask: those given, or that of the configuration if there is a log.

    Raises:
        BackupError: there is none.
        OSError: a folder cannot be read.
    """
    if given:
        return given
    if configured is not None and configured.is_dir() and find_segments(configured):
        return [configured]
    raise BackupError(
        "no audit log tells which shares were revoked since: name its folder with --audit, "
        "or say --accept-revoked to bring back those too"
    )


def revoked_since(folder: Path, keys: Sequence[NodeKey], begun: int) -> frozenset[str]:
    """Ids of shares that the log in ``folder`` says were revoked after ``begun``, or at most an hour before.

    Raises:
        AuditError: its lines do not hang together, it begins later than that, or names a share under another
            key. Whether its signatures hold, and nothing was cut off, ``audit.segments.verify_log`` tells.
        OSError: it cannot be read.
    """
    since = datetime.fromtimestamp(begun, UTC)
    readers = [AuditKeys(key) for key in keys]
    revoked = set()
    is_covered = False
    for record in read_log(folder):
        try:
            time = parse_time(str(record.fields.get("time")))
        except MessageError as error:
            raise AuditError(
                f"{folder}, line {record.position.number}: a line that no node writes"
            ) from error
        is_covered = is_covered or time <= since
        if record.event == Event.DELETE and time >= since - _SLACK:
            revoked.add(resolve(str(record.fields.get("share")), readers))
    if not is_covered:
        raise AuditError(f"{folder}: this log begins after {time_text(since)}, when the backup was begun")
    return frozenset(revoked)
