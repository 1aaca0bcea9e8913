# SPDX-License-Identifier: MIT
"""One SQLite file as every store of ours uses it: WAL, ``synchronous=FULL``, one thread that writes.

Writes go through a queue to that thread. It takes whatever waits there, does it in one transaction and
answers only after the commit, so under load many requests share one fsync, and a lone one waits for
nobody. Reads have a connection of their own and run where they are asked: one row by its key takes some
ten microseconds, a tenth of what a change of threads costs, and in WAL mode no writer blocks them.
Rules:

- an answer means committed; if a commit fails, everybody in the batch gets ``StorageError`` and
  nothing was kept;
- the file is readable by its owner only; erased rows are overwritten (``secure_delete``), and the WAL, where
  what was erased stands until then, is emptied when a write asks for it;
- ``schema_version`` holds one row; a file of another version is refused, never guessed at.

Which tables there are and what stands in them is each store's own matter.
"""

import asyncio
import os
import queue
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TypeVar

from osak.node.errors import StorageError

SCHEMA_VERSION = 1
_MAX_BATCH = 256
_PAGE_ROWS = 256
_BUSY_TIMEOUT_SECONDS = 5.0

_VERSION_TABLE = "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL) STRICT;"

ResultT = TypeVar("ResultT")
_Work = Callable[[sqlite3.Connection], Any]


class _Job:
    """One piece of work and where its result goes."""

    __slots__ = ("empties_log", "future", "loop", "result", "work")

    def __init__(self, work: _Work, *, empties_log: bool) -> None:
        self.work = work
        self.empties_log = empties_log
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.result: Any = None

    def settle(self, error: Exception | None) -> None:
        """Hand the result over; runs on the event loop."""
        if self.future.done():  # the one who asked was cancelled meanwhile
            return
        if error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(_storage_error(error))


def _storage_error(cause: Exception) -> StorageError:
    error = StorageError(f"SQLite failed: {cause}")
    error.__cause__ = cause
    return error


