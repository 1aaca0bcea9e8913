# SPDX-License-Identifier: MIT
"""The files of an audit log: which there are, and reading and checking them from the first line to the last.

Segments are ``audit-<number of the first line, 12 digits>.log`` in one folder and make one chain. A check
finds any line changed, added, moved or taken out before the last checkpoint, a segment missing between
others or at the beginning, and a checkpoint that another key signed. What it cannot find, since nothing in
the folder can tell: that the end was cut off, unless the end is known from elsewhere (``noted``); and
lines after the last checkpoint, which whoever can compute a SHA-256 could have written.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from osak.node.audit.keys import verify_checkpoint
from osak.node.audit.record import MAX_LINE_BYTES, Event, Position, Record, decode_line
from osak.node.errors import AuditError


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a whole log is.

    Attributes:
        end: its last line.
        checkpoint: the last line that is covered by a signature; number 0 if none is.
        torn: how often a line was cut off that a crash had left unfinished.
    """

    end: Position
    checkpoint: Position
    torn: int


def segment_path(folder: Path, first_number: int) -> Path:
    """The file whose first line has this number."""
    return folder / f"audit-{first_number:012}.log"


def find_segments(folder: Path) -> list[Path]:
    """All segments in order.

    Raises:
        OSError: the folder cannot be read.
    """
    return sorted(path for path in folder.iterdir() if path.match("audit-*.log"))


def read_segment(path: Path, before: Position) -> Iterator[Record]:
    """The records of one file that follows ``before``.

    Raises:
        AuditError: a line is not what it should be; the file and its line are named.
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        for line_number, line in enumerate(iter(lambda: stream.readline(MAX_LINE_BYTES), b""), start=1):
            try:
                if not line.endswith(b"\n"):
                    raise AuditError("the last line is not complete, or a line is too long")  # noqa: TRY301 - named below
                record = decode_line(before, line[:-1])
            except AuditError as error:
                raise AuditError(f"{path.name}, line {line_number}: {error}") from error
            yield record
            before = record.position


def read_log(folder: Path) -> Iterator[Record]:
    """All records of a log.

    Raises:
        AuditError: a line is not what it should be, or a segment is missing.
        OSError: a file cannot be read.
    """
    end = Position()
    for path in find_segments(folder):
        if path != segment_path(folder, end.number + 1):
            raise AuditError(f"{path.name}: expected {segment_path(folder, end.number + 1).name}")
        for record in read_segment(path, end):
            yield record
            end = record.position


def verify_log(
    folder: Path,
    public_keys: frozenset[str],
    noted: Position | None = None,
    *,
    may_be_empty: bool = False,
) -> Verdict:
    """Check a whole log.

    Args:
        folder: of the log.
        public_keys: whose checkpoints count.
        noted: a line known from elsewhere that must be there.
        may_be_empty: whether there need be no line, as in the log of acts when the first could not be noted.

    Raises:
        AuditError: what is wrong, and where.
        OSError: a file cannot be read.
    """
    end = checkpoint = Position()
    torn, is_noted = 0, noted is None
    for record in read_log(folder):
        if record.event == Event.CHECKPOINT:
            _check(record, end, public_keys)
            checkpoint = record.position
        torn += record.event == Event.HEALED
        end = record.position
        is_noted = is_noted or end == noted
    if end.number == 0 and not may_be_empty:  # a node notes its start before it does anything
        raise AuditError("there is no line in this log: nothing was ever noted, or all was taken away")
    if not is_noted:
        raise AuditError("the noted line is not in this log: its end was cut off, or it was written anew")
    return Verdict(end, checkpoint, torn)


def _check(record: Record, before: Position, public_keys: frozenset[str]) -> None:
    key, signature = str(record.fields.get("key")), str(record.fields.get("signature"))
    if key not in public_keys:
        raise AuditError(
            f"line {record.position.number}: a checkpoint of another key: {key}; "
            "if you noted it as an older key of this node, name it with --public-key"
        )
    try:
        verify_checkpoint(before, signature, key)
    except AuditError as error:
        raise AuditError(f"line {record.position.number}: {error}") from error
