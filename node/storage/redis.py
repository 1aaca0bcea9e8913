# SPDX-License-Identifier: MIT
"""Shares in Redis: one key a share, one key a spent nonce, and Redis lets both go when their time is over.

That a nonce is spent at most once, and only while its share is there, is one script, which Redis runs whole
or not at all. Connections and durability are ``redis_database``'s, keys and bytes ``redis_rows``'.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

from osak.node.errors import StorageError
from osak.node.storage.base import ShareStore, StoredShare
from osak.node.storage.redis_database import RedisDatabase
from osak.node.storage.redis_durability import check_redis
from osak.node.storage.redis_rows import (
    GRACE_SECONDS,
    SHARE_KEYS,
    read_share,
    row_id,
    share_key,
    share_value,
    spent_key,
)
from osak.node.storage_settings import RedisStorageSettings

_SPEND = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if redis.call('SET', KEYS[2], '', 'NX', 'EXAT', ARGV[1]) then return 1 end
return 0
"""


class RedisShareStore:
    """A ``ShareStore`` in Redis; make it with ``open``."""

    def __init__(
        self, database: RedisDatabase, settings: RedisStorageSettings, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock

    @classmethod
    async def open(
        cls, settings: RedisStorageSettings, clock: Callable[[], float] = time.time
    ) -> "RedisShareStore":
        """Connect, and see that Redis keeps what it acknowledges.

        Raises:
            StorageError: it cannot be reached, or could lose shares.
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

    async def add(self, share: StoredShare) -> None:
        """Keep a share durably."""
        key, ends = share_key(share.share_id), share.expires_at + GRACE_SECONDS
        if await self._database.write(key, "SET", key, share_value(share), "NX", "EXAT", ends) is None:
            raise StorageError("this share id is taken")

    async def get(self, share_id: str, now: int) -> StoredShare | None:
        """Look a share up."""
        value = await self._database.read("GET", share_key(share_id))
        share = None if value is None else read_share(share_id, value)
        return share if share is not None and share.expires_at > now else None

    async def spend(self, share_id: str, nonce: str, keep_until: int) -> bool:
        """Spend a nonce once."""
        key, ends = share_key(share_id), keep_until + GRACE_SECONDS
        keys = (key, spent_key(share_id, nonce))
        return bool(await self._database.write(key, "EVAL", _SPEND, 2, *keys, ends))

    async def delete(self, share_id: str) -> bool:
        """Erase a share."""
        key = share_key(share_id)
        return bool(await self._database.write(key, "DEL", key))

    async def remove_expired(self, now: int) -> int:  # noqa: ARG002 - Redis goes by its own clock
        """Nothing: Redis erases by itself."""
        return 0

    async def walk(self) -> AsyncIterator[StoredShare]:
        """Page by page, in no order."""
        async for keys in self._database.scan(SHARE_KEYS):
            values = await asyncio.gather(*(self._database.read("GET", key) for key in keys))
            for key, value in zip(keys, values, strict=True):
                if value is not None:  # deleted between the two
                    yield read_share(row_id(key), value)

    async def check(self) -> None:
        """Ask every master."""
        await check_redis(self._database, self._settings, self._clock)

    async def close(self) -> None:
        """Close all connections."""
        await self._database.close()


_: type[ShareStore] = RedisShareStore
