# SPDX-License-Identifier: MIT
"""What every capsule store promises, run over each of them."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from osak.node.errors import StorageError
from osak.node.storage import open_capsule_store, open_store
from osak.node.storage.base import CapsuleStore, StoredCapsule, StoredShare
from osak.node.storage.redis_capsules import RedisCapsuleStore
from osak.node.storage_settings import MemoryStorageSettings, SQLiteStorageSettings, StorageSettings

# A real time: Redis lets expired capsules go by its own clock.
CREATED = int(time.time())
EXPIRES = CREATED + 10_000
NOW = CREATED + 50
CAPSULE = StoredCapsule("KC" + "ab" * 16, "k1", b"sealed", b"tag", CREATED, EXPIRES)


@pytest.fixture(params=["memory", "sqlite", "redis", "redis cluster", "moving"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CapsuleStore]:
    settings: StorageSettings
    moving = MemoryStorageSettings(kind="memory") if request.param == "moving" else None
    if request.param == "memory":
        settings = MemoryStorageSettings(kind="memory")
    elif request.param in ("sqlite", "moving"):
        settings = SQLiteStorageSettings(kind="sqlite", path=str(tmp_path / "s.sqlite"))
    else:
        settings = request.getfixturevalue(request.param.replace(" ", "_"))
    opened = await open_capsule_store(settings, moving)
    yield opened
    await opened.close()


async def test_keeps_all_of_a_capsule(store: CapsuleStore) -> None:
    """What is added comes back whole, as often as it is asked for; an unknown id gives nothing."""
    await store.add(CAPSULE)
    for _ in range(2):
        assert await store.get(CAPSULE.transaction_id, NOW) == CAPSULE
    assert await store.get("KC" + "ef" * 16, NOW) is None


async def test_an_id_is_taken_once(store: CapsuleStore) -> None:
    """Of simultaneous additions of one id exactly one is kept, whole."""
    others = [replace(CAPSULE, sealed=bytes([number])) for number in range(8)]
    results = await asyncio.gather(*(store.add(other) for other in others), return_exceptions=True)
    assert [isinstance(result, StorageError) for result in results].count(False) == 1
    kept = await store.get(CAPSULE.transaction_id, NOW)
    assert kept == others[results.index(None)]


async def test_expired_is_invisible_and_then_erased(store: CapsuleStore) -> None:
    """An expired capsule cannot be seen before it is erased, and is counted when it is."""
    await store.add(CAPSULE)
    assert await store.get(CAPSULE.transaction_id, CAPSULE.expires_at - 1) is not None
    assert await store.get(CAPSULE.transaction_id, CAPSULE.expires_at) is None
    assert await store.remove_expired(CAPSULE.expires_at - 1) == 0
    # Redis erases by its own clock, and so has nothing to count.
    erased = await store.remove_expired(CAPSULE.expires_at)
    assert erased == (0 if isinstance(store, RedisCapsuleStore) else 1)
    if erased:
        assert await store.get(CAPSULE.transaction_id, NOW) is None


async def test_counts(store: CapsuleStore) -> None:
    """As many as were added, also when that is more than a page."""
    assert await store.count() == 0
    names = [f"KC{number:032x}" for number in range(1200)]
    await asyncio.gather(*(store.add(replace(CAPSULE, transaction_id=name)) for name in names))
    assert await store.count() == 1200


async def test_walks_over_all(store: CapsuleStore) -> None:
    """Every capsule comes, whole, also when there are more than a page."""
    names = [f"KC{number:032x}" for number in range(600)]
    capsules = {name: replace(CAPSULE, transaction_id=name) for name in names}
    await asyncio.gather(*(store.add(capsule) for capsule in capsules.values()))
    assert {capsule.transaction_id: capsule async for capsule in store.walk()} == capsules


async def test_closed(store: CapsuleStore) -> None:
    """A closed store refuses with its own error; closing twice does no harm."""
    await store.check()
    await store.close()
    await store.close()
    for call in (store.check(), store.get(CAPSULE.transaction_id, NOW), store.add(CAPSULE)):
        with pytest.raises(StorageError):
            await call


async def test_shares_and_capsules_in_one_file(tmp_path: Path) -> None:
    """Both kinds lie in one file at once, written at the same time, and survive a restart."""
    settings = SQLiteStorageSettings(kind="sqlite", path=str(tmp_path / "s.sqlite"))
    shares, capsules = await open_store(settings), await open_capsule_store(settings)
    share = StoredShare("ab" * 16, "k1", b"sealed", b"tag", CREATED, EXPIRES)
    names = [f"KC{number:032x}" for number in range(50)]
    await asyncio.gather(
        *(capsules.add(replace(CAPSULE, transaction_id=name)) for name in names), shares.add(share)
    )
    await shares.close()
    await capsules.close()
    shares, capsules = await open_store(settings), await open_capsule_store(settings)
    assert await shares.get(share.share_id, NOW) == share
    assert [await capsules.get(name, NOW) is not None for name in names] == [True] * 50
    assert await shares.remove_expired(EXPIRES) == 1
    assert await capsules.remove_expired(EXPIRES) == 50
    await shares.close()
    await capsules.close()


async def test_without_the_role_the_file_has_no_capsules(tmp_path: Path) -> None:
    """A node that keeps shares alone has a database as before."""
    path = tmp_path / "s.sqlite"
    shares = await open_store(SQLiteStorageSettings(kind="sqlite", path=str(path)))
    await shares.close()
    with closing(sqlite3.connect(path)) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables == {"schema_version", "shares", "spent_nonces", "releases"}


async def test_one_row_takes_the_place_of_another(store: CapsuleStore) -> None:
    """Only the seal changes, once, and only if the row is still as it was."""
    after = replace(CAPSULE, key_id="k2", sealed=b"sealed anew")
    assert not await store.replace(CAPSULE, after)
    await store.add(CAPSULE)
    assert await store.replace(CAPSULE, after)
    assert not await store.replace(CAPSULE, replace(after, sealed=b"late"))
    assert await store.get(CAPSULE.transaction_id, NOW) == after
    assert await store.get(CAPSULE.transaction_id, EXPIRES) is None
