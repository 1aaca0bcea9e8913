# SPDX-License-Identifier: MIT
"""What the metrics say of an audit log."""

import asyncio
import threading
from pathlib import Path

from prometheus_client import CollectorRegistry

from osak.node.audit.keys import AuditKeys
from osak.node.audit.log import AuditLog
from osak.node.audit.metrics import measure_audit
from osak.node.audit.record import Event
from osak.node.sealing import NodeKey

KEYS = AuditKeys(NodeKey.from_bytes(b"k" * 32))


class SlowDiskLog(AuditLog):
    """A log whose disk takes nothing until it is told to."""

    disk = threading.Event()
    reached = threading.Event()

    def _append(self, data: bytes) -> None:
        self.reached.set()
        assert self.disk.wait(20)
        super()._append(data)


async def test_lag_and_unsigned_lines_are_told(tmp_path: Path) -> None:
    """While the disk is slow the lag grows; afterwards it is nought, and a checkpoint covers all lines."""
    log = SlowDiskLog.open(tmp_path / "log", KEYS, lambda: 1_800_000_000.0)
    registry = CollectorRegistry()
    measure_audit(log, registry)

    def told(name: str) -> float:
        value = registry.get_sample_value(f"osak_node_audit_{name}")
        assert value is not None
        return value

    assert (told("lag_seconds"), told("lines"), told("unsigned_lines")) == (0, 0, 0)
    writing = asyncio.ensure_future(log.write(Event.NONCE, share="s"))
    assert await asyncio.to_thread(SlowDiskLog.reached.wait, 20)
    first = told("lag_seconds")
    assert told("lag_seconds") > first > 0
    SlowDiskLog.disk.set()
    await writing
    assert (told("lag_seconds"), told("lines"), told("unsigned_lines")) == (0, 1, 1)
    await log.sign_end()
    assert (told("lines"), told("unsigned_lines")) == (2, 0)
    await log.close()