class SQLiteDatabase:
    """An open SQLite file with its writing thread; make it with ``open``."""

    def __init__(self, path: Path, writer: sqlite3.Connection, reader: sqlite3.Connection) -> None:
        self._path = path
        self._writer = writer
        self._reader = reader
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="osak-sqlite", daemon=True)
        self._thread.start()
        self._closed = False

    @classmethod
    def open(cls, path: Path, schema: str) -> "SQLiteDatabase":
        """Open the file, or make it, with the tables of ``schema``.

        Args:
            path: the file.
            schema: statements that change nothing where the tables are there already.

        Raises:
            StorageError: it cannot be opened, is no such database, or has another schema version.
        """
        try:
            writer = _open_database(path, schema)
            # Timeout 0: a read must not hold up the event loop, better one 503.
            return cls(path, writer, sqlite3.connect(path, timeout=0, isolation_level=None))
        except (sqlite3.Error, OSError) as error:
            raise _storage_error(error) from error

    def read_row(self, query: str, parameters: tuple[str | int, ...]) -> Any:
        """The first row that ``query`` finds, or None.

        Raises:
            StorageError: it cannot be read.
        """
        try:
            return self._reader.execute(query, parameters).fetchone()
        except sqlite3.Error as error:
            raise _storage_error(error) from error

    def read_rows(self, query: str, parameters: tuple[str | int, ...]) -> list[Any]:
        """All rows that ``query`` finds; let it find few.

        Raises:
            StorageError: they cannot be read.
        """
        try:
            return self._reader.execute(query, parameters).fetchall()
        except sqlite3.Error as error:
            raise _storage_error(error) from error

    async def count(self, table: str) -> int:
        """How many rows ``table`` has, counted on a thread and a connection of its own.

        Raises:
            StorageError: it cannot be read.
        """

        def count() -> int:
            try:
                with closing(sqlite3.connect(self._path, timeout=0)) as database:
                    return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - our own names
            except sqlite3.Error as error:
                raise _storage_error(error) from error

        if self._closed:
            raise StorageError("the store is closed")
        return await asyncio.to_thread(count)

    async def walk(self, query: str) -> AsyncIterator[tuple[Any, ...]]:
        """All rows, page by page: ``query`` takes the first column of the last row before, and how many.

        Raises:
            StorageError: they cannot be read.
        """
        last = ""
        while rows := self.read_rows(query, (last, _PAGE_ROWS)):
            for row in rows:
                yield row
            last = rows[-1][0]
            await asyncio.sleep(0)  # reading blocks the loop; let others have their turn

    async def write(
        self, work: Callable[[sqlite3.Connection], ResultT], *, empties_log: bool = False
    ) -> ResultT:
        """Do ``work`` on the writing thread and return its result once it is on the disk.

        Args:
            work: takes the connection, within a transaction.
            empties_log: whether what was erased so far should be gone from the WAL as well. If somebody is
                reading the file just then, it stays there until the next time.

        Raises:
            StorageError: it failed, and nothing was kept.
        """
        if self._closed:
            raise StorageError("the store is closed")
        job = _Job(work, empties_log=empties_log)
        self._jobs.put(job)
        result: ResultT = await job.future
        return result

    def check(self) -> None:
        """Read something.

        Raises:
            StorageError: it cannot be read.
        """
        self.read_row("SELECT version FROM schema_version", ())

    async def close(self) -> None:
        """Finish what waits in the queue, close the file, end the thread; safe to call twice."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            self._reader.close()
        await asyncio.to_thread(self._thread.join)

    def _serve(self) -> None:
        """The thread: one transaction after another until ``close``."""
        running = True
        while running:
            jobs, running = self._next_batch()
            if jobs:
                error = _transact(self._writer, jobs)
                if error is None and any(job.empties_log for job in jobs):
                    _empty_log(self._writer)
                _settle(jobs, error)
        self._writer.close()

    def _next_batch(self) -> tuple[list[_Job], bool]:
        """Everything that waits, and whether more may come."""
        job = self._jobs.get()
        jobs: list[_Job] = []
        while job is not None:
            jobs.append(job)
            if len(jobs) == _MAX_BATCH:
                return jobs, True
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return jobs, True
        return jobs, False


def _open_database(path: Path, schema: str) -> sqlite3.Connection:
    # SQLite gives its -wal and -shm files the mode of the main file, so that one is made first.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    path.chmod(0o600)
    database = sqlite3.connect(
        path,
        timeout=_BUSY_TIMEOUT_SECONDS,
        isolation_level=None,
        check_same_thread=False,  # opened here, then used by the writing thread alone
    )
    try:
        _prepare(database, schema)
    except BaseException:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection, schema: str) -> None:
    """Set the durability rules, and make the tables of a new file."""
    database.execute("PRAGMA secure_delete = ON")
    database.execute("PRAGMA synchronous = FULL")
    if database.execute("PRAGMA journal_mode = WAL").fetchone() != ("wal",):
        raise StorageError("the file system does not allow SQLite's WAL")
    database.execute("BEGIN IMMEDIATE")
    for statement in (_VERSION_TABLE + schema).split(";"):
        database.execute(statement)
    versions = database.execute("SELECT version FROM schema_version").fetchall()
    if not versions:
        database.execute("INSERT INTO schema_version VALUES (?)", (SCHEMA_VERSION,))
    elif versions != [(SCHEMA_VERSION,)]:
        raise StorageError("the database was written by another version of osak")
    database.execute("COMMIT")


def _transact(database: sqlite3.Connection, jobs: list[_Job]) -> Exception | None:
    """Do all jobs in one transaction; return what went wrong, and then nothing was done."""
    try:
        database.execute("BEGIN IMMEDIATE")
        for job in jobs:
            job.result = job.work(database)
        database.execute("COMMIT")
    except Exception as error:  # noqa: BLE001 - whatever a damaged row did: without this thread all would wait for ever
        with suppress(sqlite3.Error):  # some failures have already rolled back
            database.execute("ROLLBACK")
        return error
    return None


def _empty_log(database: sqlite3.Connection) -> None:
    """Move the WAL into the file and cut it to nothing, unless somebody reads: nobody is made to wait."""
    with suppress(sqlite3.Error):  # it will be tried again, and nothing that was promised depends on it
        database.execute("PRAGMA busy_timeout = 0")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    database.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_SECONDS * 1000:.0f}")


def _settle(jobs: list[_Job], error: Exception | None) -> None:
    """Wake everybody in the batch, with one hop to the event loop."""

    def settle_all() -> None:
        for job in jobs:
            job.settle(error)

    with suppress(RuntimeError):  # the loop is gone, and with it everybody who asked
        jobs[0].loop.call_soon_threadsafe(settle_all)
