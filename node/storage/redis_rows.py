# SPDX-License-Identifier: MIT
"""How rows lie in Redis: keys and lives (docs/adr/0015).

``osak:share:{ID}`` and ``osak:capsule:{ID}`` hold a row, ``osak:spent:{ID}:NONCE`` says that a nonce
was spent, and ``osak:released:{ID}`` is a hash of ``count`` and the latest releases' numbers and times. The
braces are a Cluster's hash tag: all of a share lies on one server. A row's value is what ``row_bytes`` makes.
"""

from typing import Final

from osak.node.errors import StorageError
from osak.node.storage.base import Releases

# Redis erases by its own clock. A row is invisible from its last second on by the node's clock, and Redis
# lets it go a day later: a clock that jumps by a day takes no share, and revives no nonce.
GRACE_SECONDS: Final = 86_400
SHARE_KEYS: Final = "osak:share:*"
CAPSULE_KEYS: Final = "osak:capsule:*"


def share_key(share_id: str) -> str:
    """Where a share lies."""
    return f"osak:share:{{{share_id}}}"


def spent_key(share_id: str, nonce: str) -> str:
    """Where it stands that a nonce was spent."""
    return f"osak:spent:{{{share_id}}}:{nonce}"


def released_key(share_id: str) -> str:
    """Where it stands how often a share was given out."""
    return f"osak:released:{{{share_id}}}"


def capsule_key(transaction_id: str) -> str:
    """Where a capsule lies."""
    return f"osak:capsule:{{{transaction_id}}}"


def row_id(key: bytes) -> str:
    """The id in a key; whoever can write into Redis chooses what stands there."""
    return key.decode(errors="replace").partition("{")[2].rpartition("}")[0]


def read_releases(fields: dict[bytes, bytes]) -> Releases:
    """What the hash at ``released_key`` holds.

    Raises:
        StorageError: something else.
    """
    try:
        times = sorted((int(name), int(value)) for name, value in fields.items() if name != b"count")
        return Releases(int(fields.get(b"count", 0)), tuple(time for _, time in times))
    except ValueError as error:
        raise StorageError("what is remembered of releases cannot be read") from error
