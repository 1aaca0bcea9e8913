# SPDX-License-Identifier: MIT
"""Out of every kind of storage into a file, and back into every kind: nothing is lost, nothing is altered."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from factories.backups import restore, taken
from factories.rows import ENDS, NOW, sealed_capsule, sealed_share

from osak.node.role_stores import RoleStores
from osak.node.storage import open_capsule_store, open_store
from osak.node.storage.base import Releases, StoredRow
from osak.node.storage_settings import MemoryStorageSettings, SQLiteStorageSettings, StorageSettings

SHARES = {share.share_id: share for share in map(sealed_share, range(400))}
CAPSULES = {capsule.transaction_id: capsule for capsule in map(sealed_capsule, range(300))}
RELEASES = {f"{number:032x}": Releases(number, tuple(range(NOW, NOW + number))) for number in (1, 7, 50)}
KINDS = ["memory", "sqlite", "redis", "redis cluster"]


@pytest.fixture(params=KINDS)
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RoleStores]:
    settings: StorageSettings
    if request.param == "memory":
        settings = MemoryStorageSettings(kind="memory")
    elif request.param == "sqlite":
        settings = SQLiteStorageSettings(kind="sqlite", path=str(tmp_path / "s.sqlite"))
    else:
        settings = request.getfixturevalue(request.param.replace(" ", "_"))
    async with AsyncExitStack() as stack:
        shares, capsules = await open_store(settings), await open_capsule_store(settings)
        stack.push_async_callback(shares.close)
        stack.push_async_callback(capsules.close)
        yield RoleStores(shares, capsules)


@pytest.fixture
async def other(tmp_path: Path) -> AsyncIterator[RoleStores]:
    """An SQLite file to go to or come from."""
    settings = SQLiteStorageSettings(kind="sqlite", path=str(tmp_path / "other.sqlite"))
    shares, capsules = await open_store(settings), await open_capsule_store(settings)
    yield RoleStores(shares, capsules)
    await shares.close()
    await capsules.close()


async def fill(stores: RoleStores) -> None:
    """Rows of every shape, and some that are over."""
    assert stores.shares is not None
    rows: list[StoredRow] = [*SHARES.values(), *CAPSULES.values()]
    rows += [sealed_share(1000, NOW), sealed_capsule(1000, NOW - 1)]
    await asyncio.gather(*map(stores.add, rows))
    for share_id, releases in RELEASES.items():
        await stores.shares.remember_releases(share_id, releases)


async def check(stores: RoleStores) -> None:
    """All is there as it was, and nothing else."""
    assert stores.shares is not None
    assert stores.capsules is not None
    shares = {share.share_id: share async for share in stores.shares.walk() if share.expires_at == ENDS}
    capsules = {row.transaction_id: row async for row in stores.capsules.walk() if row.expires_at == ENDS}
    assert shares == SHARES
    assert capsules == CAPSULES
    found = {share_id: await stores.shares.releases(share_id) for share_id in SHARES}
    assert {share_id: releases for share_id, releases in found.items() if releases.count} == RELEASES


async def test_out_of_every_storage(stores: RoleStores, other: RoleStores) -> None:
    """A backup of any storage holds all that is not over; restored into SQLite it is all there."""
    await fill(stores)
    file, report = await taken(stores)
    assert (report.shares, report.capsules, report.expired, report.damaged.count) == (400, 300, 2, 0)
    restored = await restore(io.BytesIO(file), other)
    assert (restored.restored, restored.there, restored.verified) == (700, 0, 700)
    await check(other)


async def test_into_every_storage(stores: RoleStores, other: RoleStores) -> None:
    """Into any storage a backup of SQLite goes back whole, and the second time there is nothing to do."""
    await fill(other)
    file, _ = await taken(other)
    restored = await restore(io.BytesIO(file), stores)
    assert (restored.restored, restored.there, restored.verified) == (700, 0, 700)
    await check(stores)
    again = await restore(io.BytesIO(file), stores)
    assert (again.restored, again.there, again.verified) == (0, 700, 700)
    await check(stores)
