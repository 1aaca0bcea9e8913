# SPDX-License-Identifier: MIT
"""How many shares and capsules a node keeps, as its metrics tell; counted in the background.

Not at each scrape, but every five minutes: to count is to go over an index, or over Redis's keys. Between two
counts the number is that of the last; before the first it is not a number. Processes that share a storage
all count the same.
"""

import asyncio
import math
from collections.abc import Mapping
from typing import Any, Final

from prometheus_client import Gauge

from osak.node.errors import StorageError
from osak.node.storage.base import Rows
from osak.node.telemetry import Telemetry

_EVERY_SECONDS: Final = 300.0


class RowCounts:
    """Counts the rows of stores, which are known by what they keep: ``shares``, ``capsules``."""

    def __init__(self, stores: Mapping[str, Rows[Any]], telemetry: Telemetry) -> None:
        # Any: rows of either kind count.
        self._log = telemetry.log
        self._stores = stores
        self._gauge = Gauge(
            "osak_node_stored_rows",
            "Shares and capsules in the storage at the last count, with those expired but not erased yet.",
            ["kind"],
            registry=telemetry.registry,
        )
        for kind in stores:
            self._gauge.labels(kind).set(math.nan)

    async def count(self) -> None:
        """Count once; a store that fails keeps its last number."""
        for kind, store in self._stores.items():
            try:
                self._gauge.labels(kind).set(await store.count())
            except StorageError as error:
                self._log.warning("counting failed", reason=str(error))

    async def run(self) -> None:
        """Count again and again, until it is cancelled."""
        while True:
            await self.count()
            await asyncio.sleep(_EVERY_SECONDS)
