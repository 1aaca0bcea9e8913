# SPDX-License-Identifier: MIT
"""One Redis, as every store of ours uses it: a server, the master behind Sentinels, or a Cluster.

Rules:

- an answer of ``write`` means that Redis has synced it (``durability`` saw to its settings), and that as many
  replicas as ``storage.replicas`` have it;
- nothing is sent twice by itself: a write whose answer was lost is a ``StorageError``, not a guess;
- a Redis that is gone is a ``StorageError`` at once or after ``timeout_seconds``; the next command tries
  anew, so nothing needs a restart;
- no error of redis-py leaves here, and no password stands in an error.

All keys that one command touches share a hash tag, ``{…}``, so a Cluster keeps them together.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from redis.asyncio import Redis, RedisCluster, Sentinel
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from osak.node.errors import StorageError
from osak.node.secret_line import read_secret_line
from osak.node.storage.redis_pipelines import Command, Pipelines
from osak.node.storage.redis_rows import row_id
from osak.node.storage_settings import RedisSettings, RedisTLSSettings

_SCAN_COUNT: Final = 1000
_READ_AT_ONCE: Final = 64

RowT = TypeVar("RowT")

# KEYS: one. ARGV: its value before and after.
_REPLACE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1
"""


class RedisDatabase:
    """An open Redis; make it with ``open``."""

    def __init__(
        self, client: Any, settings: RedisSettings, replicas: int, sentinel: Sentinel | None = None
    ) -> None:
        # Any: Redis and RedisCluster have no common type that knows their commands.
        self._client = client
        self._sentinel = sentinel
        self._timeout_seconds = settings.timeout_seconds
        self._replicas = replicas
        self._connections = asyncio.Semaphore(settings.max_connections)
        self._pipelines = None if isinstance(client, RedisCluster) else Pipelines(client, self._connections)
        self._closed = False

    @classmethod
    def open(cls, settings: RedisSettings, replicas: int = 0) -> "RedisDatabase":
        """Prepare connections; nothing is sent yet.

        Args:
            settings: where it is.
            replicas: how many of them must have a write before it is acknowledged.

        Raises:
            ConfigurationError: a file of the settings is not what it should be.
            OSError: one cannot be read.
        """
        options = _connection_options(settings)
        first = settings.addresses[0]
        if settings.mode == "cluster":
            nodes = [ClusterNode(address.host, address.port) for address in settings.addresses]
            return cls(RedisCluster(startup_nodes=nodes, **options), settings, replicas)
        options |= {"db": settings.database}
        if settings.mode == "sentinel":
            sentinel = Sentinel(  # type: ignore[no-untyped-call]  # redis-py left this one out
                [(address.host, address.port) for address in settings.addresses],
                sentinel_kwargs=_sentinel_options(settings, options),
                **options,
            )
            return cls(sentinel.master_for(settings.master or ""), settings, replicas, sentinel)
        place: dict[str, Any] = {"host": first.host, "port": first.port}
        if first.socket:
            place = {"unix_socket_path": first.socket}
        return cls(Redis(**place, **options), settings, replicas)

    async def read(self, *command: str | bytes | int) -> Any:
        """Send one command that changes nothing.

        Raises:
            StorageError: no answer, or an error.
        """
        return await self._ask(command)

    async def write(self, key: str, *command: str | bytes | int) -> Any:
        """Send one command that changes ``key`` or its companions; return when that is durable.

        Raises:
            StorageError: no answer, an error, or too few replicas: it may or may not have been done.
        """
        if not self._replicas:
            return await self._ask(command)
        async with self._use():
            return await self._write_to_replicas(key, command)

    async def replace(self, key: str, before: bytes, after: bytes) -> bool:
        """Put another value in a key's place, if it still has this one; return when that is durable.

        Raises:
            StorageError: no answer, an error, or too few replicas: it may or may not have been done.
        """
        return bool(await self.write(key, "EVAL", _REPLACE, 1, key, before, after))

    async def ask_masters(self, *command: str) -> list[Any]:
        """The answers of all masters to one command; of a server or behind Sentinels there is one.

        Raises:
            StorageError: one does not answer, or answers with an error.
        """
        async with self._use():
            if not isinstance(self._client, RedisCluster):
                return [await self._client.execute_command(*command)]
            _ = await self._client.initialize()
            nodes = self._client.get_primaries()
            return list(await asyncio.gather(*(node.execute_command(*command) for node in nodes)))

    async def scan(self, pattern: str) -> AsyncIterator[list[bytes]]:
        """All keys of strings that fit ``pattern``, in pages; one may come twice.

        Raises:
            StorageError: the server does not answer.
        """
        async with self._use():
            masters: list[Any] = [self._client]
            if isinstance(self._client, RedisCluster):
                _ = await self._client.initialize()
                masters = list(self._client.get_primaries())
        for master in masters:
            cursor: int | bytes = 0
            while True:
                async with self._use():
                    cursor, keys = await master.execute_command(
                        "SCAN", cursor, "MATCH", pattern, "COUNT", _SCAN_COUNT, "TYPE", "string"
                    )
                if keys:
                    yield keys
                if int(cursor) == 0:
                    break

    async def count(self, pattern: str) -> int:
        """How many keys fit ``pattern``; rests four times as long as each page took: others come first.

        Raises:
            StorageError: the server does not answer.
        """
        count, began = 0, time.monotonic()
        async for keys in self.scan(pattern):
            count += len(keys)
            await asyncio.sleep(4 * (time.monotonic() - began))
            began = time.monotonic()
        return count

    async def scan_rows(self, pattern: str, read: Callable[[str, bytes], RowT]) -> AsyncIterator[RowT]:
        """What ``read`` makes of id and value of each row that fits ``pattern``; one may come twice.

        Raises:
            StorageError: the server does not answer, or some are no rows: all others came before.
        """
        unreadable: list[StorageError] = []
        async for keys in self.scan(pattern):
            # Not all at once: whoever asks for one row waits behind them.
            for start in range(0, len(keys), _READ_AT_ONCE):
                some = keys[start : start + _READ_AT_ONCE]
                values = await asyncio.gather(*(self.read("GET", key) for key in some))
                for key, value in zip(some, values, strict=True):
                    if value is None:  # deleted between the two
                        continue
                    try:
                        row = read(row_id(key), value)
                    except StorageError as error:
                        unreadable.append(error)
                    else:
                        yield row
        if unreadable:
            raise StorageError(f"{len(unreadable)} rows cannot be read: {unreadable[0]}") from unreadable[0]

    async def close(self) -> None:
        """Close all connections; safe to call twice."""
        self._closed = True
        with suppress(RedisError, OSError):  # going away is all we want
            await self._client.aclose()
            if isinstance(self._client, RedisCluster):
                # A Cluster client that never learned its slots thinks there is nothing to close.
                for known in ("nodes_cache", "startup_nodes"):
                    await self._client.nodes_manager.aclose(known)
            for sentinel in self._sentinel.sentinels if self._sentinel else ():
                await sentinel.aclose()

    async def _ask(self, command: Command) -> Any:
        """Send one command; those of a Cluster go to several servers, so each goes alone."""
        if self._pipelines is None:
            async with self._use():
                return await self._client.execute_command(*command)
        self._require_open()
        with _translated():
            return await self._pipelines.ask(command)

    def _require_open(self) -> None:
        if self._closed:
            raise StorageError("the store is closed")

    @asynccontextmanager
    async def _use(self) -> AsyncIterator[None]:
        """A connection of one's own."""
        self._require_open()
        with _translated():
            async with self._connections:
                yield

    async def _write_to_replicas(self, key: str, command: Command) -> Any:
        """The command and WAIT on one connection: WAIT speaks of what that connection wrote."""
        wanted = self._replicas
        milliseconds = int(self._timeout_seconds * 500)
        if isinstance(self._client, RedisCluster):
            _ = await self._client.initialize()
            target: dict[str, Any] = {"target_nodes": [self._client.get_node_from_key(key)]}
            # No redirection: WAIT would then speak of a server that did not get the write.
            execution: dict[str, Any] = {"allow_redirections": False}
            pipeline: Any = self._client.pipeline()
        else:
            target, execution = {}, {}
            pipeline = self._client.pipeline(transaction=False)
        pipeline.execute_command(*command, **target)
        pipeline.execute_command("WAIT", wanted, milliseconds, **target)
        try:
            # Not raised by redis-py: its text would quote the command, and with it ids and rows.
            result, reached = await pipeline.execute(raise_on_error=False, **execution)
            for answer in (result, reached):
                if isinstance(answer, Exception):
                    raise answer
        except RedisError:
            if isinstance(self._client, RedisCluster):
                await self._client.aclose()  # learn anew who has the key; the next command connects again
            raise
        if reached < wanted:
            raise StorageError(f"only {reached} of {wanted} replicas (storage.replicas) have the write")
        return result


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError, asyncio.IncompleteReadError) as error:
        raise StorageError(f"Redis failed: {type(error).__name__}: {error}") from error


