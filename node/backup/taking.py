# SPDX-License-Identifier: MIT
"""Taking a backup: every row of a node's stores into one encrypted stream, while the node goes on serving.

What was acknowledged before the beginning and is neither revoked nor expired meanwhile is in it; what comes
later may be. Rows go as they lie there, sealed. One that does not open is named and left out, so that
whatever is in a backup can be put to use again. Memory does not grow with the number of rows.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from osak.node.backup.chunks import ChunkWriter, Header
from osak.node.backup.records import Begin, End, KeptShare, Record, encode_record
from osak.node.role_stores import RoleStores
from osak.node.row_names import RowNames
from osak.node.seal_check import in_batches, opens
from osak.node.sealing import NodeKey, Sealer
from osak.node.storage.base import ShareStore, StoredRow


@dataclass(slots=True)
class BackupReport:
    """What is in a backup, and what is not.

    Attributes:
        damaged: rows that do not open under the node's key; left out.
    """

    shares: int = 0
    capsules: int = 0
    expired: int = 0
    damaged: RowNames = field(default_factory=RowNames)


class Backup:
    """One backup while it is made; ``write`` does it all."""

    def __init__(
        self,
        stores: RoleStores,
        sealer: Sealer,
        begin: Begin,
        progress: Callable[[int], None],
    ) -> None:
        self.report = BackupReport()
        self._stores = stores
        self._sealer = sealer
        self._begin = begin
        self._progress = progress

    async def write(self, stream: BinaryIO, key: NodeKey, salt: bytes) -> None:
        """Write header, rows and end.

        Raises:
            StorageError: a store failed.
            OSError: the stream cannot be written.
        """
        chunks = ChunkWriter(stream, Header(key.key_id, salt), key.backup_key)

        def put(record: Record) -> None:
            chunks.write(encode_record(record))

        put(self._begin)
        if self._stores.shares is not None:
            await self._write_shares(self._stores.shares, put)
        if self._stores.capsules is not None:
            async for capsule in self._stores.capsules.walk():
                if self._belongs(capsule):
                    put(capsule)
                    self.report.capsules += 1
        put(End(self.report.shares, self.report.capsules))
        chunks.finish()

    async def _write_shares(self, store: ShareStore, put: Callable[[Record], None]) -> None:
        async for batch in in_batches(store.walk()):
            kept = [share for share in batch if self._belongs(share)]
            releases = await asyncio.gather(*(store.releases(share.share_id) for share in kept))
            for share, known in zip(kept, releases, strict=True):
                put(KeptShare(share, known))
            self.report.shares += len(kept)

    def _belongs(self, row: StoredRow) -> bool:
        self._progress(1)
        if row.expires_at <= self._begin.time:
            self.report.expired += 1
        elif not opens(self._sealer, row):
            self.report.damaged.add(row.row_id)
        else:
            return True
        return False
