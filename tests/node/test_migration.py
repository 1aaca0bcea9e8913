# SPDX-License-Identifier: MIT
"""Moving shares from one storage to another: nothing lost, nothing revived, again and again, while in use."""

import asyncio
import secrets
from dataclasses import replace
from pathlib import Path

import pytest
from factories.redis_servers import redis_server, settings_for
from factories.rows import NOW as ROWS_NOW
from factories.rows import sealed_capsule, sealed_share

from osak.node.errors import StorageError
from osak.node.migration import MigrationReport, carry_all
from osak.node.role_stores import RoleStores
from osak.node.sealing import NodeKey, Sealer
from osak.node.storage import open_capsule_store, open_store
from osak.node.storage.base import ShareStore, StoredRow, StoredShare
from osak.node.storage.memory import MemoryShareStore
from osak.node.storage.memory_capsules import MemoryCapsuleStore
from osak.node.storage.moving_rows import MovingRows
from osak.node.storage.moving_shares import MovingShareStore
from osak.node.storage_settings import SQLiteStorageSettings

NOW = 1_900_000_000
KEY = NodeKey.from_bytes(bytes(range(32)))
SEALER = Sealer(KEY, secrets.token_bytes)


def share(number: int, ends: int = NOW + 10_000) -> StoredShare:
    """A sealed share, as the service would store it."""
    share_id = f"{number:032x}"
    tag = SEALER.recipient_tag(share_id, "etsi/PNOEE-48010010101")
    return StoredShare(
        share_id, KEY.key_id, SEALER.seal(b"s" * 32, share_id, tag), tag, NOW, ends, b"h" * 32, None
    )


async def carry_shares(old: ShareStore, new: ShareStore, sealer: Sealer, now: int) -> MigrationReport:
    """Between stores of shares."""
    return await carry_all(RoleStores(old, None), RoleStores(new, None), sealer, now)


async def content(store: ShareStore) -> dict[str, StoredShare]:
    """All shares by id."""
    return {share.share_id: share async for share in store.walk()}


async def test_sqlite_to_redis_and_back(tmp_path: Path) -> None:
    """All shares arrive as they were, with their ends; a second run finds nothing to do."""
    shares = {f"{number:032x}": share(number) for number in range(300)}
    with redis_server(tmp_path / "redis") as server:
        first = await open_store(SQLiteStorageSettings(kind="sqlite", path=str(tmp_path / "a")))
        middle = await open_store(settings_for(server))
        last = await open_store(SQLiteStorageSettings(kind="sqlite", path=str(tmp_path / "b")))
        await asyncio.gather(*(first.add(one) for one in shares.values()))
        for old, new in ((first, middle), (middle, last)):
            report = await carry_shares(old, new, SEALER, NOW)
            assert (report.carried, report.there, report.verified, report.whole) == (300, 0, 300, True)
            report = await carry_shares(old, new, SEALER, NOW)
            assert (report.carried, report.there, report.verified, report.whole) == (0, 300, 300, True)
            assert await content(new) == shares
            assert await content(old) == shares
        for store in (first, middle, last):
            await store.close()


async def test_capsules_too(tmp_path: Path) -> None:
    """Capsules arrive with the shares, in both directions, and are counted apart; damaged ones are named."""
    capsules = [sealed_capsule(number) for number in range(150)]
    damaged = replace(sealed_capsule(200), sealed=sealed_capsule(201).sealed)
    with redis_server(tmp_path / "redis") as server:
        sqlite = SQLiteStorageSettings(kind="sqlite", path=str(tmp_path / "a"))
        first = RoleStores(await open_store(sqlite), await open_capsule_store(sqlite))
        redis = settings_for(server)
        last = RoleStores(await open_store(redis), await open_capsule_store(redis))
        rows: list[StoredRow] = [*capsules, *map(sealed_share, range(90)), sealed_capsule(300, ROWS_NOW)]
        await asyncio.gather(*map(first.add, rows))
        for _ in range(2):
            report = await carry_all(first, last, SEALER, ROWS_NOW)
            assert (report.verified_shares, report.verified_capsules, report.expired) == (90, 150, 1)
            assert report.whole
        assert [await last.get(capsule) for capsule in capsules] == capsules
        await last.add(damaged)
        report = await carry_all(last, first, SEALER, ROWS_NOW)
        assert (report.carried, report.there, report.damaged.first) == (0, 240, [damaged.transaction_id])
        for stores in (first, last):
            await stores.share_store().close()
            await stores.capsule_store().close()


async def test_capsules_are_found_during_the_move() -> None:
    """Capsules old and new are found before, during and after; an id stays taken."""
    old, new = MemoryCapsuleStore(), MemoryCapsuleStore()
    moving = MovingRows(new, old)
    await old.add(sealed_capsule(1))
    with pytest.raises(StorageError):
        await moving.add(sealed_capsule(1))
    await moving.add(sealed_capsule(2))
    for _ in range(2):
        for number in (1, 2):
            assert await moving.get(sealed_capsule(number).transaction_id, ROWS_NOW) is not None
        report = await carry_all(RoleStores(None, old), RoleStores(None, new), SEALER, ROWS_NOW)
        assert report.verified_capsules == 1
    assert {capsule.transaction_id async for capsule in new.walk()} == {
        sealed_capsule(number).transaction_id for number in (1, 2)
    }


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
    """A run that was broken off is finished by the next one."""
    old, new = MemoryShareStore(), StoreThatFails(100)
    for number in range(150):
        await old.add(share(number))
    with pytest.raises(StorageError):
        await carry_shares(old, new, SEALER, NOW)
    new.room = 1000
    report = await carry_shares(old, new, SEALER, NOW)
    assert (report.carried, report.there, report.verified) == (50, 100, 150)


