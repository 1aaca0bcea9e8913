# SPDX-License-Identifier: MIT
"""Where shares are kept. A new backend is one file, one settings class and one line in ``_LOADERS``.

Loaders import their backend when they are called, so a node needs only the libraries it uses.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from osak.node.config import MemoryStorageSettings, SQLiteStorageSettings, StorageSettings
from osak.node.storage.base import ShareStore


async def _open_sqlite(settings: SQLiteStorageSettings) -> ShareStore:
    from osak.node.storage.sqlite import SQLiteShareStore  # noqa: PLC0415 - loaded only when chosen

    return await SQLiteShareStore.open(settings.path)


async def _open_memory(_: MemoryStorageSettings) -> ShareStore:
    from osak.node.storage.memory import MemoryShareStore  # noqa: PLC0415 - loaded only when chosen

    return MemoryShareStore()


# Any: each loader takes its own settings class; ``kind`` chooses both.
_LOADERS: Final[dict[str, Callable[[Any], Awaitable[ShareStore]]]] = {
    "sqlite": _open_sqlite,
    "memory": _open_memory,
}


async def open_store(settings: StorageSettings) -> ShareStore:
    """Open the store that the configuration names.

    Raises:
        StorageError: it cannot be opened.
    """
    return await _LOADERS[settings.kind](settings)
