# SPDX-License-Identifier: MIT
"""``osak node key status``: what lies in the store under each key."""

from collections import Counter
from dataclasses import dataclass

from osak.node.config import NodeConfig
from osak.node.key_ring import NodeKeyRing, read_ring, shown_id
from osak.node.role_stores import open_role_stores
from osak.shares.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """A node's keys, and how many shares and capsules lie under each.

    Attributes:
        counts: rows by key id, also of keys that the node has not.
    """

    ring: NodeKeyRing
    counts: Counter[str]

    @property
    def missing(self) -> list[str]:
        """Keys under which rows lie that nobody can open."""
        return sorted(set(self.counts) - set(self.ring.key_ids))

    def __str__(self) -> str:
        uses = self.ring.uses | dict.fromkeys(self.missing, "missing")
        return "\n".join(
            f"{shown_id(key_id)}  {use:7}  {self.counts[key_id]:>10} rows" for key_id, use in uses.items()
        )


async def count_by_key(config: NodeConfig) -> KeyStatus:
    """Go through the store and count; what is moved or sealed anew just then may count twice.

    Raises:
        ConfigurationError: a key or another file is not what it should be, or the store is in memory.
        StorageError: the store cannot be read.
        OSError: a file cannot be read.
    """
    if config.storage.kind == "memory":
        raise ConfigurationError("storage.kind", ["memory belongs to one process: nobody else can read it"])
    ring = read_ring(config.sealing)
    counts: Counter[str] = Counter()
    async with open_role_stores(config) as stores:
        async for row in stores.walk():
            counts[row.key_id] += 1
    return KeyStatus(ring, counts)
