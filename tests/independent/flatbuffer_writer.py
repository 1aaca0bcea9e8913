# SPDX-License-Identifier: MIT
"""A plain FlatBuffers encoder for tests: any table, honest or not, out of Python values.

A table is a dict of field id to value: ``Byte``, ``Int32``, bytes, str, another dict, or a list of
dicts. Leaving a field out, giving an unknown type number or a wrong length makes the odd headers that
no honest writer makes. Tables come before their children, so offsets point forward.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import TypeAlias


class Byte(int):
    """A scalar of one byte."""


class Int32(int):
    """A scalar of four bytes."""


Value: TypeAlias = "Byte | Int32 | bytes | str | Mapping[int, Value] | Sequence[Mapping[int, Value]]"
Fields: TypeAlias = Mapping[int, Value]


def encode(root: Fields) -> bytes:
    """Return the buffer with this root table."""
    out = bytearray(4)
    _patch(out, 0, _table(out, root))
    return bytes(out)


def _table(out: bytearray, fields: Fields) -> int:
    """Append a vtable, the table and everything it refers to; returns where the table is."""
    offsets, size = {}, 4
    for field in fields:
        offsets[field] = size
        size += 4  # a byte is padded, which FlatBuffers allow
    entries = max(fields, default=-1) + 1
    _align(out)
    vtable = len(out)
    out += struct.pack("<HH", 4 + 2 * entries, size)
    out += b"".join(struct.pack("<H", offsets.get(field, 0)) for field in range(entries))
    _align(out)
    table = len(out)
    out += struct.pack("<i", table - vtable) + bytes(size - 4)
    for field, value in fields.items():
        place = table + offsets[field]
        if isinstance(value, Byte):
            out[place] = value
        elif isinstance(value, Int32):
            struct.pack_into("<i", out, place, value)
        else:
            _patch(out, place, _child(out, value))
    return table


def _child(out: bytearray, value: Value) -> int:
    if not isinstance(value, bytes | str | Sequence):
        assert isinstance(value, Mapping)
        return _table(out, value)
    _align(out)
    position = len(out)
    if isinstance(value, bytes | str):
        data = value.encode() if isinstance(value, str) else value
        out += struct.pack("<I", len(data)) + data + b"\0"
        return position
    out += struct.pack("<I", len(value)) + bytes(4 * len(value))
    for number, item in enumerate(value):
        _patch(out, position + 4 + 4 * number, _table(out, item))
    return position


def _patch(out: bytearray, place: int, target: int) -> None:
    struct.pack_into("<I", out, place, target - place)


def _align(out: bytearray) -> None:
    out += bytes(-len(out) % 4)
