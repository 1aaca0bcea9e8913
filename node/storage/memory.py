# SPDX-License-Identifier: MIT
"""Shares in memory: for tests and trials, gone when the process ends.

Every method runs without awaiting anything, so each is atomic on its event loop.
"""

from collections.abc import AsyncIterator

from osak.node.errors import StorageError
from osak.node.storage.base import Releases, ShareStore, StoredShare


class MemoryShareStore:
    """A ``ShareStore`` of dictionaries."""

    def __init__(self) -> None:
        self._shares: dict[str, StoredShare] = {}
        self._spent: dict[tuple[str, str], int] = {}
        self._releases: dict[str, Releases] = {}
        self._closed = False

    async def add(self, share: StoredShare) -> None:
        """Keep a share until the process ends."""
        self._check_open()
        if share.share_id in self._shares:
            raise StorageError("this share id is taken")
        self._shares[share.share_id] = share

    async def get(self, share_id: str, now: int) -> StoredShare | None:
        """Look a share up."""
        self._check_open()
        share = self._shares.get(share_id)
        return share if share is not None and share.expires_at > now else None

    async def spend(self, share_id: str, nonce: str, keep_until: int, released_at: int | None = None) -> bool:
        """Spend a nonce once."""
        self._check_open()
        if share_id not in self._shares or (share_id, nonce) in self._spent:
            return False
        self._spent[share_id, nonce] = keep_until
        if released_at is not None:
            self._releases[share_id] = self._releases.get(share_id, Releases()).and_at(released_at)
        return True

    async def releases(self, share_id: str) -> Releases:
        """What is remembered of one share."""
        self._check_open()
        return self._releases.get(share_id, Releases())

    async def remember_releases(self, share_id: str, releases: Releases) -> None:
        """Take over what is more."""
        self._check_open()
        if share_id in self._shares and releases.count > self._releases.get(share_id, Releases()).count:
            self._releases[share_id] = releases

    async def delete(self, share_id: str) -> bool:
        """Forget a share."""
        self._check_open()
        self._releases.pop(share_id, None)
        return self._shares.pop(share_id, None) is not None

    async def remove_expired(self, now: int) -> int:
        """Forget what is expired."""
        self._check_open()
        expired = [share_id for share_id, share in self._shares.items() if share.expires_at <= now]
        for share_id in expired:
            del self._shares[share_id]
            self._releases.pop(share_id, None)
        self._spent = {key: keep_until for key, keep_until in self._spent.items() if keep_until > now}
        return len(expired)

    async def count(self) -> int:
        """As many as there are."""
        self._check_open()
        return len(self._shares)

    async def walk(self) -> AsyncIterator[StoredShare]:
        """What is there at the beginning."""
        self._check_open()
        for share in list(self._shares.values()):
            yield share

    async def replace(self, before: StoredShare, after: StoredShare) -> bool:
        """Put one row in the place of another."""
        self._check_open()
        if self._shares.get(before.share_id) != before:
            return False
        self._shares[before.share_id] = after
        return True

    async def check(self) -> None:
        """Memory is there until it was closed."""
        self._check_open()

    async def close(self) -> None:
        """Forget everything."""
        self._closed = True
        self._shares.clear()
        self._spent.clear()
        self._releases.clear()

    def _check_open(self) -> None:
        if self._closed:
            raise StorageError("the store is closed")


_: type[ShareStore] = MemoryShareStore
