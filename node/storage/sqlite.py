# SPDX-License-Identifier: MIT
"""Shares in one SQLite file: its tables and statements.

Threads, batches and durability are ``database``'s. That a nonce is spent at most once, and only while its
share is there, is one statement, so no other transaction can come between.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

from osak.node.errors import StorageError
from osak.node.storage.base import ShareStore, StoredShare
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
"""

_ADD = "INSERT INTO shares VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_GET = "SELECT * FROM shares WHERE share_id = ? AND expires_at > ?"
_SPEND = (
    "INSERT INTO spent_nonces SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM shares WHERE share_id = ?1) "
    "ON CONFLICT DO NOTHING"
)
_DELETE = "DELETE FROM shares WHERE share_id = ?"
_WALK = "SELECT * FROM shares WHERE share_id > ? ORDER BY share_id LIMIT ?"
_PAGE = 256
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

    async def spend(self, share_id: str, nonce: str, keep_until: int) -> bool:
        """Spend a nonce once."""
        parameters = (share_id, nonce, keep_until)
        return await self._database.write(lambda database: database.execute(_SPEND, parameters).rowcount == 1)

    async def delete(self, share_id: str) -> bool:
        """Erase a share."""
        return await self._database.write(
            lambda database: database.execute(_DELETE, (share_id,)).rowcount == 1
        )

    async def remove_expired(self, now: int) -> int:
        """Erase what is expired."""

        def erase(database: sqlite3.Connection) -> int:
            database.execute(_EXPIRE_NONCES, (now,))
            return database.execute(_EXPIRE_SHARES, (now,)).rowcount

        return await self._database.write(erase)

    async def walk(self) -> AsyncIterator[StoredShare]:
        """Page by page, in the order of ids."""
        last = ""
        while rows := self._database.read_rows(_WALK, (last, _PAGE)):
            for row in rows:
                yield StoredShare(*row)
            last = rows[-1][0]
            await asyncio.sleep(0)  # reading blocks the loop; let others have their turn

    async def check(self) -> None:
        """Read something."""
        self._database.check()

    async def close(self) -> None:
        """Finish what waits in the queue and close the file."""
        await self._database.close()


_: type[ShareStore] = SQLiteShareStore
