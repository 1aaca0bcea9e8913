# SPDX-License-Identifier: MIT
"""What lies under an old key is sealed anew in the background; nothing is lost, and nothing comes back."""

import asyncio
import io
import json
import secrets
from dataclasses import replace
from pathlib import Path

import pytest

from osak.node.audit.journal import Journal
from osak.node.audit.keys import AuditKeys
from osak.node.audit.log import AuditLog
from osak.node.audit.segments import read_log
from osak.node.background import in_background
from osak.node.errors import StorageError
from osak.node.key_ring import NodeKeyRing
from osak.node.resealing import Resealer
from osak.node.sealing import NodeKey
from osak.node.storage.base import StoredCapsule, StoredShare
from osak.node.storage.memory import MemoryShareStore
from osak.node.storage.memory_capsules import MemoryCapsuleStore
from osak.node.telemetry import Telemetry, create_telemetry

NOW = 1_900_000_000
FIRST = NodeKey.from_bytes(bytes(range(32)))
SECOND = NodeKey.from_bytes(FIRST.next_key(lambda count: b"2" * count))
THIRD = NodeKey.from_bytes(SECOND.next_key(lambda count: b"3" * count))
BEFORE = NodeKeyRing(FIRST).sealer(secrets.token_bytes)
RING = NodeKeyRing(SECOND, next=THIRD, old=(FIRST,))
SEALER = RING.sealer(secrets.token_bytes)
CONTENT = b"s" * 32


def share(number: int, key: NodeKey = FIRST) -> StoredShare:
    """A row under ``key``."""
    share_id = f"{number:032x}"
    sealer = NodeKeyRing(key).sealer(secrets.token_bytes)
    tag = sealer.recipient_tag(share_id, "etsi/PNOEE-48010010107")
    return StoredShare(share_id, key.key_id, sealer.seal(CONTENT, share_id, tag), tag, NOW, NOW + 100)


def opened(row: StoredShare | None) -> bytes:
    """What a row holds, opened with the key in use alone."""
    assert row is not None
    only = NodeKeyRing(SECOND).sealer(secrets.token_bytes)
    return only.open(row.sealed, row.share_id, row.recipient_tag, row.key_id)


def rows_under(telemetry: Telemetry, key_id: str, use: str) -> float | None:
    """What the metric says of one key's shares now."""
    labels = {"kind": "shares", "key_id": key_id, "use": use}
    return telemetry.registry.get_sample_value("osak_node_rows", labels)


def resealed_rows(telemetry: Telemetry) -> float | None:
    """How many shares were sealed anew, as the metric says."""
    return telemetry.registry.get_sample_value("osak_node_resealed_rows_total", {"kind": "shares"})


async def test_a_pass(tmp_path: Path) -> None:
    """Rows under an old key end under that in use; rows under the next one stay; the log tells how many."""
    store = MemoryShareStore()
    rows = [share(number) for number in range(150)] + [share(200, SECOND), share(201, THIRD)]
    for row in rows:
        await store.add(row)
    log = AuditLog.open(tmp_path / "audit", AuditKeys(SECOND), lambda: float(NOW))
    resealer = Resealer({"shares": store}, RING, SEALER, Journal(log), create_telemetry(io.StringIO(), "1"))
    done = await resealer.go_through("shares")
    assert (done.seen, done.resealed, done.damaged) == (152, 150, 0)
    for row in rows[:150]:
        found = await store.get(row.share_id, NOW)
        assert opened(found) == CONTENT
        assert found == replace(row, key_id=SECOND.key_id, sealed=found.sealed if found else b"")
    assert [await store.get(row.share_id, NOW) for row in rows[150:]] == rows[150:]
    again = await resealer.go_through("shares")
    assert (again.under([FIRST.key_id]), again.under([SECOND.key_id, THIRD.key_id])) == (0, 152)
    await log.close()
    events = [(record.event, record.fields.get("count")) for record in read_log(tmp_path / "audit")]
    assert ("reseal", 150) in events
    assert [event for event, _ in events].count("reseal") == 1


