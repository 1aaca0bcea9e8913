# SPDX-License-Identifier: MIT
"""Capsules in Redis: one key a capsule, which Redis lets go when its time is over.

Connections and durability are ``redis_database``'s, keys ``redis_rows``', bytes ``row_bytes``'.
"""

import time
from collections.abc import AsyncIterator, Callable

from osak.node.errors import StorageError
from osak.node.storage.base import CapsuleStore, StoredCapsule
from osak.node.storage.redis_database import RedisDatabase
from osak.node.storage.redis_durability import check_redis
from osak.node.storage.redis_rows import CAPSULE_KEYS, GRACE_SECONDS, capsule_key
from osak.node.storage.row_bytes import capsule_bytes, read_capsule
from osak.node.storage_settings import RedisStorageSettings


class RedisCapsuleStore:
    """A ``CapsuleStore`` in Redis; make it with ``open``."""

    def __init__(
        self, database: RedisDatabase, settings: RedisStorageSettings, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock

    @classmethod
    async def open(
        cls, settings: RedisStorageSettings, clock: Callable[[], float] = time.time
    ) -> "RedisCapsuleStore":
        """Connect, and see that Redis keeps what it acknowledges.

        Raises:
            StorageError: it cannot be reached, or could lose capsules.
            ConfigurationError: a file of the settings is not what it should be.
            OSError: one cannot be read.
        """
        store = cls(RedisDatabase.open(settings, settings.replicas), settings, clock)
        try:
            await store.check()
        except BaseException:
            await store.close()
            raise
        return store

    async def add(self, capsule: StoredCapsule) -> None:
        """Keep a capsule durably."""
        key, ends = capsule_key(capsule.transaction_id), capsule.expires_at + GRACE_SECONDS
        if await self._database.write(key, "SET", key, capsule_bytes(capsule), "NX", "EXAT", ends) is None:
            raise StorageError("this transaction id is taken")

    async def get(self, transaction_id: str, now: int) -> StoredCapsule | None:
        """Look a capsule up."""
        value = await self._database.read("GET", capsule_key(transaction_id))
        capsule = None if value is None else read_capsule(transaction_id, value)
        return capsule if capsule is not None and capsule.expires_at > now else None

    async def remove_expired(self, now: int) -> int:  # noqa: ARG002 - Redis goes by its own clock
        """Nothing: Redis erases by itself."""
        return 0

    async def count(self) -> int:
        """Count keys, page by page."""
        return await self._database.count(CAPSULE_KEYS)

    async def walk(self) -> AsyncIterator[StoredCapsule]:
        """Page by page, in no order."""
        async for row in self._database.scan_rows(CAPSULE_KEYS, read_capsule):
            yield row

    async def replace(self, before: StoredCapsule, after: StoredCapsule) -> bool:
        """Put one row in the place of another; its life stays."""
        key = capsule_key(before.transaction_id)
        return await self._database.replace(key, capsule_bytes(before), capsule_bytes(after))

    async def check(self) -> None:
        """Ask every master."""
        await check_redis(self._database, self._settings, self._clock)

    async def close(self) -> None:
        """Close all connections."""
        await self._database.close()


_: type[CapsuleStore] = RedisCapsuleStore
