# SPDX-License-Identifier: MIT
"""Shares in Redis: one key a share, one key a spent nonce, and Redis lets both go when their time is over.

That a nonce is spent at most once, and only while its share is there, is one script, which Redis runs whole
or not at all. Connections and durability are ``redis_database``'s, keys ``redis_rows``', and bytes are
``row_bytes``'.
"""

import time
from collections.abc import AsyncIterator, Callable

from osak.node.errors import StorageError
from osak.node.storage.base import MAX_RELEASE_TIMES, Releases, ShareStore, StoredShare
from osak.node.storage.redis_database import RedisDatabase
from osak.node.storage.redis_durability import check_redis
from osak.node.storage.redis_rows import (
    GRACE_SECONDS,
    SHARE_KEYS,
    read_releases,
    released_key,
    share_key,
    spent_key,
)
from osak.node.storage.row_bytes import read_share, share_bytes
from osak.node.storage_settings import RedisStorageSettings

# KEYS: share, spent nonce, releases. ARGV: end of the nonce, time of the release or nothing, times to keep.
_SPEND = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if not redis.call('SET', KEYS[2], '', 'NX', 'EXAT', ARGV[1]) then return 0 end
if ARGV[2] ~= '' then
  local number = redis.call('HINCRBY', KEYS[3], 'count', 1)
  redis.call('HSET', KEYS[3], number, ARGV[2])
  redis.call('HDEL', KEYS[3], number - ARGV[3])
  redis.call('PEXPIRE', KEYS[3], redis.call('PTTL', KEYS[1]))
end
return 1
"""
# KEYS: share, releases. ARGV: count, then the latest times, oldest first.
_REMEMBER = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if tonumber(redis.call('HGET', KEYS[2], 'count') or 0) >= tonumber(ARGV[1]) then return 0 end
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[2], 'count', ARGV[1])
for place = 2, #ARGV do redis.call('HSET', KEYS[2], ARGV[1] - #ARGV + place, ARGV[place]) end
redis.call('PEXPIRE', KEYS[2], redis.call('PTTL', KEYS[1]))
return 1
"""
_DELETE = """
redis.call('DEL', KEYS[2])
return redis.call('DEL', KEYS[1])
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
        if await self._database.write(key, "SET", key, share_bytes(share), "NX", "EXAT", ends) is None:
            raise StorageError("this share id is taken")

    async def get(self, share_id: str, now: int) -> StoredShare | None:
        """Look a share up."""
        value = await self._database.read("GET", share_key(share_id))
        share = None if value is None else read_share(share_id, value)
        return share if share is not None and share.expires_at > now else None

    async def spend(self, share_id: str, nonce: str, keep_until: int, released_at: int | None = None) -> bool:
        """Spend a nonce once."""
        key, ends = share_key(share_id), keep_until + GRACE_SECONDS
        keys = (key, spent_key(share_id, nonce), released_key(share_id))
        time_or_not = "" if released_at is None else released_at
        spent = await self._database.write(
            key, "EVAL", _SPEND, len(keys), *keys, ends, time_or_not, MAX_RELEASE_TIMES
        )
        return bool(spent)

    async def releases(self, share_id: str) -> Releases:
        """Look up what is remembered of one share."""
        return read_releases(await self._database.read("HGETALL", released_key(share_id)))

    async def remember_releases(self, share_id: str, releases: Releases) -> None:
        """Take over what is more."""
        key = share_key(share_id)
        given = (releases.count, *releases.times)
        await self._database.write(key, "EVAL", _REMEMBER, 2, key, released_key(share_id), *given)

    async def delete(self, share_id: str) -> bool:
        """Erase a share."""
        key = share_key(share_id)
        erased = await self._database.write(key, "EVAL", _DELETE, 2, key, released_key(share_id))
        return bool(erased)

    async def remove_expired(self, now: int) -> int:  # noqa: ARG002 - Redis goes by its own clock
        """Nothing: Redis erases by itself."""
        return 0

    async def count(self) -> int:
        """Count keys, page by page."""
        return await self._database.count(SHARE_KEYS)

    async def walk(self) -> AsyncIterator[StoredShare]:
        """Page by page, in no order."""
        async for row in self._database.scan_rows(SHARE_KEYS, read_share):
            yield row

    async def replace(self, before: StoredShare, after: StoredShare) -> bool:
        """Put one row in the place of another; its life stays."""
        key = share_key(before.share_id)
        return await self._database.replace(key, share_bytes(before), share_bytes(after))

    async def check(self) -> None:
        """Ask every master."""
        await check_redis(self._database, self._settings, self._clock)

    async def close(self) -> None:
        """Close all connections."""
        await self._database.close()


_: type[ShareStore] = RedisShareStore