async def test_tells_what_it_leaves_behind() -> None:
    """Expired shares stay; damaged ones, other keys' and different ones are named, and it is not whole."""
    old, new = MemoryShareStore(), MemoryShareStore()
    good, other_there, expired = share(1), share(2), share(3, NOW)
    damaged = replace(share(4), sealed=share(4).sealed[:-1] + b"?")
    foreign = replace(share(5), key_id="0" * 16)
    for one in (good, other_there, expired, damaged, foreign):
        await old.add(one)
    await new.add(replace(other_there, revocation_hash=None))
    report = await carry_shares(old, new, SEALER, NOW)
    assert (report.carried, report.there, report.expired, report.verified) == (1, 1, 1, 1)
    assert report.damaged.first == [damaged.share_id, foreign.share_id]
    assert report.different.first == [other_there.share_id]
    assert not report.whole
    assert f"damaged: 2: {damaged.share_id}" in str(report)


async def test_a_share_sealed_anew_meanwhile_is_no_other() -> None:
    """A process that does not know of the move may seal anew in the old store; what it holds is compared."""
    old, new = MemoryShareStore(), MemoryShareStore()
    await old.add(share(1))
    await new.add(share(1))
    after = NodeKey.from_bytes(KEY.next_key(secrets.token_bytes))
    sealer = Sealer(after, secrets.token_bytes, [KEY])
    anew = sealer.seal(b"s" * 32, share(1).share_id, share(1).recipient_tag)
    assert await old.replace(await kept(old), replace(share(1), key_id=after.key_id, sealed=anew))
    report = await carry_shares(old, new, sealer, NOW)
    assert (report.there, report.verified, report.whole) == (1, 1, True)
    other = sealer.seal(b"x" * 32, share(1).share_id, share(1).recipient_tag)
    assert await old.replace(await kept(old), replace(await kept(old), sealed=other))
    assert (await carry_shares(old, new, sealer, NOW)).different.first == [share(1).share_id]


async def kept(store: ShareStore) -> StoredShare:
    """The first share there."""
    return (await content(store))[f"{1:032x}"]


async def test_a_share_deleted_while_it_is_carried_stays_deleted() -> None:
    """Whatever the order of the steps, a revoked share is in neither store at the end."""
    for pauses in range(8):
        old, new = SlowStore(), SlowStore()
        moving = MovingShareStore(new, old)
        await old.add(share(1))

        async def delete_later(pauses: int = pauses, moving: MovingShareStore = moving) -> bool:
            for _ in range(pauses):
                await asyncio.sleep(0)
            return await moving.delete(share(1).share_id)

        _, deleted = await asyncio.gather(carry_shares(old, new, SEALER, NOW), delete_later())
        assert deleted
        assert await content(old) == await content(new) == {}


class SlowStore(MemoryShareStore):
    """Gives others their turn before and after each step."""

    async def add(self, share: StoredShare) -> None:
        await asyncio.sleep(0)
        await super().add(share)
        await asyncio.sleep(0)

    async def get(self, share_id: str, now: int) -> StoredShare | None:
        await asyncio.sleep(0)
        found = await super().get(share_id, now)
        await asyncio.sleep(0)
        return found

    async def delete(self, share_id: str) -> bool:
        await asyncio.sleep(0)
        found = await super().delete(share_id)
        await asyncio.sleep(0)
        return found


async def test_a_nonce_is_spent_once_between_old_and_new_processes() -> None:
    """A process that knows only the old store and one that moves cannot both spend a nonce."""
    old, new = MemoryShareStore(), MemoryShareStore()
    moving = MovingShareStore(new, old)
    await old.add(share(1))
    assert await old.spend(share(1).share_id, "before", NOW + 500)
    assert not await moving.spend(share(1).share_id, "before", NOW + 500)
    assert await moving.spend(share(1).share_id, "after", NOW + 500)
    assert not await old.spend(share(1).share_id, "after", NOW + 500)
    assert not await new.spend(share(1).share_id, "after", NOW + 500)


async def test_uploads_and_fetches_go_on_during_the_move() -> None:
    """Shares old and new are found before, during and after."""
    old, new = SlowStore(), SlowStore()
    moving = MovingShareStore(new, old)
    for number in range(200):
        await old.add(share(number))
    moved = asyncio.ensure_future(carry_shares(old, new, SEALER, NOW))
    added = 200
    while not moved.done():
        await moving.add(share(added))
        added += 1
        assert all([await moving.get(share(number).share_id, NOW) for number in (0, 100, 199, added - 1)])
    assert moved.result().whole
    assert len(await content(new)) == added
