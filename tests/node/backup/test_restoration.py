# SPDX-License-Identifier: MIT
"""Putting a backup back: all or nothing is written, what is there stays, what was revoked stays away."""

import io
from dataclasses import replace

import pytest
from factories.backups import ignore, restore, taken
from factories.rows import ENDS, KEY, NOW, OTHER_KEY, sealed_capsule, sealed_share

from osak.node.backup.file import BackupFile
from osak.node.backup.restoration import Restoration
from osak.node.errors import BackupError, StorageError
from osak.node.role_stores import RoleStores
from osak.node.seal_check import refuse_to_seal
from osak.node.sealing import NodeKey, Sealer
from osak.node.storage.base import Releases, StoredShare
from osak.node.storage.memory import MemoryShareStore
from osak.node.storage.memory_capsules import MemoryCapsuleStore
from osak.shares.errors import ConfigurationError

SHARES = [sealed_share(number) for number in range(300)]


def stores() -> RoleStores:
    """Empty ones."""
    return RoleStores(MemoryShareStore(), MemoryCapsuleStore())


async def backup_of(*rows: StoredShare) -> bytes:
    """A backup with these shares."""
    source = stores()
    for row in rows:
        await source.add(row)
    return (await taken(source))[0]


async def ids(found: RoleStores) -> set[str]:
    """Ids of the shares there."""
    assert found.shares is not None
    return {share.share_id async for share in found.shares.walk()}


