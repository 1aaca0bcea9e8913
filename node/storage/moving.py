# SPDX-License-Identifier: MIT
"""Shares on their way from an old store to a new one, while the node serves both (docs/adr/0015).

New shares go to the new store; old ones are found in either. ``osak node migrate`` carries the rest over,
also from another process, also twice. No lock is needed, because of the order of steps:

- whoever carries a share adds it to the new store and *then* looks whether the old one still has it; if not,
  it was deleted meanwhile, and goes from the new one too;
- whoever deletes does so in the old store first, then in the new one: whoever comes last, it is gone in both;
- a nonce is spent in the old store first, as long as the share is there: processes that know only the old one
  cannot release with the same ticket again.
"""

from collections.abc import AsyncIterator

from osak.node.errors import StorageError
from osak.node.storage.base import ANY_TIME, Releases, ShareStore, StoredShare


async def carry(share: StoredShare, old: ShareStore, new: ShareStore) -> bool:
    """Put ``share`` of the old store into the new one; True if it was not there yet and now is.

    Raises:
        StorageError: a store failed; carrying it again does no harm.
    """
    added = await new.get(share.share_id, ANY_TIME) is None
    if added:
        try:
            await new.add(share)
        except StorageError:
            if await new.get(share.share_id, ANY_TIME) is None:
                raise
            added = False  # somebody else carried it at the same time
    if await old.get(share.share_id, ANY_TIME) is None:
        await new.delete(share.share_id)
        return False
    await new.remember_releases(share.share_id, await old.releases(share.share_id))
    return added


class MovingShareStore:
    """A ``ShareStore`` of two, for the time of a move."""

    def __init__(self, new: ShareStore, old: ShareStore) -> None:
        self._new = new
        self._old = old

    async def add(self, share: StoredShare) -> None:
        """Keep a share in the new store."""
        if await self._old.get(share.share_id, ANY_TIME) is not None:
            raise StorageError("this share id is taken")
        await self._new.add(share)

    async def get(self, share_id: str, now: int) -> StoredShare | None:
        """Look a share up in the new store, then in the old one."""
        return await self._new.get(share_id, now) or await self._old.get(share_id, now)

    async def spend(self, share_id: str, nonce: str, keep_until: int, released_at: int | None = None) -> bool:
        """Spend a nonce once in both."""
        share = await self._old.get(share_id, ANY_TIME)
        if share is not None:
            await carry(share, self._old, self._new)
            if not await self._old.spend(share_id, nonce, keep_until, released_at):
                return False
        return await self._new.spend(share_id, nonce, keep_until, released_at)

    async def releases(self, share_id: str) -> Releases:
        """What the one of both that knows more remembers."""
        both = [await store.releases(share_id) for store in (self._new, self._old)]
        return max(both, key=lambda releases: releases.count)

    async def remember_releases(self, share_id: str, releases: Releases) -> None:
        """Take over what is more."""
        await self._new.remember_releases(share_id, releases)

    async def delete(self, share_id: str) -> bool:
        """Erase a share from the old store, then from the new one."""
        was_in_old = await self._old.delete(share_id)
        return await self._new.delete(share_id) or was_in_old

    async def remove_expired(self, now: int) -> int:
        """Erase from both; a share that lies in both counts twice."""
        return await self._new.remove_expired(now) + await self._old.remove_expired(now)

    async def count(self) -> int:
        """In both; what lies in both counts twice."""
        return await self._new.count() + await self._old.count()

    async def walk(self) -> AsyncIterator[StoredShare]:
        """Every share of both; what lies in both comes twice."""
        for store in (self._new, self._old):
            async for share in store.walk():
                yield share

    async def replace(self, before: StoredShare, after: StoredShare) -> bool:
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


_: type[ShareStore] = MovingShareStore
