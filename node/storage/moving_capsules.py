# SPDX-License-Identifier: MIT
"""Capsules on their way from an old store to a new one, while the node serves both (docs/adr/0015).

New capsules go to the new store; old ones are found in either. Nobody deletes a capsule and nothing is spent
on one, so whoever carries it only adds it where it is missing.
"""

from collections.abc import AsyncIterator

from osak.node.errors import StorageError
from osak.node.storage.base import ANY_TIME, CapsuleStore, StoredCapsule


async def carry_capsule(capsule: StoredCapsule, new: CapsuleStore) -> bool:
    """Put ``capsule`` into the new store; True if it was not there yet and now is.

    Raises:
        StorageError: the store failed; carrying it again does no harm.
    """
    if await new.get(capsule.transaction_id, ANY_TIME) is not None:
        return False
    try:
        await new.add(capsule)
    except StorageError:
        if await new.get(capsule.transaction_id, ANY_TIME) is None:
            raise
        return False  # somebody else carried it at the same time
    return True


class MovingCapsuleStore:
    """A ``CapsuleStore`` of two, for the time of a move."""

    def __init__(self, new: CapsuleStore, old: CapsuleStore) -> None:
        self._new = new
        self._old = old

    async def add(self, capsule: StoredCapsule) -> None:
        """Keep a capsule in the new store."""
        if await self._old.get(capsule.transaction_id, ANY_TIME) is not None:
            raise StorageError("this transaction id is taken")
        await self._new.add(capsule)

    async def get(self, transaction_id: str, now: int) -> StoredCapsule | None:
        """Look a capsule up in the new store, then in the old one."""
        return await self._new.get(transaction_id, now) or await self._old.get(transaction_id, now)

    async def remove_expired(self, now: int) -> int:
        """Erase from both; a capsule that lies in both counts twice."""
        return await self._new.remove_expired(now) + await self._old.remove_expired(now)

    async def count(self) -> int:
        """In both; what lies in both counts twice."""
        return await self._new.count() + await self._old.count()

    async def walk(self) -> AsyncIterator[StoredCapsule]:
        """Every capsule of both; what lies in both comes twice."""
        for store in (self._new, self._old):
            async for capsule in store.walk():
                yield capsule

    async def replace(self, before: StoredCapsule, after: StoredCapsule) -> bool:
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


_: type[CapsuleStore] = MovingCapsuleStore
