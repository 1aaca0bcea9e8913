# SPDX-License-Identifier: MIT
"""Writing the audit log: one sync for whatever waits; what is not on the disk did not happen.

``write`` returns when its line is synced; under load many lines share one sync. If a write fails, what was
half written is cut off, everybody who waited gets ``AuditError``, and the next write tries anew. A line
that a crash left unfinished was promised to nobody: it is cut off when the log is opened, and a
``healed`` line says so. Anything else that does not fit stops the start: it is for people to look at.
A checkpoint follows every ``checkpoint_records`` lines, ends each segment, and every stop.
"""

import asyncio
import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from osak.node.audit.keys import AuditKeys
from osak.node.audit.record import Event, Position, encode_line
from osak.node.audit.segments import find_segments, read_segment, segment_path
from osak.node.errors import AuditError
from osak.node.folder_sync import sync_folder
from osak.node.group_commit import GroupCommit
from osak.shares.protocol.times import time_text

_MAX_GROUP = 512
_Entry = tuple[Event, dict[str, Any]]


class AuditLog:
    """An open log; make it with ``open``. One process at a time has a folder."""

    def __init__(self, folder: Path, keys: AuditKeys, clock: Callable[[], float]) -> None:
        self.keys = keys
        self.segment_bytes = 16 * 2**20
        self.checkpoint_records = 1000
        self._folder = folder
        self._clock = clock
        self._end = Position()
        self._signed = 0
        self._size = 0
        self._file = -1
        self._lock = -1
        self._is_broken = False
        # Lines for which nobody waited, and whose write failed: they come before the next ones.
        self._owed: list[_Entry] = []
        self._is_torn = False
        self._is_closed = False
        self._lines: GroupCommit[_Entry, None] = GroupCommit(
            "osak-audit", self._prepare, self._explain, _MAX_GROUP
        )

    @classmethod
    def open(
        cls, folder: Path, keys: AuditKeys, clock: Callable[[], float], *, waits: bool = False
    ) -> "AuditLog":
        """Open the log in ``folder``, or begin one.

        Args:
            folder: of its segments.
            keys: for pseudonyms and checkpoints.
            clock: seconds since 1970.
            waits: whether to wait for another process that has the log; for commands alone.

        Raises:
            AuditError: the last segment is not what a node wrote, or another process has the log.
            OSError: it cannot be read or written.
        """
        log = cls(folder, keys, clock)
        folder.mkdir(mode=0o700, exist_ok=True)
        log._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(log._lock, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
            log._resume()
        except BlockingIOError as error:
            os.close(log._lock)
            raise AuditError(f"{folder}: another process writes this audit log") from error
        except BaseException:
            log._let_go()
            raise
        return log

    @property
    def end(self) -> Position:
        """The last line that is on the disk."""
        return self._end

    @property
    def lag_seconds(self) -> float:
        """How long the oldest line that is not on the disk yet has waited; 0 if none waits."""
        return self._lines.lag_seconds

    @property
    def unsigned_lines(self) -> int:
        """How many lines no checkpoint covers yet."""
        return self._end.number - self._signed

    async def write(self, event: Event, **fields: Any) -> None:
        """Write one line; it is synced when this returns.

        Raises:
            AuditError: it was not written.
        """
        if self._is_closed:
            raise AuditError("the audit log is closed")
        await self._lines.commit((event, fields))

    async def note(self, event: Event, **fields: Any) -> None:
        """Write one line that no act waits for; it is synced before any line that is written later is.

        Where the last write failed, or too many lines wait, it is as ``write``: nobody fills the memory.

        Raises:
            AuditError: it was not written.
        """
        if self._is_broken or self._is_closed or self._lines.waiting >= _MAX_GROUP:
            await self.write(event, **fields)
        else:
            entry = (event, fields)
            self._lines.submit(entry).add_done_callback(partial(self._take_note, entry))

    def _take_note(self, entry: _Entry, future: "asyncio.Future[None]") -> None:
        """Keep what could not be written; the log is broken then, and whoever comes next is told."""
        if future.cancelled() or future.exception() is not None:
            self._is_broken = True
            self._owed.append(entry)

    async def sign_end(self) -> None:
        """Write a checkpoint if there are lines that none covers.

        Raises:
            AuditError: it was not written.
        """
        if self._signed != self._end.number:
            await self.write(Event.CHECKPOINT)

    async def check(self) -> None:
        """Return if the log can be written; after a failure, try it with a checkpoint.

        Raises:
            AuditError: it cannot.
        """
        if self._is_broken:
            await self.write(Event.CHECKPOINT)

    async def close(self, *, says_stop: bool = True) -> None:
        """Finish what waits, note the stop of a node, sign the end, close; safe to call twice."""
        if self._is_closed:
            return
        with suppress(AuditError):  # nothing more can be done for a log that cannot be written
            if says_stop:
                await self.write(Event.STOP)
            await self.sign_end()
        self._is_closed = True
        await self._lines.close()
        self._let_go()

    def _prepare(self, entries: list[_Entry]) -> Callable[[], list[None]]:
        """The lines of ``entries``, with the checkpoints that are due; to be written all or not at all."""
        size = 0 if self._is_full else self._size
        end, signed = self._end, self._signed
        lines: list[bytes] = []
        time = time_text(datetime.fromtimestamp(int(self._clock()), UTC))
        owed = len(self._owed)
        for event, fields in (*self._owed, *entries):
            extra = self._signature(end) if event is Event.CHECKPOINT else fields
            line, end = encode_line(end, time, event, extra)
            lines.append(line)
            signed = end.number if event is Event.CHECKPOINT else signed
        is_full = size + sum(map(len, lines)) >= self.segment_bytes
        if end.number - signed >= self.checkpoint_records or (is_full and signed != end.number):
            line, end = encode_line(end, time, Event.CHECKPOINT, self._signature(end))
            lines.append(line)
            signed = end.number

        def append() -> list[None]:
            try:
                self._append(b"".join(lines))
            except BaseException:
                self._is_broken = True
                raise
            self._end, self._signed, self._is_broken = end, signed, False
            del self._owed[:owed]
            return [None] * len(entries)

        return append

    def _explain(self, failure: Exception) -> AuditError:
        reason = failure.strerror if isinstance(failure, OSError) else type(failure).__name__
        return AuditError(f"the audit log cannot be written: {reason}")

    @property
    def _is_full(self) -> bool:
        """Whether the next line begins a new segment."""
        return self._size >= self.segment_bytes

    def _append(self, data: bytes) -> None:
        """Write and sync whole lines, in a new segment if the last one is full; all or nothing."""
        if self._is_full:
            self._begin_segment()
        self._write_out(data)

    def _write_out(self, data: bytes) -> None:
        """Append and sync; cut off again what a failure left.

        Raises:
            OSError: nothing was appended.
        """
        if self._is_torn:
            os.ftruncate(self._file, self._size)
        self._is_torn = True
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(self._file, data[written:], self._size + written)
            os.fdatasync(self._file)
        except OSError:
            with suppress(OSError):  # the next write tries it again before it does anything else
                os.ftruncate(self._file, self._size)
            raise
        self._is_torn = False
        self._size += len(data)

    def _resume(self) -> None:
        """Find the end of the log, heal what a crash left, and go on there."""
        segments = find_segments(self._folder)
        if not segments:
            self._begin_segment()
            return
        path = segments[-1]
        cut = _cut_unfinished(path)
        first = int(path.stem.removeprefix("audit-"))
        self._end = _position_before(segments, first)
        self._signed = self._end.number
        for record in read_segment(path, self._end):
            self._end = record.position
            if record.event == Event.CHECKPOINT:
                self._signed = self._end.number
        self._open_segment(path)
        if cut:
            self._prepare([(Event.HEALED, {"bytes": cut})])()

    def _begin_segment(self) -> None:
        self._open_segment(segment_path(self._folder, self._end.number + 1))
        # The new name must be on the disk before a line in it is promised.
        sync_folder(self._folder)

    def _open_segment(self, path: Path) -> None:
        opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if self._file >= 0:
            os.close(self._file)
        self._file, self._size = opened, os.fstat(opened).st_size

    def _signature(self, end: Position) -> dict[str, Any]:
        return {"key": self.keys.public_key, "signature": self.keys.sign(end)}

    def _let_go(self) -> None:
        for descriptor in (self._file, self._lock):
            if descriptor >= 0:
                os.close(descriptor)


def _position_before(segments: list[Path], first_number: int) -> Position:
    """Where the last segment begins: the last line of the one before, whose own hash it must name."""
    if len(segments) == 1:
        if first_number != 1:
            raise AuditError(f"{segments[0].name}: the segment before it is missing; put that one back")
        return Position()
    last = segments[-2].read_bytes().splitlines()[-1:]
    chain = last[0][:64].decode("ascii", "replace") if last else ""
    return Position(first_number - 1, chain)


def _cut_unfinished(path: Path) -> int:
    """Cut off an unfinished last line; return how many bytes it had."""
    data = path.read_bytes()
    kept = data.rfind(b"\n") + 1
    if kept < len(data):
        with path.open("r+b") as stream:
            stream.truncate(kept)
            os.fsync(stream.fileno())
    return len(data) - kept
