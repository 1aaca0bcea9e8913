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

from osak.node.storage.base import ANY_TIME, Releases, ShareStore, StoredShare
from osak.node.storage.moving_rows import MovingRows, carry_row


async def carry_share(share: StoredShare, old: ShareStore, new: ShareStore) -> bool:
    """Put ``share`` of the old store into the new one; True if it was not there yet and now is.

    Raises:
        StorageError: a store failed; carrying it again does no harm.
    """
    added = await carry_row(share, new)
    if await old.get(share.share_id, ANY_TIME) is None:
        await new.delete(share.share_id)
        return False
    await new.remember_releases(share.share_id, await old.releases(share.share_id))
    return added


class MovingShareStore(MovingRows[StoredShare]):
    """A ``ShareStore`` of two, for the time of a move."""

    _new: ShareStore
    _old: ShareStore

    def __init__(self, new: ShareStore, old: ShareStore) -> None:
        super().__init__(new, old)

    async def spend(self, share_id: str, nonce: str, keep_until: int, released_at: int | None = None) -> bool:
        """Spend a nonce once in both."""
        share = await self._old.get(share_id, ANY_TIME)
        if share is not None:
            await carry_share(share, self._old, self._new)
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


_: type[ShareStore] = MovingShareStore
