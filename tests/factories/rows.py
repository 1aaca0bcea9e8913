# SPDX-License-Identifier: MIT
"""Sealed rows, as a node's services would store them, of every shape that a row can have."""

import secrets
import time

from osak.node.sealing import NodeKey, Sealer
from osak.node.storage.base import StoredCapsule, StoredShare

KEY = NodeKey.from_bytes(bytes(range(32)))
OTHER_KEY = NodeKey.from_bytes(bytes(32))
# A real time: Redis lets expired rows go by its own clock.
NOW = int(time.time())
ENDS = NOW + 100_000


def sealed_share(number: int, ends: int = ENDS, key: NodeKey = KEY) -> StoredShare:
    """A share; odd ones cannot be revoked, every third has a set."""
    share_id = f"{number:032x}"
    sealer = Sealer(key, secrets.token_bytes)
    tag = sealer.recipient_tag(share_id, "etsi/PNOEE-48010010101")
    return StoredShare(
        share_id,
        key.key_id,
        sealer.seal(number.to_bytes(32, "big"), share_id, tag),
        tag,
        NOW - 100,
        ends,
        None if number % 2 else b"h" * 32,
        None if number % 3 else f"set={number:032x}; index=2; threshold=3; nodes=5",
    )


def sealed_capsule(number: int, ends: int = ENDS, key: NodeKey = KEY) -> StoredCapsule:
    """A capsule; their sizes differ."""
    name = f"KC{number:032x}"
    sealer = Sealer(key, secrets.token_bytes)
    tag = sealer.recipient_tag(name, "a public key")
    content = b"c" * (100 + number * 37 % 1000)
    return StoredCapsule(name, key.key_id, sealer.seal(content, name, tag), tag, NOW - 100, ends)
