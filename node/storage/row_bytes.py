# SPDX-License-Identifier: MIT
"""A row as one string of bytes, for where rows have no columns: Redis (docs/adr/0015) and backups.

    version 1 (1 byte) || created, expires (8 bytes each, big-endian, seconds since 1970)
    || each other field: length (2 bytes, big-endian; FFFF: none) || bytes

It is read strictly: anything missing or left over is an error, so half a row is never served. The row's id is
not in it; it stands beside.
"""

import struct

from osak.node.errors import StorageError
from osak.node.storage.base import StoredCapsule, StoredShare

_HEAD = struct.Struct(">BQQ")
_LENGTH = struct.Struct(">H")
_VERSION = 1
_NONE = 0xFFFF


def share_bytes(share: StoredShare) -> bytes:
    """A share's row, but its id."""
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
        key_id=_text(_present(key_id)),
        sealed=_present(sealed),
        recipient_tag=_present(tag),
        created_at=created_at,
        expires_at=expires_at,
        revocation_hash=revocation_hash,
        share_set=None if share_set is None else _text(share_set),
    )


def capsule_bytes(capsule: StoredCapsule) -> bytes:
    """A capsule's row, but its id."""
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
        key_id=_text(_present(key_id)),
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
        raise StorageError("a stored row is cut short") from error
    if position != len(value):
        raise StorageError("a stored row has the wrong length")
    return created_at, expires_at, fields


def _present(field: bytes | None) -> bytes:
    if field is None:
        raise StorageError("a stored row lacks a field")
    return field


def _text(field: bytes) -> str:
    try:
        return field.decode()
    except UnicodeDecodeError as error:
        raise StorageError("a stored row has a text that is none") from error
