# SPDX-License-Identifier: MIT
"""Whether stored rows open under the node's key, and whether two rows hold the same whatever their seals.

Going over all rows in batches is here too: nobody who checks or copies a whole store may hold all of it.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final, TypeVar

from osak.node.errors import SealingError
from osak.node.sealing import Sealer
from osak.node.storage.base import StoredRow

AT_ONCE: Final = 128

ItemT = TypeVar("ItemT")


def opens(sealer: Sealer, row: StoredRow) -> bool:
    """Whether the row's seal opens."""
    return _content(sealer, row) is not None


def holds_the_same(sealer: Sealer, row: StoredRow, other: StoredRow) -> bool:
    """Whether both are the same, but perhaps sealed at other times or under another key of the node."""
    if row == other:
        return True
    if _without_seal(row) != _without_seal(other):
        return False
    content = _content(sealer, row)
    return content is not None and content == _content(sealer, other)


def refuse_to_seal(_: int) -> bytes:
    """For a ``Sealer`` that is there to open: it gets no randomness to seal with."""
    raise AssertionError("copying seals nothing anew")


async def in_batches(items: AsyncIterator[ItemT], size: int = AT_ONCE) -> AsyncIterator[list[ItemT]]:
    """All of them, some at once."""
    batch: list[ItemT] = []
    async for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _content(sealer: Sealer, row: StoredRow) -> bytes | None:
    try:
        return sealer.open(row.sealed, row.row_id, row.recipient_tag, row.key_id)
    except SealingError:
        return None


def _without_seal(row: StoredRow) -> StoredRow:
    return replace(row, key_id="", sealed=b"")
