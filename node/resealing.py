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
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from prometheus_client import Counter, Gauge

from osak.node.audit.journal import Journal
from osak.node.errors import SealingError, StorageError
from osak.node.key_ring import NodeKeyRing
from osak.node.sealing import Sealer
from osak.node.storage.base import Rows, StoredCapsule, StoredShare
from osak.node.telemetry import Telemetry

Row: TypeAlias = StoredShare | StoredCapsule

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
        self,
        stores: Mapping[str, Rows[Any]],
        ring: NodeKeyRing,
        sealer: Sealer,
        journal: Journal,
        telemetry: Telemetry,
    ) -> None:
        """Take the stores by what lies in them, ``shares`` and ``capsules``."""
        self._stores = stores
        self._old = frozenset(key.key_id for key in ring.old)
        self._sealer = sealer
        self._journal = journal
        self._log = telemetry.log
        registry = telemetry.registry
        self._resealed = Counter(
            "osak_node_resealed_rows", "Rows sealed anew under the key in use.", ["kind"], registry=registry
        )
        self._left = Gauge(
            "osak_node_old_key_rows",
            "Rows that the last pass found under an old key; 0: the old keys can go; -1: none is done yet.",
            ["kind"],
            registry=registry,
        )
        for kind in stores:
            self._left.labels(kind).set(-1)

    async def run(self) -> None:
        """Pass after pass, until it is cancelled."""
        while True:
            pause = _CLEAN_SECONDS
            for kind in self._stores:
                try:
                    done = await self.go_through(kind)
                except StorageError as error:
                    self._log.warning("resealing failed", kind=kind, reason=str(error))
                    pause = _AGAIN_SECONDS
                    continue
                self._left.labels(kind).set(done.resealed + done.damaged)
                self._log.info(
                    "resealed", kind=kind, seen=done.seen, count=done.resealed, damaged=done.damaged
                )
                if not done.is_clean:
                    pause = _AGAIN_SECONDS
            await asyncio.sleep(pause)

    async def go_through(self, kind: str) -> Pass:
        """One pass through one store.

        Raises:
            StorageError: the store failed, or the audit log cannot be written; what was done stays done.
        """
        done, store = Pass(), self._stores[kind]
        waiting: list[Row] = []
        async for row in store.walk():
            done.seen += 1
            if row.key_id in self._old:
                waiting.append(row)
            if len(waiting) == _AT_ONCE:
                await self._handful(store, waiting, done)
                waiting = []
        await self._handful(store, waiting, done)
        self._resealed.labels(kind).inc(done.resealed)
        if done.resealed:
            await self._journal.reseal(kind, done.resealed, self._sealer.key_id)
        return done

    async def _handful(self, store: Rows[Any], rows: list[Row], done: Pass) -> None:
        began = time.monotonic()
        results = await asyncio.gather(*(self._reseal(store, row) for row in rows))
        done.damaged += results.count(None)
        done.resealed += results.count(True)
        await asyncio.sleep(time.monotonic() - began)

    async def _reseal(self, store: Rows[Any], row: Row) -> bool | None:
        """Whether it was sealed anew; None if it does not open."""
        try:
            content = self._sealer.open(row.sealed, row.row_id, row.recipient_tag, row.key_id)
        except SealingError:
            return None
        sealed = self._sealer.seal(content, row.row_id, row.recipient_tag)
        return await store.replace(row, replace(row, key_id=self._sealer.key_id, sealed=sealed))
