# SPDX-License-Identifier: MIT
"""``osak node migrate``: shares and capsules of one node's storage into another's, and proof that it arrived.

Two passes over the old storage. The first carries what is missing, each row only if its seal opens under the
node's keys. The second looks every row up in the new storage and compares what both hold, whatever their
seals: one may have been sealed anew meanwhile. Nothing is taken out of the old one, so stopping in the middle
loses nothing, and starting again goes on where it was. The node may run meanwhile, with ``moving_from`` in
its configuration (``storage.moving_rows``).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from osak.node.audit.acts import Acts
from osak.node.audit.keys import AuditKeys
from osak.node.audit.record import Event
from osak.node.config import NodeConfig
from osak.node.key_ring import NodeKeyRing, read_ring
from osak.node.role_stores import RoleStores, open_role_stores
from osak.node.row_names import RowNames
from osak.node.seal_check import holds_the_same, in_batches, opens, refuse_to_seal
from osak.node.sealing import Sealer
from osak.node.storage.base import StoredCapsule, StoredRow, StoredShare
from osak.node.storage.moving_rows import carry_row
from osak.node.storage.moving_shares import carry_share
from osak.shares.errors import ConfigurationError


@dataclass(slots=True)
class MigrationReport:
    """What happened to the rows of the old storage.

    Attributes:
        carried: were missing in the new storage, and are there now.
        there: were there already.
        expired: past their end; left behind.
        verified_shares: seen in the new storage, holding the same, in the second pass.
        verified_capsules: the same of capsules.
        damaged: rows whose seal does not open; left behind.
        different: rows that are other or missing in the new storage.
    """

    carried: int = 0
    there: int = 0
    expired: int = 0
    verified_shares: int = 0
    verified_capsules: int = 0
    damaged: RowNames = field(default_factory=RowNames)
    different: RowNames = field(default_factory=RowNames)

    @property
    def verified(self) -> int:
        """Of both kinds."""
        return self.verified_shares + self.verified_capsules

    @property
    def whole(self) -> bool:
        """Whether every row that is not expired arrived."""
        return not self.damaged and not self.different

    def __str__(self) -> str:
        lines = [
            f"carried over: {self.carried}, there already: {self.there}, expired: {self.expired}",
            f"verified in the new storage: {_counts(self.verified_shares, self.verified_capsules)}",
        ]
        for word, names in (("damaged", self.damaged), ("missing or different", self.different)):
            if names:
                lines.append(f"{word}: {names}")
        return "\n".join(lines)


def _counts(shares: int, capsules: int) -> str:
    return f"shares: {shares}, capsules: {capsules}"


async def migrate(source: NodeConfig, target: NodeConfig) -> MigrationReport:
    """Carry everything over and verify it.

    Raises:
        ConfigurationError: the two are not one node's configurations.
        StorageError: a store failed, or the act cannot be noted in the audit log; start again.
        OSError: a file cannot be read.
    """
    rings = [read_ring(config.sealing) for config in (source, target)]
    _check(source, target, rings)
    # Only what the YAML with the old storage names under ``storage`` is carried, wherever that came from.
    only_old = source.model_copy(update={"moving_from": None})
    only_new = target.model_copy(update={"moving_from": None})
    acts = Acts(None if target.audit is None else target.audit.folder, AuditKeys(rings[1].active))
    async with open_role_stores(only_old) as old, open_role_stores(only_new) as new:
        await acts.note(Event.MIGRATE, source=source.storage.kind, target=target.storage.kind)
        # The new YAML knows all keys of the old one's, and perhaps another that sealed something anew.
        return await carry_all(old, new, rings[1].sealer(refuse_to_seal), int(time.time()))


def source_of(target: NodeConfig) -> NodeConfig:
    """The node as it was, by what the configuration of a node that moves says of its older storage.

    Raises:
        ConfigurationError: it names none.
    """
    if target.moving_from is None:
        raise ConfigurationError("--from", ["is needed where the new configuration has no moving_from"])
    return target.model_copy(update={"storage": target.moving_from, "moving_from": None})


def _check(source: NodeConfig, target: NodeConfig, rings: list[NodeKeyRing]) -> None:
    problems = []
    if source.storage == target.storage:
        problems.append("both name the same storage")
    if source.storage.kind == "memory" or target.storage.kind == "memory":
        problems.append("memory belongs to one process: nothing can be moved from or to it")
    if not set(rings[0].key_ids) <= set(rings[1].key_ids):
        problems.append("they have different node keys: what one sealed the other cannot open")
    if missing := set(source.roles) - set(target.roles):
        problems.append(f"the new configuration lacks roles of the old one: {', '.join(sorted(missing))}")
    if problems:
        raise ConfigurationError("osak node migrate", problems)


async def carry_all(old: RoleStores, new: RoleStores, sealer: Sealer, now: int) -> MigrationReport:
    """Both passes between open stores.

    Raises:
        ConfigurationError: the new side has no store for what the old one keeps.
        StorageError: a store failed; start again.
    """
    report = MigrationReport()

    async def carry_one(row: StoredRow) -> None:
        if row.expires_at <= now:
            report.expired += 1
        elif not opens(sealer, row):
            report.damaged.add(row.row_id)
        elif await _carry(row, old, new):
            report.carried += 1
        else:
            report.there += 1

    async def verify_one(row: StoredRow) -> None:
        if row.expires_at <= now or not opens(sealer, row):
            return
        found = await new.get(row)
        if found is not None and holds_the_same(sealer, row, found):
            report.verified_shares += isinstance(row, StoredShare)
            report.verified_capsules += isinstance(row, StoredCapsule)
        elif await old.get(row) is not None:  # else it was deleted meanwhile
            report.different.add(row.row_id)

    await _for_each(old, carry_one)
    await _for_each(old, verify_one)
    return report


async def _carry(row: StoredRow, old: RoleStores, new: RoleStores) -> bool:
    if isinstance(row, StoredShare):
        return await carry_share(row, old.share_store(), new.share_store())
    return await carry_row(row, new.capsule_store())


async def _for_each(stores: RoleStores, work: Callable[[StoredRow], Awaitable[None]]) -> None:
    async for batch in in_batches(stores.walk()):
        await asyncio.gather(*map(work, batch))
