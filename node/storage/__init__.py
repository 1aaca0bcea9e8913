# SPDX-License-Identifier: MIT
"""Where shares and capsules are kept. A new backend is a file a kind, one settings class and its lines here.

Loaders import their backend when they are called, so a node needs only the libraries it uses.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from osak.node.storage.base import CapsuleStore, ShareStore
from osak.node.storage.moving_rows import MovingRows
from osak.node.storage.moving_shares import MovingShareStore
from osak.node.storage_settings import (
    MemoryStorageSettings,
    RedisStorageSettings,
    SQLiteStorageSettings,
    StorageSettings,
)


async def _open_sqlite(settings: SQLiteStorageSettings) -> ShareStore:
    from osak.node.storage.sqlite import SQLiteShareStore  # noqa: PLC0415 - loaded only when chosen

    return await SQLiteShareStore.open(settings.path)


async def _open_memory(_: MemoryStorageSettings) -> ShareStore:
    from osak.node.storage.memory import MemoryShareStore  # noqa: PLC0415 - loaded only when chosen

    return MemoryShareStore()


async def _open_redis(settings: RedisStorageSettings) -> ShareStore:
    from osak.node.storage.redis import RedisShareStore  # noqa: PLC0415 - loaded only when chosen

    return await RedisShareStore.open(settings)


async def _open_sqlite_capsules(settings: SQLiteStorageSettings) -> CapsuleStore:
    from osak.node.storage.sqlite_capsules import SQLiteCapsuleStore  # noqa: PLC0415 - loaded only when chosen

    return await SQLiteCapsuleStore.open(settings.path)


async def _open_memory_capsules(_: MemoryStorageSettings) -> CapsuleStore:
    from osak.node.storage.memory_capsules import MemoryCapsuleStore  # noqa: PLC0415 - loaded only when chosen

    return MemoryCapsuleStore()


async def _open_redis_capsules(settings: RedisStorageSettings) -> CapsuleStore:
    from osak.node.storage.redis_capsules import RedisCapsuleStore  # noqa: PLC0415 - loaded only when chosen

    return await RedisCapsuleStore.open(settings)


# Any: each loader takes its own settings class; ``kind`` chooses both.
_LOADERS: Final[dict[str, Callable[[Any], Awaitable[ShareStore]]]] = {
    "sqlite": _open_sqlite,
    "memory": _open_memory,
    "redis": _open_redis,
}
_CAPSULE_LOADERS: Final[dict[str, Callable[[Any], Awaitable[CapsuleStore]]]] = {
    "sqlite": _open_sqlite_capsules,
    "memory": _open_memory_capsules,
    "redis": _open_redis_capsules,
}


async def open_store(settings: StorageSettings, moving_from: StorageSettings | None = None) -> ShareStore:
    """Open the store of shares that the configuration names, and the one it moves away from, if any.

    Raises:
        StorageError: it cannot be opened, or could lose what it acknowledges.
        ConfigurationError: a file of its settings is not what it should be.
        OSError: one cannot be read.
    """
    store = await _LOADERS[settings.kind](settings)
    if moving_from is None:
        return store
    try:
        return MovingShareStore(store, await open_store(moving_from))
    except BaseException:
        await store.close()
        raise


async def open_capsule_store(
    settings: StorageSettings, moving_from: StorageSettings | None = None
) -> CapsuleStore:
    """Open the store of capsules that the configuration names, and the one it moves away from, if any.

    Raises:
        StorageError: it cannot be opened, or could lose what it acknowledges.
        ConfigurationError: a file of its settings is not what it should be.
        OSError: one cannot be read.
    """
    store = await _CAPSULE_LOADERS[settings.kind](settings)
    if moving_from is None:
        return store
    try:
        return MovingRows(store, await open_capsule_store(moving_from))
    except BaseException:
        await store.close()
        raise
