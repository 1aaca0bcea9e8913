# SPDX-License-Identifier: MIT
"""What every share store promises, run over each of them."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from osak.node.errors import StorageError
from osak.node.storage import open_store
from osak.node.storage.base import MAX_RELEASE_TIMES, Releases, ShareStore, StoredShare
from osak.node.storage.memory import MemoryShareStore
from osak.node.storage.redis import RedisShareStore
from osak.node.storage.sqlite import SQLiteShareStore
from osak.node.storage_settings import MemoryStorageSettings, SQLiteStorageSettings, StorageSettings

# A real time: Redis lets expired shares go by its own clock.
CREATED = int(time.time())
EXPIRES = CREATED + 10_000
NOW = CREATED + 50
SHARE = StoredShare("ab" * 16, "k1", b"sealed", b"tag", CREATED, EXPIRES, b"h" * 32, "set=…")
KINDS: tuple[type[ShareStore], ...] = (MemoryShareStore, SQLiteShareStore, RedisShareStore)


@pytest.fixture(params=["memory", "sqlite", "redis", "redis sentinel", "redis cluster", "moving"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ShareStore]:
    settings: StorageSettings
    moving = MemoryStorageSettings(kind="memory") if request.param == "moving" else None
    if request.param == "memory":
        settings = MemoryStorageSettings(kind="memory")
    elif request.param in ("sqlite", "moving"):
        settings = SQLiteStorageSettings(kind="sqlite", path=str(tmp_path / "s.sqlite"))
    else:
        settings = request.getfixturevalue(request.param.replace(" ", "_"))
    opened = await open_store(settings, moving)
    yield opened
    await opened.close()


async def test_keeps_all_of_a_share(store: ShareStore) -> None:
    """What is added comes back whole; an unknown id gives nothing."""
    await store.add(SHARE)
    plain = replace(SHARE, share_id="cd" * 16, revocation_hash=None, share_set=None)
    await store.add(plain)
    assert await store.get(SHARE.share_id, NOW) == SHARE
    assert await store.get(plain.share_id, NOW) == plain
    assert await store.get("ef" * 16, NOW) is None


async def test_an_id_is_taken_once(store: ShareStore) -> None:
    """Adding the same id again is an error and changes nothing."""
    await store.add(SHARE)
    with pytest.raises(StorageError):
        await store.add(replace(SHARE, sealed=b"other"))
    assert await store.get(SHARE.share_id, NOW) == SHARE


async def test_expired_is_invisible_and_then_erased(store: ShareStore) -> None:
    """An expired share cannot be seen before it is erased, and is counted when it is."""
    await store.add(SHARE)
    assert await store.get(SHARE.share_id, SHARE.expires_at - 1) is not None
    assert await store.get(SHARE.share_id, SHARE.expires_at) is None
    assert await store.remove_expired(SHARE.expires_at - 1) == 0
    # Redis erases by its own clock, and so has nothing to count; its lives are tested with it.
    erased = await store.remove_expired(SHARE.expires_at)
    assert erased == (0 if isinstance(store, RedisShareStore) else 1)
    if erased:
        assert await store.get(SHARE.share_id, NOW) is None


async def test_a_nonce_is_spent_once(store: ShareStore) -> None:
    """Of many simultaneous uses of one nonce exactly one succeeds; another nonce is not touched."""
    await store.add(SHARE)
    results = await asyncio.gather(*(store.spend(SHARE.share_id, "n1", NOW + 500) for _ in range(20)))
    assert sorted(results) == [False] * 19 + [True]
    assert await store.spend(SHARE.share_id, "n2", NOW + 500)
    assert not await store.spend("cd" * 16, "n3", NOW + 500)


async def test_a_spent_nonce_is_forgotten_only_when_it_may_be(store: ShareStore) -> None:
    """Clean-up before the nonce's time keeps the record."""
    await store.add(replace(SHARE, expires_at=EXPIRES + 10_000))
    assert await store.spend(SHARE.share_id, "n1", NOW + 500)
    await store.remove_expired(NOW + 499)
    assert not await store.spend(SHARE.share_id, "n1", NOW + 500)


async def test_releases_are_counted(store: ShareStore) -> None:
    """A spend that releases is counted with its time, another is not; what is not there has none."""
    await store.add(SHARE)
    assert await store.releases(SHARE.share_id) == Releases()
    assert await store.spend(SHARE.share_id, "n1", NOW + 500, NOW)
    assert not await store.spend(SHARE.share_id, "n1", NOW + 500, NOW + 1)
    assert await store.spend(SHARE.share_id, "n2", NOW + 500)
    assert await store.spend(SHARE.share_id, "n3", NOW + 500, NOW + 2)
    assert await store.releases(SHARE.share_id) == Releases(2, (NOW, NOW + 2))
    assert not await store.spend("cd" * 16, "n4", NOW + 500, NOW)
    assert await store.releases("cd" * 16) == Releases()


async def test_only_the_latest_releases_have_times(store: ShareStore) -> None:
    """However often a share is given out, the record keeps its size, and its count stays right."""
    await store.add(SHARE)
    for number in range(MAX_RELEASE_TIMES + 5):
        assert await store.spend(SHARE.share_id, f"n{number}", NOW + 500, NOW + number)
    found = await store.releases(SHARE.share_id)
    assert found.count == MAX_RELEASE_TIMES + 5
    assert found.times == tuple(range(NOW + 5, NOW + MAX_RELEASE_TIMES + 5))


async def test_simultaneous_releases_are_all_counted(store: ShareStore) -> None:
    """No release is lost when many happen at once."""
    await store.add(SHARE)
    await asyncio.gather(*(store.spend(SHARE.share_id, f"n{number}", NOW + 500, NOW) for number in range(20)))
    assert await store.releases(SHARE.share_id) == Releases(20, (NOW,) * 20)


