# SPDX-License-Identifier: MIT
"""Putting a backup back, in three passes over its file: ``check`` all of it, ``write``, ``verify``.

- Nothing is written before the whole file was found authentic and every seal in it opened, and none of its
  rows differs from one that is stored under the same id. Rows that are there stay as they are.
- A run that was broken off is finished by the next one.
- What is expired stays out, and so does what is known to have been revoked since (``revocations``); if it is
  there all the same, it is erased.
- In the end each row is read from the storage again and compared.

A running node may share the storage meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from osak.node.backup.file import BackupFile
from osak.node.backup.records import KeptShare
from osak.node.errors import BackupError, StorageError
from osak.node.role_stores import RoleStores
from osak.node.row_names import RowNames
from osak.node.seal_check import holds_the_same, in_batches, opens
from osak.node.sealing import Sealer
from osak.node.storage.base import StoredCapsule, StoredRow

_Kept = KeptShare | StoredCapsule


@dataclass(slots=True)
class RestoreReport:
    """What became of the rows of a backup.

    Attributes:
        shares: that the backup holds.
        capsules: that the backup holds.
        expired: left out, since their time is over.
        revoked: left out, since their senders revoked them after the backup.
        restored: written in this run.
        erased: were there, but are revoked.
        there: were there already.
        verified: seen in the storage in the third pass, equal.
        lost: rows that are missing or different there.
    """

    shares: int = 0
    capsules: int = 0
    expired: int = 0
    revoked: int = 0
    restored: int = 0
    erased: int = 0
    there: int = 0
    verified: int = 0
    lost: RowNames = field(default_factory=RowNames)

    def __str__(self) -> str:
        text = (
            f"restored: {self.restored}, there already: {self.there}, expired: {self.expired}, "
            f"revoked since and left out: {self.revoked}, erased: {self.erased}\n"
            f"verified in the storage, seals open: {self.verified}"
        )
        return f"{text}\nmissing or different: {self.lost}" if self.lost else text


class Restoration:
    """One restore; the passes must be called in their order."""

    def __init__(
        self,
        backup: BackupFile,
        stores: RoleStores,
        sealer: Sealer,
        *,
        now: int,
        revoked: frozenset[str],
        progress: Callable[[int], None],
    ) -> None:
        self.report = RestoreReport()
        self._backup = backup
        self._stores = stores
        self._sealer = sealer
        self._now = now
        self._revoked = revoked
        self._progress = progress

    async def check(self) -> None:
        """First pass: is the file whole, and does everything in it fit what is stored?

        Raises:
            BackupError: it is not whole, does not open, or does not fit; nothing was written.
            StorageError: a store failed.
            OSError: the file cannot be read.
        """
        shut, different = RowNames(), RowNames()

        async def check_one(kept: _Kept) -> None:
            row = _row(kept)
            if not opens(self._sealer, row):
                shut.add(row.row_id)
                return
            stored = await self._stores.get(row)
            if stored is not None and not holds_the_same(self._sealer, row, stored):
                different.add(row.row_id)

        await self._for_each(check_one, counts=True)
        if shut:
            raise BackupError(f"rows whose seals do not open with the node's keys: {shut}")
        if different:
            raise BackupError(f"the storage has other rows under the same ids: {different}")

    async def write(self) -> None:
        """Second pass: add what is missing.

        Raises:
            StorageError: a store failed; start again.
            BackupError: a row turned up that differs.
            OSError: the file cannot be read.
        """
        await self._for_each(self._put)

    async def take_back(self, revoked: frozenset[str]) -> None:
        """After the second pass: erase what is revoked.

        By a node that ran meanwhile, that is, or before a run that was broken off had put it back.

        Raises:
            StorageError: a store failed; start again.
        """
        self._revoked |= revoked
        if self._stores.shares is not None:
            for share_id in self._revoked:
                self.report.erased += await self._stores.shares.delete(share_id)

    async def verify(self) -> None:
        """Third pass: is everything there?

        Raises:
            StorageError: a store failed.
            OSError: the file cannot be read.
        """

        async def verify_one(kept: _Kept) -> None:
            row = _row(kept)
            stored = await self._stores.get(row)
            if stored is not None and holds_the_same(self._sealer, row, stored):
                self.report.verified += 1
            else:
                self.report.lost.add(row.row_id)

        await self._for_each(verify_one)

    async def _put(self, kept: _Kept) -> None:
        row = _row(kept)
        try:
            await self._stores.add(row)
        except StorageError:
            stored = await self._stores.get(row)
            if stored is None:
                raise
            if not holds_the_same(self._sealer, row, stored):
                raise BackupError(f"the storage has another row under the id {row.row_id}") from None
            self.report.there += 1
        else:
            self.report.restored += 1
        if isinstance(kept, KeptShare) and kept.releases.count:
            await self._stores.remember_releases(kept.share.share_id, kept.releases)

    async def _for_each(self, work: Callable[[_Kept], Awaitable[None]], *, counts: bool = False) -> None:
        async for batch in in_batches(self._kept(counts=counts)):
            await asyncio.gather(*map(work, batch))
            self._progress(len(batch))

    async def _kept(self, *, counts: bool) -> AsyncIterator[_Kept]:
        """The rows that shall be there; with ``counts`` the report tells of all."""
        for record in self._backup.records():
            if not isinstance(record, KeptShare | StoredCapsule):
                continue
            row = _row(record)
            expired, revoked = row.expires_at <= self._now, row.row_id in self._revoked
            if counts:
                self.report.shares += isinstance(record, KeptShare)
                self.report.capsules += isinstance(record, StoredCapsule)
                self.report.expired += expired
                self.report.revoked += revoked and not expired
            if not expired and not revoked:
                yield record


def _row(kept: _Kept) -> StoredRow:
    return kept.share if isinstance(kept, KeptShare) else kept
