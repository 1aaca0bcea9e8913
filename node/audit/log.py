# SPDX-License-Identifier: MIT
"""Writing the audit log: one thread, one sync for whatever waits; what is not on the disk did not happen.

``write`` returns when its line is synced; under load many lines share one sync. If a write fails, what was
half written is cut off, everybody who waited gets ``AuditError``, and the next write tries anew. A line
that a crash left unfinished was promised to nobody: it is cut off when the log is opened, and a
``healed`` line says so. Anything else that does not fit stops the start: it is for people to look at.
A checkpoint follows every ``checkpoint_records`` lines, ends each segment, and every stop.
"""

import asyncio
import fcntl
import os
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from osak.node.audit.keys import AuditKeys
from osak.node.audit.record import Event, Position, encode_line
from osak.node.audit.segments import find_segments, read_segment, segment_path
from osak.node.errors import AuditError
from osak.node.folder_sync import sync_folder
from osak.shares.protocol.times import time_text

_MAX_BATCH = 512
_Entry = tuple[Event, dict[str, Any]]


class _Job:
    """One line to write and who waits for it."""

    __slots__ = ("entry", "future", "loop", "since")

    def __init__(self, entry: _Entry) -> None:
        self.entry = entry
        self.since = time.monotonic()
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[None] = self.loop.create_future()

    def settle(self, error: OSError | None) -> None:
        """Tell who waits; runs on the event loop."""
        if self.future.done():  # they were cancelled meanwhile
            return
        if error is None:
            self.future.set_result(None)
        else:
            failure = AuditError(f"the audit log cannot be written: {error.strerror}")
            failure.__cause__ = error
            self.future.set_exception(failure)


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
        self._is_torn = False
        self._is_closed = False
        self._under_way: _Job | None = None
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="osak-audit", daemon=True)

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
        log._thread.start()
        return log

    @property
    def end(self) -> Position:
        """The last line that is on the disk."""
        return self._end

    @property
    def lag_seconds(self) -> float:
        """How long the oldest line that is not on the disk yet has waited; 0 if none waits."""
        oldest = self._under_way
        return 0.0 if oldest is None else time.monotonic() - oldest.since

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
        job = _Job((event, fields))
        self._jobs.put(job)
        await job.future

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
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)
        self._let_go()

    def _serve(self) -> None:
        """The thread: one batch after another until ``close``."""
        while jobs := self._next_batch():
            error = None
            self._under_way = jobs[0]
            try:
                self._append([job.entry for job in jobs])
            except OSError as failure:
                error = failure
                self._is_broken = True
            else:
                self._is_broken = False
            self._under_way = None
            _settle(jobs, error)

    def _next_batch(self) -> list[_Job]:
        """Whatever waits; empty at the end."""
        jobs: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            jobs.append(job)
            if len(jobs) == _MAX_BATCH:
                break
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
        return jobs

    def _append(self, entries: list[_Entry]) -> None:
        """Write and sync lines, with the checkpoints that are due; all or nothing."""
        if self._size >= self.segment_bytes:
            self._begin_segment()
        end, signed = self._end, self._signed
        lines: list[bytes] = []
        for event, fields in entries:
            extra = self._signature(end) if event is Event.CHECKPOINT else fields
            line, end = encode_line(end, self._time(), event, extra)
            lines.append(line)
            signed = end.number if event is Event.CHECKPOINT else signed
        is_full = self._size + sum(map(len, lines)) >= self.segment_bytes
        if end.number - signed >= self.checkpoint_records or (is_full and signed != end.number):
            line, end = encode_line(end, self._time(), Event.CHECKPOINT, self._signature(end))
            lines.append(line)
            signed = end.number
        self._write_out(b"".join(lines))
        self._end, self._signed = end, signed

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
            self._append([(Event.HEALED, {"bytes": cut})])

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

    def _time(self) -> str:
        return time_text(datetime.fromtimestamp(int(self._clock()), UTC))

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


def _settle(jobs: list[_Job], error: OSError | None) -> None:
    """Wake everybody in the batch, with one hop to the event loop."""

    def settle_all() -> None:
        for job in jobs:
            job.settle(error)

    with suppress(RuntimeError):  # the loop is gone, and with it everybody who asked
        jobs[0].loop.call_soon_threadsafe(settle_all)