async def test_releases_go_with_the_share(store: ShareStore) -> None:
    """What is known of a share is erased with it, when it is deleted and when it expires."""
    await store.add(SHARE)
    await store.spend(SHARE.share_id, "n1", NOW + 500, NOW)
    await store.delete(SHARE.share_id)
    assert await store.releases(SHARE.share_id) == Releases()
    await store.add(SHARE)
    assert await store.releases(SHARE.share_id) == Releases()
    await store.spend(SHARE.share_id, "n2", NOW + 500, NOW)
    if await store.remove_expired(SHARE.expires_at):  # Redis erases by its own clock
        assert await store.releases(SHARE.share_id) == Releases()


async def test_what_is_remembered_from_elsewhere(store: ShareStore) -> None:
    """A longer record is taken over, a shorter one is not, and one of a share that is gone neither."""
    await store.add(SHARE)
    await store.spend(SHARE.share_id, "n1", NOW + 500, NOW)
    longer = Releases(60, tuple(range(NOW, NOW + MAX_RELEASE_TIMES)))
    await store.remember_releases(SHARE.share_id, longer)
    assert await store.releases(SHARE.share_id) == longer
    await store.remember_releases(SHARE.share_id, Releases(2, (NOW, NOW)))
    assert await store.releases(SHARE.share_id) == longer
    assert await store.spend(SHARE.share_id, "n2", NOW + 500, NOW + 99)
    assert await store.releases(SHARE.share_id) == longer.and_at(NOW + 99)
    await store.remember_releases("cd" * 16, longer)
    assert await store.releases("cd" * 16) == Releases()


async def test_delete(store: ShareStore) -> None:
    """A deleted share is gone; the second time there is nothing to delete and nothing to spend on."""
    await store.add(SHARE)
    assert await store.delete(SHARE.share_id)
    assert not await store.delete(SHARE.share_id)
    assert await store.get(SHARE.share_id, NOW) is None
    assert not await store.spend(SHARE.share_id, "n", NOW + 500)


async def test_counts(store: ShareStore) -> None:
    """As many as were added, also when that is more than a page."""
    assert await store.count() == 0
    names = [f"{number:032x}" for number in range(1200)]
    await asyncio.gather(*(store.add(replace(SHARE, share_id=name)) for name in names))
    assert await store.count() == 1200


async def test_walks_over_all(store: ShareStore) -> None:
    """Every share comes, whole, also when there are more than a page; those deleted do not."""
    shares = {f"{number:032x}": replace(SHARE, share_id=f"{number:032x}") for number in range(700)}
    await asyncio.gather(*(store.add(share) for share in shares.values()))
    await store.delete(shares.popitem()[0])
    assert {share.share_id: share async for share in store.walk()} == shares


async def test_closed(store: ShareStore) -> None:
    """A closed store refuses with its own error; closing twice does no harm."""
    await store.check()
    await store.close()
    await store.close()
    with pytest.raises(StorageError):
        await store.get(SHARE.share_id, NOW)


async def test_sqlite_survives_a_restart(tmp_path: Path) -> None:
    """Shares and spent nonces are there after the file was opened again, for its owner only."""
    path = tmp_path / "s.sqlite"
    first = await SQLiteShareStore.open(path)
    await first.add(SHARE)
    assert await first.spend(SHARE.share_id, "n1", NOW + 500)
    await first.close()
    second = await SQLiteShareStore.open(path)
    assert await second.get(SHARE.share_id, NOW) == SHARE
    assert not await second.spend(SHARE.share_id, "n1", NOW + 500)
    await second.close()
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be read as one" * 40])
async def test_sqlite_refuses_a_foreign_file(tmp_path: Path, content: bytes) -> None:
    """A file that is no database of ours is refused and left as it is."""
    path = tmp_path / "s.sqlite"
    path.write_bytes(content)
    with pytest.raises(StorageError):
        await SQLiteShareStore.open(path)
    assert path.read_bytes() == content


async def test_one_row_takes_the_place_of_another(store: ShareStore) -> None:
    """Only the seal changes; what else is known of the share stays."""
    await store.add(SHARE)
    assert await store.spend(SHARE.share_id, "n" * 22, EXPIRES, CREATED)
    after = replace(SHARE, key_id="k2", sealed=b"sealed anew")
    assert await store.replace(SHARE, after)
    assert await store.get(SHARE.share_id, NOW) == after
    assert await store.get(SHARE.share_id, EXPIRES) is None
    assert (await store.releases(SHARE.share_id)).count == 1
    assert not await store.spend(SHARE.share_id, "n" * 22, EXPIRES, CREATED)
    assert await store.delete(SHARE.share_id)


async def test_nothing_takes_the_place_of_what_is_gone(store: ShareStore) -> None:
    """A row that was deleted or replaced meanwhile stays as it is."""
    after = replace(SHARE, key_id="k2", sealed=b"sealed anew")
    assert not await store.replace(SHARE, after)
    assert await store.get(SHARE.share_id, NOW) is None
    await store.add(SHARE)
    others = [replace(SHARE, key_id="k2", sealed=bytes([number])) for number in range(20)]
    won = await asyncio.gather(*(store.replace(SHARE, other) for other in others))
    assert won.count(True) == 1
    assert await store.get(SHARE.share_id, NOW) == others[won.index(True)]
    await store.delete(SHARE.share_id)
    assert not await store.replace(others[won.index(True)], after)
    assert await store.get(SHARE.share_id, NOW) is None
