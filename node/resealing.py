# SPDX-License-Identifier: MIT
"""Sealing anew, in the background of a running node, what lies under its old keys (docs/adr/0025).

A pass walks through the store once and counts what lies under each key. Each row under an old key is opened
and sealed under the key in use, and put back only if it is still exactly as it was read: what was revoked or
expired meanwhile stays gone, and processes that do the same at the same time do no harm. The work rests as
long as it took, so that people who fetch notice little. Killed in the middle, nothing is lost: every row is
under the one key or the other. When a pass has found nothing, the old keys can be taken out of the
configuration; was one taken out too early, the next pass says so, however few rows need it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from prometheus_client import Counter as MetricCounter
from prometheus_client import Gauge

from osak.node.audit.journal import Journal
from osak.node.errors import SealingError, StorageError
from osak.node.key_ring import NodeKeyRing
from osak.node.sealing import Sealer
from osak.node.storage.base import Rows, StoredCapsule, StoredShare
from osak.node.telemetry import Telemetry

Row: TypeAlias = StoredShare | StoredCapsule

_MISSING: Final = ""
_AT_ONCE: Final = 64
_REST_EVERY: Final = 256
_NOTE_EVERY: Final = 10_000
_AGAIN_SECONDS: Final = 60.0
_CLEAN_SECONDS: Final = 3600.0
_COUNT_SECONDS: Final = 86_400.0


@dataclass(slots=True)
class Pass:
    """What one walk through the store found.

    Attributes:
        found: rows by the key under which they lay; those under a key that the node has not stand under "".
        resealed: rows that lay under an old key, and now lie under that in use.
        damaged: rows under an old key whose seal does not open; they stay as they are.
        noted: of those sealed anew, how many the audit log knows of.
    """

    found: Counter[str] = field(default_factory=Counter)
    seen: int = 0
    resealed: int = 0
    damaged: int = 0
    noted: int = 0

    def under(self, key_ids: Iterable[str]) -> int:
        """How many rows lay under these keys."""
        return sum(self.found[key_id] for key_id in key_ids)


class _Rest:
    """Rests as long as was worked since the last rest."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    async def take(self) -> None:
        """Let others have their turn."""
        await asyncio.sleep(time.monotonic() - self._began)
        self._began = time.monotonic()


class Resealer:
    """Counts what lies under each key of a ring, and seals anew what lies under the old ones."""

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
        self._ring = ring
        self._old = frozenset(key.key_id for key in ring.old)
        self._sealer = sealer
        self._journal = journal
        self._log = telemetry.log
        registry = telemetry.registry
        self._resealed = MetricCounter(
            "osak_node_resealed_rows", "Rows sealed anew under the key in use.", ["kind"], registry=registry
        )
        self._rows = Gauge(
            "osak_node_rows",
            "Rows that the last pass found under each key; missing: under keys that this node has not.",
            ["kind", "key_id", "use"],
            registry=registry,
        )

    async def run(self) -> None:
        """Pass after pass, until it is cancelled."""
        while True:
            pauses = [await self._try(kind) for kind in self._stores]
            await asyncio.sleep(min(pauses, default=_COUNT_SECONDS))

    async def _try(self, kind: str) -> float:
        """One pass; return after how many seconds the next is due."""
        try:
            done = await self.go_through(kind)
        except StorageError as error:
            self._log.warning("resealing failed", kind=kind, reason=str(error))
            return _AGAIN_SECONDS
        self._tell(kind, done)
        if done.under(self._old) > done.damaged:
            return _AGAIN_SECONDS
        return _CLEAN_SECONDS if self._old else _COUNT_SECONDS

    async def go_through(self, kind: str) -> Pass:
        """One pass through one store.

        Raises:
            StorageError: the store failed, or the audit log cannot be written; what was done stays done.
        """
        done, rest, uses = Pass(), _Rest(), self._ring.uses
        waiting: list[Row] = []
        try:
            async for row in self._stores[kind].walk():
                # All that are missing are one: whoever writes into the store must not fill memory or metrics.
                done.found[row.key_id if row.key_id in uses else _MISSING] += 1
                done.seen += 1
                if row.key_id in self._old:
                    waiting.append(row)
                if len(waiting) == _AT_ONCE:
                    await self._handful(kind, waiting, done)
                    waiting.clear()
                    await rest.take()
                elif done.seen % _REST_EVERY == 0:
                    await rest.take()
            await self._handful(kind, waiting, done)
        finally:
            await self._note(kind, done)
        return done

    async def _handful(self, kind: str, rows: list[Row], done: Pass) -> None:
        work = (self._reseal(self._stores[kind], row) for row in rows)
        results = await asyncio.gather(
            *work, return_exceptions=True
        )  # what was done counts, even if not all was
        done.damaged += results.count(None)
        done.resealed += results.count(True)
        self._resealed.labels(kind).inc(results.count(True))
        for failure in results:
            if isinstance(failure, BaseException):
                raise failure
        if done.resealed - done.noted >= _NOTE_EVERY:
            await self._note(kind, done)
            self._log.info("resealing", kind=kind, seen=done.seen, count=done.resealed, damaged=done.damaged)

    async def _reseal(self, store: Rows[Any], row: Row) -> bool | None:
        """Whether it was sealed anew; None if it does not open."""
        try:
            content = self._sealer.open(row.sealed, row.row_id, row.recipient_tag, row.key_id)
        except SealingError:
            return None
        sealed = self._sealer.seal(content, row.row_id, row.recipient_tag)
        return await store.replace(row, replace(row, key_id=self._sealer.key_id, sealed=sealed))

    async def _note(self, kind: str, done: Pass) -> None:
        """Tell the audit log what it does not know yet, also of a pass that ends before its time."""
        count, done.noted = done.resealed - done.noted, done.resealed
        if count:
            await self._journal.reseal(kind, count, self._sealer.key_id)

    def _tell(self, kind: str, done: Pass) -> None:
        """Metrics and log of a pass that is over."""
        for key_id, use in (self._ring.uses | {_MISSING: "missing"}).items():
            self._rows.labels(kind, key_id, use).set(done.found[key_id])
        if missing := done.found[_MISSING]:
            self._log.error("rows under a key that this node has not", kind=kind, count=missing)
        if self._old:
            self._log.info("resealed", kind=kind, seen=done.seen, count=done.resealed, damaged=done.damaged)
