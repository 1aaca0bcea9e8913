# SPDX-License-Identifier: MIT
"""One SQLite file as every store of ours uses it: WAL, ``synchronous=FULL``, one transaction at a time.

Whatever waits to be written goes into one transaction (see ``group_commit``): under load many requests share
one fsync, and a lone one waits for nobody. What takes microseconds runs on the event loop, since a change of
threads costs ten times as much: reads, which have a connection of their own and which no writer blocks in
WAL mode, and the statements of quick writes. The commit, which waits for the disk, and whatever takes long
or must wait for another process is a thread's. Rules:

- an answer means committed; if a commit fails, everybody in the group gets ``StorageError`` and
  nothing was kept;
- the file is readable by its owner only; erased rows are overwritten (``secure_delete``), and the WAL, where
  what was erased stands until then, is emptied when a write asks for it;
- ``schema_version`` holds one row; a file of another version is refused, never guessed at.

Which tables there are and what stands in them is each store's own matter.
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from osak.node.errors import StorageError
from osak.node.group_commit import GroupCommit

SCHEMA_VERSION = 1
_MAX_GROUP = 256
_PAGE_ROWS = 256
_BUSY_TIMEOUT_MILLISECONDS = 5000

_VERSION_TABLE = "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL) STRICT;"

ResultT = TypeVar("ResultT")


class _Write(NamedTuple):
    """One piece of work within a transaction."""

    work: Callable[[sqlite3.Connection], Any]
    empties_log: bool


def _storage_error(cause: Exception) -> StorageError:
    return StorageError(f"SQLite failed: {cause}")


class SQLiteDatabase:
    """An open SQLite file; make it with ``open``."""

    def __init__(self, path: Path, writer: sqlite3.Connection, reader: sqlite3.Connection) -> None:
        self._path = path
        self._writer = writer
        self._reader = reader
        self._writes: GroupCommit[_Write, Any] = GroupCommit(
            "osak-sqlite", self._begin, _storage_error, _MAX_GROUP
        )
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
        """Do ``work`` in a transaction and return its result once it is on the disk.

        Args:
            work: takes the connection; quick, unless it empties the log.
            empties_log: whether what was erased so far should be gone from the WAL as well. If somebody is
                reading the file just then, it stays there until the next time. Such a write may take long.

        Raises:
            StorageError: it failed, and nothing was kept.
        """
        if self._closed:
            raise StorageError("the store is closed")
        result: ResultT = await self._writes.commit(_Write(work, empties_log))
        return result

    def check(self) -> None:
        """Read something.

        Raises:
            StorageError: it cannot be read.
        """
        self.read_row("SELECT version FROM schema_version", ())

    async def close(self) -> None:
        """Finish what waits in the queue, close the file, end the thread; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        await self._writes.close()
        self._reader.close()
        self._writer.close()

    def _begin(self, writes: list[_Write]) -> Callable[[], list[Any]]:
        """Do a group's writes up to the commit, which is left to the thread.

        What takes long, as erasing many rows does, and what must wait for others is left to it whole.
        """
        if any(write.empties_log for write in writes) or not _begins_at_once(self._writer):
            return partial(_transact, self._writer, writes)
        try:
            results = [write.work(self._writer) for write in writes]
        except Exception:
            _roll_back(self._writer)
            raise
        return partial(_commit, self._writer, results)


def _open_database(path: Path, schema: str) -> sqlite3.Connection:
    # SQLite gives its -wal and -shm files the mode of the main file, so that one is made first.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    path.chmod(0o600)
    database = sqlite3.connect(
        path,
        timeout=_BUSY_TIMEOUT_MILLISECONDS / 1000,
        isolation_level=None,
        check_same_thread=False,  # the loop and the thread that commits use it in turn
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
    # From here on the event loop begins transactions; ``_transact`` is where one waits for another process.
    database.execute("PRAGMA busy_timeout = 0")


def _begins_at_once(database: sqlite3.Connection) -> bool:
    """Begin a transaction, unless another process is writing."""
    if database.in_transaction:  # of the last group nothing was kept, and not even that could be said
        database.execute("ROLLBACK")
    try:
        database.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


def _transact(database: sqlite3.Connection, writes: list[_Write]) -> list[Any]:
    """Do all writes in one transaction; if something goes wrong, nothing was done."""
    database.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MILLISECONDS}")
    try:
        database.execute("BEGIN IMMEDIATE")
        results = [write.work(database) for write in writes]
    except Exception:
        _roll_back(database)
        raise
    finally:
        database.execute("PRAGMA busy_timeout = 0")
    results = _commit(database, results)
    if any(write.empties_log for write in writes):
        _empty_log(database)
    return results


def _commit(database: sqlite3.Connection, results: list[Any]) -> list[Any]:
    try:
        database.execute("COMMIT")
    except Exception:
        _roll_back(database)
        raise
    return results


def _roll_back(database: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):  # some failures have already rolled back
        database.execute("ROLLBACK")


def _empty_log(database: sqlite3.Connection) -> None:
    """Move the WAL into the file and cut it to nothing, unless somebody reads: nobody is made to wait."""
    with suppress(sqlite3.Error):  # it will be tried again, and nothing that was promised depends on it
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
