# SPDX-License-Identifier: MIT
"""How rows lie in Redis: keys, values and lives (docs/adr/0015).

``osak:share:{ID}`` and ``osak:capsule:{ID}`` hold a row, ``osak:spent:{ID}:NONCE`` says that a nonce
was spent, and ``osak:released:{ID}`` is a hash of ``count`` and the latest releases' numbers and times. The
braces are a Cluster's hash tag: all of a share lies on one server. A row's value is

    version 1 (1 byte) || created, expires (8 bytes each, big-endian, seconds since 1970)
    || each other field: length (2 bytes, big-endian; FFFF: none) || bytes

and is read strictly: anything missing or left over is an error, so half a row is never served.
"""

import struct
from typing import Final

from osak.node.errors import StorageError
from osak.node.storage.base import Releases, StoredCapsule, StoredShare

# Redis erases by its own clock. A row is invisible from its last second on by the node's clock, and Redis
# lets it go a day later: a clock that jumps by a day takes no share, and revives no nonce.
GRACE_SECONDS: Final = 86_400
SHARE_KEYS: Final = "osak:share:*"

_HEAD = struct.Struct(">BQQ")
_LENGTH = struct.Struct(">H")
_VERSION = 1
_NONE = 0xFFFF


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
    """The id in a key."""
    return key.decode().partition("{")[2].rpartition("}")[0]


def share_value(share: StoredShare) -> bytes:
    """A share as Redis keeps it."""
    share_set = None if share.share_set is None else share.share_set.encode()
    fields = (share.key_id.encode(), share.sealed, share.recipient_tag, share.revocation_hash, share_set)
    return _encode(share.created_at, share.expires_at, fields)


def read_share(share_id: str, value: bytes) -> StoredShare:
    """The share that ``value`` holds.

    Raises:
        StorageError: it holds none.
    """
    created_at, expires_at, fields = _decode(value, 5)
    key_id, sealed, tag, revocation_hash, share_set = fields
    return StoredShare(
        share_id=share_id,
        key_id=_present(key_id).decode(),
        sealed=_present(sealed),
        recipient_tag=_present(tag),
        created_at=created_at,
        expires_at=expires_at,
        revocation_hash=revocation_hash,
        share_set=None if share_set is None else share_set.decode(),
    )


def read_releases(fields: dict[bytes, bytes]) -> Releases:
    """What the hash at ``released_key`` holds."""
    times = sorted((int(name), int(value)) for name, value in fields.items() if name != b"count")
    return Releases(int(fields.get(b"count", 0)), tuple(time for _, time in times))


def capsule_value(capsule: StoredCapsule) -> bytes:
    """A capsule as Redis keeps it."""
    fields = (capsule.key_id.encode(), capsule.sealed, capsule.recipient_tag)
    return _encode(capsule.created_at, capsule.expires_at, fields)


def read_capsule(transaction_id: str, value: bytes) -> StoredCapsule:
    """The capsule that ``value`` holds.

    Raises:
        StorageError: it holds none.
    """
    created_at, expires_at, (key_id, sealed, tag) = _decode(value, 3)
    return StoredCapsule(
        transaction_id=transaction_id,
        key_id=_present(key_id).decode(),
        sealed=_present(sealed),
        recipient_tag=_present(tag),
        created_at=created_at,
        expires_at=expires_at,
    )


def _encode(created_at: int, expires_at: int, fields: tuple[bytes | None, ...]) -> bytes:
    parts = [_HEAD.pack(_VERSION, created_at, expires_at)]
    for field in fields:
        parts.append(_LENGTH.pack(_NONE if field is None else len(field)))
        parts.append(field or b"")
    return b"".join(parts)


def _decode(value: bytes, count: int) -> tuple[int, int, list[bytes | None]]:
    try:
        version, created_at, expires_at = _HEAD.unpack_from(value)
        if version != _VERSION:
            raise StorageError(f"a row of version {version}, which this osak does not know")
        fields, position = [], _HEAD.size
        for _ in range(count):
            (length,) = _LENGTH.unpack_from(value, position)
            position += _LENGTH.size
            end = position + (0 if length == _NONE else length)
            fields.append(None if length == _NONE else value[position:end])
            position = end
    except struct.error as error:
        raise StorageError("a row in Redis is cut short") from error
    if position != len(value):
        raise StorageError("a row in Redis has the wrong length")
    return created_at, expires_at, fields


def _present(field: bytes | None) -> bytes:
    if field is None:
        raise StorageError("a row in Redis lacks a field")
    return field