def _connection_options(settings: RedisSettings) -> dict[str, Any]:
    options: dict[str, Any] = {
        "protocol": 2,
        "username": settings.username,
        "password": _read_password(settings.password_file),
        "socket_timeout": settings.timeout_seconds,
        "socket_connect_timeout": settings.timeout_seconds,
        "socket_keepalive": True,
        "max_connections": settings.max_connections,
        # No attempt more: whoever asked hears of it and decides.
        "retry": Retry(NoBackoff(), 0),
    }
    if settings.tls is not None:
        options |= _tls_options(settings.tls)
    return options


def _sentinel_options(settings: RedisSettings, options: dict[str, Any]) -> dict[str, Any]:
    """As to the master, but with the Sentinels' own user and password, and no database."""
    return {name: value for name, value in options.items() if name != "db"} | {
        "username": settings.sentinel_username,
        "password": _read_password(settings.sentinel_password_file),
    }


def _tls_options(settings: RedisTLSSettings) -> dict[str, Any]:
    files = {
        "ssl_ca_certs": settings.ca_file,
        "ssl_certfile": settings.certificate_file,
        "ssl_keyfile": settings.key_file,
    }
    return {
        "ssl": True,
        "ssl_check_hostname": True,
        "ssl_min_version": ssl.TLSVersion.TLSv1_2,
        **{name: str(path) for name, path in files.items() if path is not None},
    }


def _read_password(path: Path | None) -> str | None:
    return None if path is None else read_secret_line(path, "password")
