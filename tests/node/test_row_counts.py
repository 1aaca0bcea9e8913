# SPDX-License-Identifier: MIT
"""What the metrics say of how many shares and capsules there are."""

import asyncio
import io
import math

from factories.rows import sealed_capsule, sealed_share

from osak.node.background import in_background
from osak.node.row_counts import RowCounts
from osak.node.storage.memory import MemoryShareStore
from osak.node.storage.memory_capsules import MemoryCapsuleStore
from osak.node.telemetry import create_telemetry


async def test_counts_both_kinds() -> None:
    """Before the first count nothing is claimed; a store that fails keeps its number, and the log tells."""
    log = io.StringIO()
    telemetry = create_telemetry(log, "test")
    shares, capsules = MemoryShareStore(), MemoryCapsuleStore()
    counts = RowCounts({"shares": shares, "capsules": capsules}, telemetry)

    def value(kind: str) -> float | None:
        return telemetry.registry.get_sample_value("osak_node_stored_rows", {"kind": kind})

    assert math.isnan(value("shares") or 0)
    for number in range(3):
        await shares.add(sealed_share(number))
    await capsules.add(sealed_capsule(1))
    await counts.count()
    assert (value("shares"), value("capsules")) == (3, 1)
    await shares.close()
    await capsules.add(sealed_capsule(2))
    await counts.count()
    assert (value("shares"), value("capsules")) == (3, 2)
    await asyncio.sleep(0)  # the line is written at the end of this turn
    assert "counting failed" in log.getvalue()


async def test_counts_while_a_node_runs() -> None:
    """The first count is made at once, and counting ends with the node."""

    class Asked(MemoryShareStore):
        times = 0

        async def count(self) -> int:
            self.times += 1
            asked.set()
            return await super().count()

    asked = asyncio.Event()
    store = Asked()
    telemetry = create_telemetry(io.StringIO(), "test")
    async with in_background(RowCounts({"shares": store}, telemetry).run()):
        await asked.wait()
    await store.check()
    assert store.times == 1
    labels = {"kind": "shares"}
    assert telemetry.registry.get_sample_value("osak_node_stored_rows", labels) == 0
