# SPDX-License-Identifier: MIT
"""``RateCounter`` in a Redis, so that all processes of a node count together.

One script reads the bucket and takes the token, whole or not at all; Redis's own clock counts, so clocks
of the processes do not matter. Keys are keyed hashes under the node's key: who reads the Redis learns neither
addresses nor people. A bucket that is full again is forgotten by Redis.

When Redis cannot be reached each process counts for itself, and says so once: who attacks the counter must
not be able to stop the node, nor to come unlimited. A Redis that hangs is as bad as one that is gone: while a
process counts for itself, one request in five seconds tries Redis, and no other waits for it.
"""

import hashlib
import time
from collections.abc import Callable
from typing import Final

import structlog

from osak.node.errors import StorageError
from osak.node.limits.counter import MemoryCounter, RateCounter
from osak.node.rate_settings import Rate
from osak.node.storage.redis_database import RedisDatabase
from osak.node.storage_settings import RedisSettings

# The generic cell rate algorithm, as in ``MemoryCounter``. KEYS[1]: the bucket. ARGV: seconds for one token,
# seconds until an empty bucket is full. Answers 0, or how many seconds to wait. A bucket that is emptier than
# empty was written before the clock was set back, and would keep its client out until that time comes again.
_TAKE: Final = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local full_at = tonumber(redis.call('GET', KEYS[1]) or now)
if full_at < now or full_at > now + ARGV[2] * 1.001 then full_at = now end
full_at = full_at + ARGV[1]
local wait = full_at - now - ARGV[2]
if wait > ARGV[2] * 0.000001 then return tostring(wait) end
redis.call('SET', KEYS[1], string.format('%.6f', full_at), 'PX', math.ceil((full_at - now) * 1000))
return '0'
"""


_AGAIN_SECONDS: Final = 5.0


class RedisCounter:
    """Buckets in a Redis."""

    def __init__(
        self,
        database: RedisDatabase,
        key: bytes,
        log: structlog.typing.FilteringBoundLogger,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._key = key
        self._log = log
        self._clock = clock
        self._alone = MemoryCounter(clock)
        self._is_alone = False
        self._next_try = 0.0

    @classmethod
    def open(
        cls,
        settings: RedisSettings,
        key: bytes,
        log: structlog.typing.FilteringBoundLogger,
        clock: Callable[[], float] = time.monotonic,
    ) -> "RedisCounter":
        """Prepare connections; nothing is sent yet.

        Args:
            settings: where it is.
            key: 32 bytes under which names are hashed.
            log: is told when Redis is gone, and when it is back.
            clock: by which a process counts alone; Redis has its own.

        Raises:
            ConfigurationError: a file of the settings is not what it should be.
            OSError: one cannot be read.
        """
        return cls(RedisDatabase.open(settings), key, log, clock)

    @property
    def is_alone(self) -> bool:
        """Whether this process counts for itself now."""
        return self._is_alone

    async def take(self, key: str, rate: Rate) -> float:
        """Take one token; see ``RateCounter``."""
        if self._is_alone:
            if self._clock() < self._next_try:
                return await self._alone.take(key, rate)
            self._next_try = self._clock() + _AGAIN_SECONDS
        name = hashlib.blake2b(key.encode(), digest_size=16, key=self._key).hexdigest()
        interval = f"{rate.seconds / rate.count:.9f}"
        try:
            answer = await self._database.read(
                "EVAL", _TAKE, 1, f"osak:rate:{{{name}}}", interval, rate.seconds
            )
        except StorageError as error:
            if not self._is_alone:
                self._log.warning("counting alone", reason=str(error))
            self._is_alone = True
            self._next_try = self._clock() + _AGAIN_SECONDS
            return await self._alone.take(key, rate)
        if self._is_alone:
            self._log.info("counting together")
        self._is_alone = False
        return float(answer)

    async def close(self) -> None:
        """Close all connections."""
        await self._database.close()


_: type[RateCounter] = RedisCounter
