# SPDX-License-Identifier: MIT
"""A node does not start on shares that another node key sealed."""

from pathlib import Path

import pytest

from osak.node.key_check import check_keys
from osak.node.storage.base import ShareStore, StoredShare
from osak.node.storage.memory import MemoryShareStore
from osak.node.storage.sqlite import SQLiteShareStore
from osak.shares.errors import ConfigurationError

OURS, THEIRS = "0123456789abcdef", "fedcba9876543210"


def share(key_id: str) -> StoredShare:
    """A row that says it lies under ``key_id``."""
    return StoredShare(
        share_id="ab" * 16,
        key_id=key_id,
        sealed=b"sealed",
        recipient_tag=bytes(32),
        created_at=1_700_000_000,
        expires_at=4_000_000_000,
    )


async def check_both_ways(store: ShareStore) -> None:
    """An empty store and one under our key are fine; under another key both ids are named."""
    await check_keys(store, [OURS])
    await store.add(share(THEIRS))
    await check_keys(store, [THEIRS, "0" * 16])
    with pytest.raises(ConfigurationError, match=f"node key {OURS}.*node key {THEIRS}.*sealing.old"):
        await check_keys(store, [OURS])


async def test_memory() -> None:
    """In memory the key of the first share decides."""
    await check_both_ways(MemoryShareStore())


async def test_sqlite(tmp_path: Path) -> None:
    """In SQLite too, and the file can be closed afterwards."""
    store = await SQLiteShareStore.open(tmp_path / "shares.sqlite")
    try:
        await check_both_ways(store)
    finally:
        await store.close()
