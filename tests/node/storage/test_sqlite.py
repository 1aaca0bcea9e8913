# SPDX-License-Identifier: MIT
"""What the SQLite store promises beyond the contract of all stores."""

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from osak.node.errors import StorageError
from osak.node.storage import open_store
from osak.node.storage.base import Releases, StoredShare
from osak.node.storage.sqlite import SQLiteShareStore
from osak.node.storage_settings import SQLiteStorageSettings


def share(number: int) -> StoredShare:
    """One of many shares."""
    return StoredShare(f"{number:032x}", "k", b"sealed", b"tag", 100, 200)


async def test_durability_rules(tmp_path: Path) -> None:
    """The file is in WAL mode, and commits wait for the disk."""
    path = tmp_path / "s.sqlite"
    store = await SQLiteShareStore.open(path)
    assert store._database._writer.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._database._writer.execute("PRAGMA secure_delete").fetchone() == (1,)
    await store.close()
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    database.close()


async def test_many_at_once(tmp_path: Path) -> None:
    """More simultaneous writes than fit into one transaction are all kept."""
    store = await SQLiteShareStore.open(tmp_path / "s.sqlite")
    await asyncio.gather(*(store.add(share(number)) for number in range(600)))
    found = [await store.get(share(number).share_id, 150) for number in range(600)]
    assert found == [share(number) for number in range(600)]
    await store.close()


async def test_two_processes_worth_of_stores(tmp_path: Path) -> None:
    """Two stores on one file see each other's writes, and a nonce is spent once between them."""
    first = await SQLiteShareStore.open(tmp_path / "s.sqlite")
    second = await SQLiteShareStore.open(tmp_path / "s.sqlite")
    await first.add(share(1))
    assert await second.get(share(1).share_id, 150) == share(1)
    spent = await asyncio.gather(*(store.spend(share(1).share_id, "n", 500) for store in (first, second)))
    assert sorted(spent) == [False, True]
    await first.close()
    await second.close()


async def test_a_failed_commit_fails_everybody(tmp_path: Path) -> None:
    """When the transaction fails nobody is told that it was kept, and the store works on afterwards."""
    store = await SQLiteShareStore.open(tmp_path / "s.sqlite")
    await store.add(share(1))
    store._database._writer.execute("PRAGMA query_only = ON")
    results = await asyncio.gather(*(store.add(share(number)) for number in (2, 3)), return_exceptions=True)
    assert all(isinstance(result, StorageError) for result in results)
    store._database._writer.execute("PRAGMA query_only = OFF")
    assert await store.get(share(2).share_id, 150) is None
    await store.add(share(2))
    await store.close()


async def test_a_transaction_that_did_not_end(tmp_path: Path) -> None:
    """If a failed transaction could not even be rolled back, the next one begins with that."""
    store = await SQLiteShareStore.open(tmp_path / "s.sqlite")
    store._database._writer.execute("BEGIN IMMEDIATE")
    store._database._writer.execute("INSERT INTO releases VALUES ('left over', 1, '')")
    await store.add(share(1))
    assert await store.get(share(1).share_id, 150) == share(1)
    assert await store.releases("left over") == Releases()
    await store.close()


async def test_a_damaged_row_stops_no_other(tmp_path: Path) -> None:
    """What no node writes fails for whoever asks for it; its share can be given, and others are kept."""
    store = await SQLiteShareStore.open(tmp_path / "s.sqlite")
    await store.add(share(1))
    store._database._writer.execute("INSERT INTO releases VALUES (?, 1, 'junk')", (share(1).share_id,))
    async with asyncio.timeout(5):
        with pytest.raises(StorageError):
            await store.releases(share(1).share_id)
        assert await store.spend(share(1).share_id, "n", 500, 120)
        with pytest.raises(StorageError):  # from a Redis that somebody wrote into
            await store.add(replace(share(2), expires_at=2**63))
        await store.add(share(3))
        assert await store.get(share(3).share_id, 150) == share(3)
        await store.close()


