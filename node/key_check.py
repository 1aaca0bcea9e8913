# SPDX-License-Identifier: MIT
"""Whether the configured node key is the one under which the store's shares lie, asked before a port opens.

Every row names its key. One row is enough to tell a key file that was mixed up or made anew; without
this check such a node would start, store new shares under the wrong key and fail at every old one. A row that
cannot be read tells nothing about the key: the request for it fails, as before, and no other.
"""

from osak.node.errors import StorageError
from osak.node.storage.base import ShareStore
from osak.shares.errors import ConfigurationError


async def check_key(store: ShareStore, key_id: str) -> None:
    """Return if the first share of ``store`` lies under the key ``key_id``, or there is none.

    Raises:
        ConfigurationError: it lies under another key; the text names both.
    """
    try:
        share = await anext(aiter(store.walk()), None)
    except StorageError:
        return
    if share is not None and share.key_id != key_id:
        problem = (
            f"this is node key {key_id}, but the storage holds shares under node key {share.key_id}: "
            "put that key back, or name another storage"
        )
        raise ConfigurationError("sealing.key_file", [problem])
