# SPDX-License-Identifier: MIT
"""Sealing anew, in the background of a running node, what lies under its old keys (docs/adr/0025).

A pass walks through the store once. Each row under an old key is opened and sealed under the key in use, and
put back only if it is still exactly as it was read: what was revoked or expired meanwhile stays gone, and
processes that do the same at the same time do no harm. Between two handfuls the work rests as long as it
took, so that people who fetch notice little. Killed in the middle, nothing is lost: every row is under the
one key or the other. When a pass has found nothing, the old keys can be taken out of the configuration.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from prometheus_client import Counter, Gauge

from osak.node.audit.journal import Journal
from osak.node.errors import SealingError, StorageError
from osak.node.key_ring import NodeKeyRing
from osak.node.sealing import Sealer
from osak.node.storage.base import ShareStore, StoredShare
from osak.node.telemetry import Telemetry

_AT_ONCE: Final = 64
_AGAIN_SECONDS: Final = 60.0
_CLEAN_SECONDS: Final = 3600.0


@dataclass(slots=True)
class Pass:
    """What one walk through the store found.

    Attributes:
        seen: rows.
        resealed: rows that lay under an old key, and now lie under that in use.
        damaged: rows under an old key whose seal does not open; they stay as they are.
    """

    seen: int = 0
    resealed: int = 0
    damaged: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether nothing lay under an old key."""
        return not self.resealed and not self.damaged


class Resealer:
    """Seals anew what lies under the old keys of a ring."""

    def __init__(
        self, store: ShareStore, ring: NodeKeyRing, sealer: Sealer, journal: Journal, telemetry: Telemetry
    ) -> None:
        self._store = store
        self._old = frozenset(key.key_id for key in ring.old)
        self._sealer = sealer
        self._journal = journal
        self._log = telemetry.log
        registry = telemetry.registry
        self._resealed = Counter(
            "osak_node_resealed_shares", "Shares sealed anew under the key in use.", registry=registry
        )
        self._left = Gauge(
            "osak_node_old_key_shares",
            "Shares that the last pass found under an old key; 0: the old keys can go; -1: none is done yet.",
            registry=registry,
        )
        self._left.set(-1)

    async def run(self) -> None:
        """Pass after pass, until it is cancelled."""
        while True:
            pause = _AGAIN_SECONDS
            try:
                done = await self.go_through()
            except StorageError as error:
                self._log.warning("resealing failed", reason=str(error))
            else:
                self._left.set(done.resealed + done.damaged)
                self._log.info("resealed", seen=done.seen, count=done.resealed, damaged=done.damaged)
                pause = _CLEAN_SECONDS if done.is_clean else _AGAIN_SECONDS
            await asyncio.sleep(pause)

    async def go_through(self) -> Pass:
        """One pass.

        Raises:
            StorageError: the store failed, or the audit log cannot be written; what was done stays done.
        """
        done = Pass()
        waiting: list[StoredShare] = []
        async for row in self._store.walk():
            done.seen += 1
            if row.key_id in self._old:
                waiting.append(row)
            if len(waiting) == _AT_ONCE:
                await self._handful(waiting, done)
                waiting = []
        await self._handful(waiting, done)
        if done.resealed:
            await self._journal.reseal(done.resealed, self._sealer.key_id)
        return done

    async def _handful(self, rows: list[StoredShare], done: Pass) -> None:
        began = time.monotonic()
        results = await asyncio.gather(*map(self._reseal, rows))
        done.damaged += results.count(None)
        done.resealed += results.count(True)
        self._resealed.inc(results.count(True))
        await asyncio.sleep(time.monotonic() - began)

    async def _reseal(self, row: StoredShare) -> bool | None:
        """Whether it was sealed anew; None if it does not open."""
        try:
            content = self._sealer.open(row.sealed, row.row_id, row.recipient_tag, row.key_id)
        except SealingError:
            return None
        sealed = self._sealer.seal(content, row.row_id, row.recipient_tag)
        return await self._store.replace(row, replace(row, key_id=self._sealer.key_id, sealed=sealed))


@asynccontextmanager
async def resealing(resealer: Resealer) -> AsyncIterator[None]:
    """While the block lasts, seal anew in the background."""
    task = asyncio.create_task(resealer.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
