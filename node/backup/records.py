# SPDX-License-Identifier: MIT
"""What stands in a backup, as a stream of records: a beginning, shares, capsules, an end that counts them.

    record: kind (1 byte) || length (4 bytes, big-endian) || body

``B``'s body is JSON: node, time, version. ``S`` is a share, ``C`` a capsule: length of the id (1 byte), id,
length of the row (4 bytes), row (``storage.row_bytes``); a share's goes on with how often it was given out
and the latest times (8 bytes each). ``E``'s body is the number of shares and of capsules (8 bytes each).

Pure: no file, no clock. Reading is strict, though only who has the node key could have written what is read.
"""

import json
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from osak.node.errors import BackupError, StorageError
from osak.node.storage.base import MAX_RELEASE_TIMES, Releases, StoredCapsule, StoredShare
from osak.node.storage.row_bytes import capsule_bytes, read_capsule, read_share, share_bytes

_HEAD: Final = struct.Struct(">cI")
_ROW_LENGTH: Final = struct.Struct(">I")
_END: Final = struct.Struct(">QQ")
_MAX_BODY_BYTES: Final = 2**20
_NUMBER_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Begin:
    """Where a backup comes from.

    Attributes:
        node_id: of the node.
        time: when it was begun, seconds since 1970: what was acknowledged before is in it.
        version: of osak.
    """

    node_id: str
    time: int
    version: str


@dataclass(frozen=True, slots=True)
class KeptShare:
    """A share and how often it was given out."""

    share: StoredShare
    releases: Releases


@dataclass(frozen=True, slots=True)
class End:
    """How many came before."""

    shares: int
    capsules: int


Record = Begin | KeptShare | StoredCapsule | End


def encode_record(record: Record) -> bytes:
    """A record's bytes."""
    if isinstance(record, Begin):
        members = {"node": record.node_id, "time": record.time, "version": record.version}
        kind, body = b"B", json.dumps(members, sort_keys=True).encode()
    elif isinstance(record, KeptShare):
        numbers = (record.releases.count, *record.releases.times)
        releases = struct.pack(f">{len(numbers)}Q", *numbers)
        kind, body = b"S", _row(record.share.share_id, share_bytes(record.share)) + releases
    elif isinstance(record, StoredCapsule):
        kind, body = b"C", _row(record.transaction_id, capsule_bytes(record))
    else:
        kind, body = b"E", _END.pack(record.shares, record.capsules)
    return _HEAD.pack(kind, len(body)) + body


def read_records(pieces: Iterable[bytes]) -> Iterator[Record]:
    """The records in a stream that comes in pieces of any size.

    Raises:
        BackupError: it is no beginning, rows and an end that counts them.
    """
    shares = capsules = 0
    is_first, end = True, None
    for kind, body in _split(pieces):
        record = _decode(kind, body)
        if isinstance(record, Begin) != is_first or end is not None:
            raise BackupError("the backup's records are out of order")
        is_first = False
        shares += isinstance(record, KeptShare)
        capsules += isinstance(record, StoredCapsule)
        end = record if isinstance(record, End) else None
        yield record
    if end != End(shares, capsules):
        raise BackupError("the backup does not hold what its end says")


def _row(row_id: str, row: bytes) -> bytes:
    name = row_id.encode("ascii")
    return bytes([len(name)]) + name + _ROW_LENGTH.pack(len(row)) + row


def _split(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of one record after another."""
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        position = 0
        while len(buffer) - position >= _HEAD.size:
            kind, length = _HEAD.unpack_from(buffer, position)
            if length > _MAX_BODY_BYTES:
                raise BackupError("a record of the backup is too long")
            end = position + _HEAD.size + length
            if end > len(buffer):
                break
            yield kind, bytes(buffer[position + _HEAD.size : end])
            position = end
        del buffer[:position]
    if buffer:
        raise BackupError("the last record of the backup is cut short")


def _decode(kind: bytes, body: bytes) -> Record:
    try:
        if kind == b"B":
            return _read_begin(body)
        if kind == b"E":
            return End(*_END.unpack(body))
        row_id, row, rest = _read_row(body)
        if kind == b"S":
            return KeptShare(read_share(row_id, row), _read_releases(rest))
        if kind == b"C" and not rest:
            return read_capsule(row_id, row)
    except (StorageError, ValueError, struct.error) as error:
        raise BackupError("a record of the backup is not what a node writes") from error
    raise BackupError("a record of the backup is of a kind that this osak does not know")


def _read_begin(body: bytes) -> Begin:
    match json.loads(body):
        case {"node": str(node_id), "time": int(time), "version": str(version), **rest} if not rest:
            return Begin(node_id, time, version)
    raise ValueError("not a beginning")


def _read_row(body: bytes) -> tuple[str, bytes, bytes]:
    start = 1 + body[0] if body else 0
    (length,) = _ROW_LENGTH.unpack_from(body, start)
    end = start + _ROW_LENGTH.size + length
    if end > len(body):
        raise ValueError("the row is cut short")
    return body[1:start].decode("ascii"), body[start + _ROW_LENGTH.size : end], body[end:]


def _read_releases(data: bytes) -> Releases:
    numbers = struct.unpack(f">{len(data) // _NUMBER_BYTES}Q", data)
    count, times = numbers[0] if numbers else 0, numbers[1:]
    if not numbers or not len(times) <= min(count, MAX_RELEASE_TIMES):
        raise ValueError("no count of releases")
    return Releases(count, times)