class StoreThatFails(MemoryShareStore):
    """Keeps only so many shares, then fails."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    async def add(self, share: StoredShare) -> None:
        if self.room == 0:
            raise StorageError("full")
        self.room -= 1
        await super().add(share)


async def test_goes_on_where_it_was() -> None:
    """A restore that was broken off is finished by the next one, releases too."""
    source = stores()
    assert source.shares is not None
    for share in SHARES:
        await source.add(share)
        await source.shares.remember_releases(share.share_id, Releases(1, (NOW,)))
    file, _ = await taken(source)
    store = StoreThatFails(100)
    target = RoleStores(store, None)
    with pytest.raises(StorageError):
        await restore(io.BytesIO(file), target)
    store.room = 1000
    report = await restore(io.BytesIO(file), target)
    assert (report.restored, report.there, report.verified) == (200, 100, 300)
    assert {(await store.releases(share.share_id)).count for share in SHARES} == {1}


@pytest.mark.parametrize("damage", ["cut", "changed", "appended"])
async def test_a_damaged_file_writes_nothing(damage: str) -> None:
    """However late the damage stands in the file, no row of it is written."""
    file = await backup_of(*SHARES)
    damaged = {"cut": file[:-1], "changed": file[:-1] + bytes([file[-1] ^ 1]), "appended": file + b"\0"}
    target = stores()
    with pytest.raises(BackupError):
        await restore(io.BytesIO(damaged[damage]), target)
    assert await ids(target) == set()


async def test_another_key() -> None:
    """A backup of another node key is refused, and both keys are named."""
    file = await backup_of(*SHARES)
    with pytest.raises(BackupError, match=f"node key {KEY.key_id}.*{OTHER_KEY.key_id}"):
        await restore(io.BytesIO(file), stores(), [OTHER_KEY])


async def test_another_row_under_the_same_id() -> None:
    """If one row of the storage differs, nothing is written, and it is named."""
    file = await backup_of(*SHARES)
    target = stores()
    await target.add(replace(SHARES[250], expires_at=ENDS + 1))
    with pytest.raises(BackupError, match=f"other rows under the same ids: 1: {SHARES[250].share_id}"):
        await restore(io.BytesIO(file), target)
    assert await ids(target) == {SHARES[250].share_id}


async def test_the_same_row_sealed_anew() -> None:
    """A share that was sealed again since the backup is the same share, and stays as it is."""
    file = await backup_of(SHARES[4], SHARES[5])
    again = sealed_share(4)
    assert again.sealed != SHARES[4].sealed
    target = stores()
    await target.add(again)
    report = await restore(io.BytesIO(file), target)
    assert (report.restored, report.there, report.verified) == (1, 1, 2)
    assert await target.get(again) == again


async def test_after_a_change_of_the_node_key() -> None:
    """A backup under an old key of the ring goes back beside what lies under the new one already."""
    new = NodeKey.from_bytes(KEY.next_key(bytes))
    file = await backup_of(SHARES[4], SHARES[5])
    target = stores()
    await target.add(sealed_share(4, key=new))
    report = await restore(io.BytesIO(file), target, [new, KEY])
    assert (report.restored, report.there, report.verified) == (1, 1, 2)
    with pytest.raises(BackupError, match=r"under sealing\.old"):
        await restore(io.BytesIO(file), target, [new])


async def test_revoked_shares_stay_away() -> None:
    """What is known to be revoked since is left out and counted."""
    file = await backup_of(*SHARES)
    target = stores()
    revoked = frozenset({SHARES[7].share_id, "never stored"})
    report = await restore(io.BytesIO(file), target, revoked=revoked)
    assert (report.restored, report.revoked, report.verified) == (299, 1, 299)
    assert SHARES[7].share_id not in await ids(target)


async def test_what_a_running_node_revokes_meanwhile() -> None:
    """A share that was there, revoked and written again during a restore is gone in the end."""
    target = stores()
    file = BackupFile(io.BytesIO(await backup_of(*SHARES[:9])), [KEY])
    sealer = Sealer(KEY, refuse_to_seal)
    restoration = Restoration(file, target, sealer, now=NOW, revoked=frozenset(), progress=ignore)
    await restoration.check()
    await restoration.write()
    await restoration.take_back(frozenset({SHARES[3].share_id, "elsewhere"}))
    await restoration.verify()
    assert (restoration.report.erased, restoration.report.verified) == (1, 8)
    assert not restoration.report.lost
    assert SHARES[3].share_id not in await ids(target)


async def test_what_expired_since() -> None:
    """What is over when a backup is put back stays out."""
    file = await backup_of(sealed_share(1, NOW + 5), sealed_share(2))
    target = stores()
    report = await restore(io.BytesIO(file), target, now=NOW + 5)
    assert (report.restored, report.expired, report.shares) == (1, 1, 2)
    assert await ids(target) == {sealed_share(2).share_id}


async def test_a_node_without_the_role() -> None:
    """Capsules do not get lost in silence where the configuration has no role for them."""
    source, target = stores(), RoleStores(MemoryShareStore(), None)
    await source.add(sealed_capsule(1))
    file, _ = await taken(source)
    with pytest.raises(ConfigurationError, match="capsules to store, but this node keeps none"):
        await restore(io.BytesIO(file), target)


async def test_a_backup_leaves_out_what_does_not_open() -> None:
    """A row that is damaged or under an unknown key is named, counted and not in the file."""
    source = stores()
    damaged = replace(SHARES[1], sealed=SHARES[1].sealed[:-1] + b"?")
    for share in (SHARES[0], damaged, sealed_share(2, key=OTHER_KEY)):
        await source.add(share)
    file, report = await taken(source)
    assert (report.shares, report.damaged.count) == (1, 2)
    assert report.damaged.first == [damaged.share_id, SHARES[2].share_id]
    target = stores()
    assert (await restore(io.BytesIO(file), target)).restored == 1
    assert await ids(target) == {SHARES[0].share_id}


async def test_what_is_lost_right_away_is_told() -> None:
    """The third pass looks at the storage, and does not take the second pass's word."""

    class Forgetful(MemoryShareStore):
        async def add(self, share: StoredShare) -> None:
            if share != SHARES[3]:
                await super().add(share)

    report = await restore(io.BytesIO(await backup_of(*SHARES[:9])), RoleStores(Forgetful(), None))
    assert (report.verified, report.lost.first) == (8, [SHARES[3].share_id])
    assert f"missing or different: 1: {SHARES[3].share_id}" in str(report)
