# SPDX-License-Identifier: MIT
"""``osak node migrate``: every share of one node's storage into another's, and proof that all arrived.

Two passes over the old store. The first carries what is missing, each share only if its seal opens under the
node's key. The second looks every share up in the new store and compares it. Nothing is taken out of the old
store, so stopping in the middle loses nothing, and starting again goes on where it was. The node may run
meanwhile, with ``moving_from`` in its configuration (``storage.moving``).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from osak.node.config import NodeConfig
from osak.node.errors import SealingError
from osak.node.key_ring import NodeKeyRing, read_ring
from osak.node.sealing import Sealer
from osak.node.storage import open_store
from osak.node.storage.base import ANY_TIME, ShareStore, StoredShare
from osak.node.storage.moving import carry
from osak.shares.errors import ConfigurationError

_AT_ONCE = 64
_SHOWN = 10


@dataclass(slots=True)
class MigrationReport:
    """What happened to the shares of the old store.

    Attributes:
        carried: were missing in the new store, and are there now.
        there: were there already.
        expired: past their end; left behind.
        verified: seen in the new store, equal, in the second pass.
        damaged: ids of shares whose seal does not open; left behind.
        different: ids of shares that are other or missing in the new store.
    """

    carried: int = 0
    there: int = 0
    expired: int = 0
    verified: int = 0
    damaged: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether every share that is not expired arrived."""
        return not self.damaged and not self.different

    def __str__(self) -> str:
        lines = [
            f"carried over: {self.carried}, there already: {self.there}, expired: {self.expired}",
            f"verified in the new storage: {self.verified}",
        ]
        for word, ids in (("damaged", self.damaged), ("missing or different", self.different)):
            if ids:
                more = "" if len(ids) <= _SHOWN else " …"
                lines.append(f"{word}: {len(ids)}: {', '.join(ids[:_SHOWN])}{more}")
        return "\n".join(lines)


async def migrate(source: NodeConfig, target: NodeConfig) -> MigrationReport:
    """Carry all shares over and verify them.

    Raises:
        ConfigurationError: the two are not one node's configurations.
        StorageError: a store failed; start again.
        OSError: a file cannot be read.
    """
    rings = [read_ring(config.sealing) for config in (source, target)]
    _check(source, target, rings)
    old = await open_store(source.storage)
    try:
        new = await open_store(target.storage)
        try:
            return await carry_all(old, new, rings[0].sealer(_no_randomness), int(time.time()))
        finally:
            await new.close()
    finally:
        await old.close()


def _check(source: NodeConfig, target: NodeConfig, rings: list[NodeKeyRing]) -> None:
    problems = []
    if source.storage == target.storage:
        problems.append("both name the same storage")
    if source.storage.kind == "memory" or target.storage.kind == "memory":
        problems.append("memory belongs to one process: nothing can be moved from or to it")
    if not set(rings[0].key_ids) <= set(rings[1].key_ids):
        problems.append("they have different node keys: what one sealed the other cannot open")
    if "capsules" in source.roles:
        problems.append("a node that keeps capsules cannot be moved yet")
    if problems:
        raise ConfigurationError("osak node migrate", problems)


async def carry_all(old: ShareStore, new: ShareStore, sealer: Sealer, now: int) -> MigrationReport:
    """Both passes between open stores."""
    report = MigrationReport()

    async def carry_one(share: StoredShare) -> None:
        if share.expires_at <= now:
            report.expired += 1
        elif not _opens(sealer, share):
            report.damaged.append(share.share_id)
        elif await carry(share, old, new):
            report.carried += 1
        else:
            report.there += 1

    async def verify_one(share: StoredShare) -> None:
        if share.expires_at <= now or not _opens(sealer, share):
            return
        if await new.get(share.share_id, ANY_TIME) == share:
            report.verified += 1
        elif await old.get(share.share_id, ANY_TIME) is not None:  # else it was deleted meanwhile
            report.different.append(share.share_id)

    await _for_each(old.walk(), carry_one)
    await _for_each(old.walk(), verify_one)
    return report


async def _for_each(
    shares: AsyncIterator[StoredShare], work: Callable[[StoredShare], Awaitable[None]]
) -> None:
    """Do ``work`` on all of them, some at once."""
    batch: list[StoredShare] = []
    async for share in shares:
        batch.append(share)
        if len(batch) == _AT_ONCE:
            await asyncio.gather(*map(work, batch))
            batch.clear()
    await asyncio.gather(*map(work, batch))


def _opens(sealer: Sealer, share: StoredShare) -> bool:
    try:
        sealer.open(share.sealed, share.share_id, share.recipient_tag, share.key_id)
    except SealingError:
        return False
    return True


def _no_randomness(_: int) -> bytes:
    raise AssertionError("moving seals nothing anew")
