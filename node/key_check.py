# SPDX-License-Identifier: MIT
"""Whether the configured keys are those under which the store's rows lie, asked before a port opens.

Every row names its key. Some rows are enough to tell a key file that was mixed up, made anew or forgotten;
without this check such a node would start, store new shares under the wrong key and fail at the old ones. A
row that cannot be read tells nothing about the key: the request for it fails, as before, and no other.
"""

from collections.abc import Collection
from typing import Final

from osak.node.errors import StorageError
from osak.node.key_ring import shown_id
from osak.node.storage.base import Rows, RowT
from osak.shares.errors import ConfigurationError

_ROWS: Final = 1000


async def check_keys(store: Rows[RowT], key_ids: Collection[str]) -> None:
    """Return if the first rows of ``store`` lie under keys of ``key_ids``, or there are none.

    Raises:
        ConfigurationError: one lies under another key; the text names it.
    """
    try:
        number = 0
        async for row in store.walk():
            if row.key_id not in key_ids:
                raise ConfigurationError("sealing", [_problem(key_ids, row.key_id)])
            number += 1
            if number == _ROWS:
                return
    except StorageError:
        return


def _problem(key_ids: Collection[str], found: str) -> str:
    ours = ", ".join(key_ids)
    return (
        f"this node has node key {ours}, but the storage holds rows under node key {shown_id(found)}: "
        "put that key back, under sealing.old if another is in use now, or name another storage"
    )