async def test_a_damaged_row_stays_as_it_is() -> None:
    """It is counted, so the old key is not said to be done with, and disturbs no other."""
    store = MemoryShareStore()
    broken = replace(share(1), sealed=b"\x01" + bytes(60))
    await store.add(broken)
    await store.add(share(2))
    resealer = Resealer({"shares": store}, RING, SEALER, Journal(None), create_telemetry(io.StringIO(), "1"))
    done = await resealer.go_through("shares")
    assert (done.resealed, done.damaged, done.under([FIRST.key_id])) == (1, 1, 2)
    assert await store.get(broken.share_id, NOW) == broken
    assert (await resealer.go_through("shares")).under([FIRST.key_id]) == 1


class StoreWhereSharesGo(MemoryShareStore):
    """Every second share is revoked between being read and being put back."""

    async def replace(self, before: StoredShare, after: StoredShare) -> bool:
        """Revoked just before."""
        if int(before.share_id, 16) % 2:
            await self.delete(before.share_id)
        return await super().replace(before, after)


async def test_what_was_revoked_meanwhile_stays_gone() -> None:
    """It does not come back under the new key."""
    store = StoreWhereSharesGo()
    for number in range(20):
        await store.add(share(number))
    resealer = Resealer({"shares": store}, RING, SEALER, Journal(None), create_telemetry(io.StringIO(), "1"))
    done = await resealer.go_through("shares")
    assert (done.resealed, done.damaged) == (10, 0)
    assert {row.share_id async for row in store.walk()} == {f"{number:032x}" for number in range(0, 20, 2)}


class StoreThatFailsOnce(MemoryShareStore):
    """Cannot write the first time."""

    failures = 0

    async def replace(self, before: StoredShare, after: StoredShare) -> bool:
        """Fail once."""
        self.failures += 1
        if self.failures == 1:
            raise StorageError("the disk is full")
        return await super().replace(before, after)


class Log(io.StringIO):
    """Tells when something was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = asyncio.Event()

    def write(self, text: str, /) -> int:
        """Note it."""
        self.changed.set()
        return super().write(text)


async def test_it_goes_on_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that fails is tried again; log and metrics tell how far it is."""
    monkeypatch.setattr("osak.node.resealing._AGAIN_SECONDS", 0.01)
    store = StoreThatFailsOnce()
    for number in range(3):
        await store.add(share(number))
    out = Log()
    telemetry = create_telemetry(out, "1")
    resealer = Resealer({"shares": store}, RING, SEALER, Journal(None), telemetry)
    assert rows_under(telemetry, FIRST.key_id, "old") is None
    async with in_background(resealer.run()), asyncio.timeout(20):
        while rows_under(telemetry, FIRST.key_id, "old") != 0:
            await out.changed.wait()
            out.changed.clear()
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["event"] for line in lines][:1] == ["resealing failed"]
    assert lines[-1] | {"time": ""} == {
        "event": "resealed", "level": "info", "kind": "shares", "seen": 3, "count": 0, "damaged": 0,
        "time": "",
    }  # fmt: skip
    assert [opened(await store.get(f"{number:032x}", NOW)) for number in range(3)] == [CONTENT] * 3


class StoreThatFailsLater(MemoryShareStore):
    """Fails at one share of the third handful."""

    async def replace(self, before: StoredShare, after: StoredShare) -> bool:
        """By number: shares come in the order in which they were added."""
        if int(before.share_id, 16) == 130:
            raise StorageError("gone")
        return await super().replace(before, after)


async def test_what_a_broken_pass_has_done_is_told(tmp_path: Path) -> None:
    """The metric tells while it goes on, and the audit log what was done before the store failed."""
    store = StoreThatFailsLater()
    for number in range(150):
        await store.add(share(number))
    log = AuditLog.open(tmp_path / "audit", AuditKeys(SECOND), lambda: float(NOW))
    telemetry = create_telemetry(io.StringIO(), "1")
    resealer = Resealer({"shares": store}, RING, SEALER, Journal(log), telemetry)
    with pytest.raises(StorageError):
        await resealer.go_through("shares")
    await log.close()
    assert resealed_rows(telemetry) == 149
    (noted,) = (record.fields for record in read_log(tmp_path / "audit") if record.event == "reseal")
    assert (noted["kind"], noted["count"], noted["key_id"]) == ("shares", 149, SECOND.key_id)


