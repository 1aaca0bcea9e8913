# SPDX-License-Identifier: MIT
"""Capsules in memory: for tests and trials, gone when the process ends.

Every method runs without awaiting anything, so each is atomic on its event loop.
"""

from collections.abc import AsyncIterator

from osak.node.errors import StorageError
from osak.node.storage.base import CapsuleStore, StoredCapsule


class MemoryCapsuleStore:
    """A ``CapsuleStore`` of one dictionary."""

    def __init__(self) -> None:
        self._capsules: dict[str, StoredCapsule] = {}
        self._closed = False

    async def add(self, capsule: StoredCapsule) -> None:
        """Keep a capsule until the process ends."""
        self._check_open()
        if capsule.transaction_id in self._capsules:
            raise StorageError("this transaction id is taken")
        self._capsules[capsule.transaction_id] = capsule

    async def get(self, transaction_id: str, now: int) -> StoredCapsule | None:
        """Look a capsule up."""
        self._check_open()
        capsule = self._capsules.get(transaction_id)
        return capsule if capsule is not None and capsule.expires_at > now else None

    async def remove_expired(self, now: int) -> int:
        """Forget what is expired."""
        self._check_open()
        expired = [key for key, capsule in self._capsules.items() if capsule.expires_at <= now]
        for key in expired:
            del self._capsules[key]
        return len(expired)

    async def count(self) -> int:
        """As many as there are."""
        self._check_open()
        return len(self._capsules)

    async def walk(self) -> AsyncIterator[StoredCapsule]:
        """What is there at the beginning."""
        self._check_open()
        for capsule in list(self._capsules.values()):
            yield capsule

    async def replace(self, before: StoredCapsule, after: StoredCapsule) -> bool:
        """Put one row in the place of another."""
        self._check_open()
        if self._capsules.get(before.transaction_id) != before:
            return False
        self._capsules[before.transaction_id] = after
        return True

    async def check(self) -> None:
        """Memory is there until it was closed."""
        self._check_open()

    async def close(self) -> None:
        """Forget everything."""
        self._closed = True
        self._capsules.clear()

    def _check_open(self) -> None:
        if self._closed:
            raise StorageError("the store is closed")


_: type[CapsuleStore] = MemoryCapsuleStore
