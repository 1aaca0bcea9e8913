# SPDX-License-Identifier: MIT
"""Shares in one SQLite file: its tables and statements.

Threads, batches and durability are ``database``'s. That a nonce is spent at most once, and only while its
share is there, is one statement, so no other transaction can come between.
"""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from osak.node.errors import StorageError
from osak.node.storage.base import MAX_RELEASE_TIMES, Releases, ShareStore, StoredShare
from osak.node.storage.database import SQLiteDatabase

_SCHEMA = """
CREATE TABLE IF NOT EXISTS shares (
    share_id TEXT PRIMARY KEY,
    key_id TEXT NOT NULL,
    sealed BLOB NOT NULL,
    recipient_tag BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revocation_hash BLOB,
    share_set TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS shares_by_expiry ON shares (expires_at);
CREATE TABLE IF NOT EXISTS spent_nonces (
    share_id TEXT NOT NULL,
    nonce TEXT NOT NULL,
    keep_until INTEGER NOT NULL,
    PRIMARY KEY (share_id, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS spent_nonces_by_expiry ON spent_nonces (keep_until);
CREATE TABLE IF NOT EXISTS releases (
    share_id TEXT PRIMARY KEY,
    count INTEGER NOT NULL,
    times TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""

_ADD = "INSERT INTO shares VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_GET = "SELECT * FROM shares WHERE share_id = ? AND expires_at > ?"
_SPEND = (
    "INSERT INTO spent_nonces SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM shares WHERE share_id = ?1) "
    "ON CONFLICT DO NOTHING"
)
_DELETE = "DELETE FROM shares WHERE share_id = ?"
_RELEASES = "SELECT count, times FROM releases WHERE share_id = ?"
_NOTE_RELEASES = (
    "INSERT INTO releases SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM shares WHERE share_id = ?1) "
    "ON CONFLICT DO UPDATE SET count = excluded.count, times = excluded.times WHERE excluded.count > count"
)
# One more, in one step: the oldest time gives way once there are as many as are kept, ?3.
_NOTE_RELEASE = (
    "INSERT INTO releases SELECT ?1, 1, ?2 WHERE EXISTS (SELECT 1 FROM shares WHERE share_id = ?1) "
    "ON CONFLICT DO UPDATE SET count = count + 1, times = "
    "iif(length(times) - length(replace(times, ' ', '')) + 1 < ?3, "
    "times, substr(times, instr(times, ' ') + 1)) || ' ' || excluded.times"
)
_FORGET_RELEASES = "DELETE FROM releases WHERE share_id = ?"
_EXPIRE_RELEASES = (
    "DELETE FROM releases WHERE share_id IN (SELECT share_id FROM shares WHERE expires_at <= ?)"
)
_WALK = "SELECT * FROM shares WHERE share_id > ? ORDER BY share_id LIMIT ?"
_REPLACE = "UPDATE shares SET key_id = ?, sealed = ? WHERE share_id = ? AND key_id = ? AND sealed = ?"
_EXPIRE_SHARES = "DELETE FROM shares WHERE expires_at <= ?"
_EXPIRE_NONCES = "DELETE FROM spent_nonces WHERE keep_until <= ?"


class SQLiteShareStore:
    """A ``ShareStore`` in an SQLite file; make it with ``open``."""

    def __init__(self, database: SQLiteDatabase) -> None:
        self._database = database

    @classmethod
    async def open(cls, path: Path) -> "SQLiteShareStore":
        """Open the file, or make it.

        Raises:
            StorageError: it cannot be opened, is no such database, or has another schema version.
        """
        return cls(SQLiteDatabase.open(path, _SCHEMA))

    async def add(self, share: StoredShare) -> None:
        """Keep a share durably."""
        row = (
            share.share_id,
            share.key_id,
            share.sealed,
            share.recipient_tag,
            share.created_at,
            share.expires_at,
            share.revocation_hash,
            share.share_set,
        )
        if await self._database.write(lambda database: database.execute(_ADD, row).rowcount) != 1:
            raise StorageError("this share id is taken")

    async def get(self, share_id: str, now: int) -> StoredShare | None:
        """Look a share up."""
        row = self._database.read_row(_GET, (share_id, now))
        return None if row is None else StoredShare(*row)

    async def spend(self, share_id: str, nonce: str, keep_until: int, released_at: int | None = None) -> bool:
        """Spend a nonce once."""

        def spend_and_note(database: sqlite3.Connection) -> bool:
            if database.execute(_SPEND, (share_id, nonce, keep_until)).rowcount != 1:
                return False
            if released_at is not None:
                database.execute(_NOTE_RELEASE, (share_id, str(released_at), MAX_RELEASE_TIMES))
            return True

        return await self._database.write(spend_and_note)

    async def releases(self, share_id: str) -> Releases:
        """Look up what is remembered of one share."""
        return _releases(self._database.read_row(_RELEASES, (share_id,)))

    async def remember_releases(self, share_id: str, releases: Releases) -> None:
        """Take over what is more."""
        row = _releases_row(share_id, releases)
        await self._database.write(lambda database: database.execute(_NOTE_RELEASES, row).rowcount)

    async def delete(self, share_id: str) -> bool:
        """Erase a share."""

        def erase(database: sqlite3.Connection) -> bool:
            database.execute(_FORGET_RELEASES, (share_id,))
            return database.execute(_DELETE, (share_id,)).rowcount == 1

        return await self._database.write(erase, empties_log=True)

    async def remove_expired(self, now: int) -> int:
        """Erase what is expired."""

        def erase(database: sqlite3.Connection) -> int:
            database.execute(_EXPIRE_NONCES, (now,))
            database.execute(_EXPIRE_RELEASES, (now,))
            return database.execute(_EXPIRE_SHARES, (now,)).rowcount

        return await self._database.write(erase, empties_log=True)

    async def count(self) -> int:
        """Count on a thread of its own."""
        return await self._database.count("shares")

    async def walk(self) -> AsyncIterator[StoredShare]:
        """Page by page, in the order of ids."""
        async for row in self._database.walk(_WALK):
            yield StoredShare(*row)

    async def replace(self, before: StoredShare, after: StoredShare) -> bool:
        """Put one row in the place of another; only its seal differs."""
        row = (after.key_id, after.sealed, before.share_id, before.key_id, before.sealed)
        return await self._database.write(lambda database: database.execute(_REPLACE, row).rowcount == 1)

    async def check(self) -> None:
        """Read something."""
        self._database.check()

    async def close(self) -> None:
        """Finish what waits in the queue and close the file."""
        await self._database.close()


def _releases(row: tuple[Any, ...] | None) -> Releases:
    try:
        return Releases() if row is None else Releases(row[0], tuple(map(int, row[1].split())))
    except ValueError as error:
        raise StorageError("what is remembered of releases cannot be read") from error


def _releases_row(share_id: str, releases: Releases) -> tuple[str, int, str]:
    return share_id, releases.count, " ".join(map(str, releases.times))


_: type[ShareStore] = SQLiteShareStore