async def test_a_long_pass_is_noted_on_its_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill leaves only the last of what was done unnoted; the counts add up."""
    monkeypatch.setattr("osak.node.resealing._NOTE_EVERY", 100)
    store = MemoryShareStore()
    for number in range(300):
        await store.add(share(number))
    log = AuditLog.open(tmp_path / "audit", AuditKeys(SECOND), lambda: float(NOW))
    out = io.StringIO()
    resealer = Resealer({"shares": store}, RING, SEALER, Journal(log), create_telemetry(out, "1"))
    await resealer.go_through("shares")
    await log.close()
    counts = [record.fields["count"] for record in read_log(tmp_path / "audit") if record.event == "reseal"]
    assert counts == [128, 128, 44]
    assert [json.loads(line)["count"] for line in out.getvalue().splitlines()] == [128, 256]


class StoreThatKeepsAll(MemoryShareStore):
    """Says of every row that it is another now."""

    async def replace(self, before: StoredShare, after: StoredShare) -> bool:
        """No."""
        return False


async def test_a_row_that_could_not_be_replaced_is_not_done_with() -> None:
    """Whatever the reason is that it still lies under the old key, the metric says that the key is needed."""
    store = StoreThatKeepsAll()
    await store.add(share(1))
    out = Log()
    telemetry = create_telemetry(out, "1")
    resealer = Resealer({"shares": store}, RING, SEALER, Journal(None), telemetry)
    async with in_background(resealer.run()), asyncio.timeout(20):
        await out.changed.wait()
    assert rows_under(telemetry, FIRST.key_id, "old") == 1


async def test_a_key_that_was_taken_out_too_early() -> None:
    """Also without old keys all is counted: rows that nobody opens are told by log and metric, as one."""
    store = MemoryShareStore()
    for row in (share(1), share(2), share(3, SECOND), replace(share(4), key_id="0" * 16)):
        await store.add(row)
    out = Log()
    telemetry = create_telemetry(out, "1")
    ring = NodeKeyRing(SECOND)
    resealer = Resealer({"shares": store}, ring, ring.sealer(secrets.token_bytes), Journal(None), telemetry)
    async with in_background(resealer.run()), asyncio.timeout(20):
        await out.changed.wait()
    assert rows_under(telemetry, SECOND.key_id, "active") == 1
    assert rows_under(telemetry, "", "missing") == 3
    (line,) = map(json.loads, out.getvalue().splitlines())
    assert (line["level"], line["kind"], line["count"]) == ("error", "shares", 3)
    assert FIRST.key_id not in out.getvalue()


async def test_capsules_too() -> None:
    """They lie under the same keys; each kind is counted for itself."""
    store = MemoryCapsuleStore()
    row_id = "KC" + "ab" * 16
    tag = BEFORE.recipient_tag(row_id, "a public key")
    await store.add(
        StoredCapsule(row_id, FIRST.key_id, BEFORE.seal(CONTENT, row_id, tag), tag, NOW, NOW + 100)
    )
    telemetry = create_telemetry(io.StringIO(), "1")
    resealer = Resealer(
        {"shares": MemoryShareStore(), "capsules": store}, RING, SEALER, Journal(None), telemetry
    )
    assert (await resealer.go_through("capsules")).resealed == 1
    found = await store.get(row_id, NOW)
    assert found is not None
    assert found.key_id == SECOND.key_id
    assert SEALER.open(found.sealed, row_id, tag, found.key_id) == CONTENT
    assert telemetry.registry.get_sample_value("osak_node_resealed_rows_total", {"kind": "capsules"}) == 1
