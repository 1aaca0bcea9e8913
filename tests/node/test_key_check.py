# SPDX-License-Identifier: MIT
"""A node does not start on shares that another node key sealed."""

import re
from collections import Counter
from pathlib import Path

import pytest

from osak.node.key_check import check_keys
from osak.node.key_ring import NodeKeyRing
from osak.node.key_status import KeyStatus
from osak.node.sealing import NodeKey
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


async def test_a_name_that_no_key_has() -> None:
    """Who writes into the store cannot write to the operator's terminal."""
    store = MemoryShareStore()
    await store.add(share("\x1b[2Jall is well\n" * 1000))
    with pytest.raises(ConfigurationError, match=re.escape(r"node key '\x1b[2Jall is well")) as caught:
        await check_keys(store, [OURS])
    assert len(str(caught.value)) < 300
    status = KeyStatus(NodeKeyRing(NodeKey.from_bytes(bytes(32))), Counter({"\x1b[2J": 1, THEIRS: 2}))
    assert str(status).isascii()
    assert "\x1b" not in str(status)
    assert f"{THEIRS}  missing" in str(status)


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
