# SPDX-License-Identifier: MIT
"""Rows on their way from an old store to a new one, while the node serves both (docs/adr/0015).

New rows go to the new store; old ones are found in either. This is all that capsules need: nobody deletes one
and nothing is spent on one, so whoever carries it only adds it where it is missing. Shares need more, see
``moving_shares``.
"""

from collections.abc import AsyncIterator
from typing import Generic

from osak.node.errors import StorageError
from osak.node.storage.base import ANY_TIME, CapsuleStore, Rows, RowT, StoredCapsule


async def carry_row(row: RowT, new: Rows[RowT]) -> bool:
    """Put ``row`` into the new store; True if it was not there yet and now is.

    Raises:
        StorageError: the store failed; carrying it again does no harm.
    """
    if await new.get(row.row_id, ANY_TIME) is not None:
        return False
    try:
        await new.add(row)
    except StorageError:
        if await new.get(row.row_id, ANY_TIME) is None:
            raise
        return False  # somebody else carried it at the same time
    return True


class MovingRows(Generic[RowT]):
    """Two stores as one, for the time of a move."""

    def __init__(self, new: Rows[RowT], old: Rows[RowT]) -> None:
        self._new: Rows[RowT] = new
        self._old: Rows[RowT] = old

    async def add(self, row: RowT) -> None:
        """Keep a row in the new store."""
        if await self._old.get(row.row_id, ANY_TIME) is not None:
            raise StorageError("this id is taken")
        await self._new.add(row)

    async def get(self, row_id: str, now: int) -> RowT | None:
        """Look a row up in the new store, then in the old one."""
        return await self._new.get(row_id, now) or await self._old.get(row_id, now)

    async def remove_expired(self, now: int) -> int:
        """Erase from both; a row that lies in both counts twice."""
        return await self._new.remove_expired(now) + await self._old.remove_expired(now)

    async def count(self) -> int:
        """In both; what lies in both counts twice."""
        return await self._new.count() + await self._old.count()

    async def walk(self) -> AsyncIterator[RowT]:
        """Every row of both; what lies in both comes twice."""
        for store in (self._new, self._old):
            async for row in store.walk():
                yield row

    async def replace(self, before: RowT, after: RowT) -> bool:
        """In the new store alone: what lies in the old one is compared with what arrives, so it stays."""
        return await self._new.replace(before, after)

    async def check(self) -> None:
        """Both must be well."""
        await self._new.check()
        await self._old.check()

    async def close(self) -> None:
        """Close both."""
        await self._new.close()
        await self._old.close()


_: type[CapsuleStore] = MovingRows[StoredCapsule]