async def test_what_was_revoked_is_gone_from_the_disk(tmp_path: Path) -> None:
    """No file holds a revoked share any longer; if somebody reads meanwhile, it goes with the next sweep."""
    path, sealed = tmp_path / "s.sqlite", b"sealed, and known to be here"

    def holders() -> list[str]:
        return [file.name for file in tmp_path.iterdir() if sealed in file.read_bytes()]

    store = await SQLiteShareStore.open(path)
    await store.add(replace(share(1), sealed=sealed))
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM shares").fetchone() == (1,)
    assert await store.delete(share(1).share_id)
    assert await store.remove_expired(150) == 0
    assert holders() == ["s.sqlite-wal"]
    assert reader.execute("SELECT sealed FROM shares").fetchone() == (sealed,)
    reader.close()
    assert await store.remove_expired(150) == 0
    assert holders() == []
    await store.add(replace(share(2), sealed=sealed))
    assert await store.delete(share(2).share_id)
    assert holders() == []
    await store.close()


async def test_one_who_stops_waiting_disturbs_nobody(tmp_path: Path) -> None:
    """A cancelled request leaves the others of its batch their answers."""
    store = await SQLiteShareStore.open(tmp_path / "s.sqlite")
    tasks = [asyncio.ensure_future(store.add(share(number))) for number in range(20)]
    await asyncio.sleep(0)
    tasks[3].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [number for number, result in enumerate(results) if result is not None] == [3]
    await store.close()


async def test_work_in_the_queue_is_finished_on_close(tmp_path: Path) -> None:
    """Closing waits for what was asked before."""
    store = await SQLiteShareStore.open(tmp_path / "s.sqlite")
    task = asyncio.ensure_future(store.add(share(1)))
    await asyncio.sleep(0)
    await store.close()
    await task
    with pytest.raises(StorageError):
        await store.add(share(2))


async def test_another_version_is_refused(tmp_path: Path) -> None:
    """A database of another schema version is not guessed at."""
    path = tmp_path / "s.sqlite"
    await (await SQLiteShareStore.open(path)).close()
    database = sqlite3.connect(path)
    database.execute("UPDATE schema_version SET version = 2")
    database.commit()
    database.close()
    with pytest.raises(StorageError, match="another version"):
        await SQLiteShareStore.open(path)


async def test_no_place_for_the_file(tmp_path: Path) -> None:
    """A folder that is not there is an error of the store."""
    with pytest.raises(StorageError):
        await open_store(SQLiteStorageSettings(kind="sqlite", path=str(tmp_path / "no" / "s")))


def modes(folder: Path) -> set[int]:
    """Permissions of all files for group and others."""
    return {item.stat().st_mode & 0o077 for item in folder.iterdir()}


async def test_wide_open_file_is_closed_up(tmp_path: Path) -> None:
    """A database that others could read is readable by its owner only once a node has opened it."""
    path = tmp_path / "s.sqlite"
    path.touch(mode=0o666)
    store = await SQLiteShareStore.open(path)
    await store.add(share(1))
    assert modes(tmp_path) == {0}
    await store.close()


async def test_what_was_sealed_anew_is_gone_when_the_node_stops(tmp_path: Path) -> None:
    """No bytes under the old key are left in any file: whoever has that key finds nothing to open."""
    store = await SQLiteShareStore.open(tmp_path / "s.sqlite")
    before = [
        replace(share(number), sealed=f"under the old key {number:06}".encode()) for number in range(300)
    ]
    after = [replace(one, key_id="k2", sealed=one.sealed.replace(b"old", b"new")) for one in before]
    await asyncio.gather(*(store.add(one) for one in before))
    pairs = zip(before, after, strict=True)
    assert all(await asyncio.gather(*(store.replace(*pair) for pair in pairs)))
    await store.close()
    content = all_bytes(tmp_path)
    assert content.count(b"under the new key") == 300
    assert b"under the old key" not in content


def all_bytes(folder: Path) -> bytes:
    """What all files of a folder hold."""
    return b"".join(path.read_bytes() for path in folder.iterdir())
