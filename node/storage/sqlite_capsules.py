# SPDX-License-Identifier: MIT
"""Capsules in the node's SQLite file: their table and statements.

The table stands beside those of shares, in the same file, so there is one file to back up. It is made
only when the role is on. Threads, batches and durability are ``database``'s.
"""

from collections.abc import AsyncIterator
from pathlib import Path

from osak.node.errors import StorageError
from osak.node.storage.base import CapsuleStore, StoredCapsule
from osak.node.storage.database import SQLiteDatabase

_SCHEMA = """
CREATE TABLE IF NOT EXISTS capsules (
    transaction_id TEXT PRIMARY KEY,
    key_id TEXT NOT NULL,
    sealed BLOB NOT NULL,
    recipient_tag BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS capsules_by_expiry ON capsules (expires_at);
"""

_ADD = "INSERT INTO capsules VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_GET = "SELECT * FROM capsules WHERE transaction_id = ? AND expires_at > ?"
_WALK = "SELECT * FROM capsules WHERE transaction_id > ? ORDER BY transaction_id LIMIT ?"
_REPLACE = "UPDATE capsules SET key_id = ?, sealed = ? WHERE transaction_id = ? AND key_id = ? AND sealed = ?"
_EXPIRE = "DELETE FROM capsules WHERE expires_at <= ?"


class SQLiteCapsuleStore:
    """A ``CapsuleStore`` in an SQLite file; make it with ``open``."""

    def __init__(self, database: SQLiteDatabase) -> None:
        self._database = database

    @classmethod
    async def open(cls, path: Path) -> "SQLiteCapsuleStore":
        """Open the file, or make it.

        Raises:
            StorageError: it cannot be opened, is no such database, or has another schema version.
        """
        return cls(SQLiteDatabase.open(path, _SCHEMA))

    async def add(self, capsule: StoredCapsule) -> None:
        """Keep a capsule durably."""
        row = (
            capsule.transaction_id,
            capsule.key_id,
            capsule.sealed,
            capsule.recipient_tag,
            capsule.created_at,
            capsule.expires_at,
        )
        if await self._database.write(lambda database: database.execute(_ADD, row).rowcount) != 1:
            raise StorageError("this transaction id is taken")

    async def get(self, transaction_id: str, now: int) -> StoredCapsule | None:
        """Look a capsule up."""
        row = self._database.read_row(_GET, (transaction_id, now))
        return None if row is None else StoredCapsule(*row)

    async def remove_expired(self, now: int) -> int:
        """Erase what is expired."""
        return await self._database.write(
            lambda database: database.execute(_EXPIRE, (now,)).rowcount, empties_log=True
        )

    async def count(self) -> int:
        """Count on a thread of its own."""
        return await self._database.count("capsules")

    async def walk(self) -> AsyncIterator[StoredCapsule]:
        """Page by page, in the order of ids."""
        async for row in self._database.walk(_WALK):
            yield StoredCapsule(*row)

    async def replace(self, before: StoredCapsule, after: StoredCapsule) -> bool:
        """Put one row in the place of another; only its seal differs."""
        row = (after.key_id, after.sealed, before.transaction_id, before.key_id, before.sealed)
        return await self._database.write(lambda database: database.execute(_REPLACE, row).rowcount == 1)

    async def check(self) -> None:
        """Read something."""
        self._database.check()

    async def close(self) -> None:
        """Finish what waits in the queue and close the file."""
        await self._database.close()


_: type[CapsuleStore] = SQLiteCapsuleStore
