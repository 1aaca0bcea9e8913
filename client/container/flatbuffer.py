# SPDX-License-Identifier: MIT
"""A strict reader of FlatBuffers: every offset, length and field is checked before it is followed.

The Python library has no verifier and trusts its input, so hostile bytes are read here instead. The
checks are those of the official verifier: everything lies inside the buffer, scalars and offsets are
aligned, vtables are sane, strings end in NUL and are UTF-8, required fields are there. What reaches
the caller is a value or ``DamagedContainerError``, nothing else.

Offsets may be shared, so a small buffer can describe a huge tree. Every step therefore pays from one
``Budget``; an honest header uses a fraction of it, a hostile one runs out after bounded work.
Knows FlatBuffers only, nothing of CDOC2. Writing is left to the library.
"""

from typing import Final

from osak.client.container.errors import DamagedContainerError

_OFFSET_BYTES: Final = 4
_VTABLE_ENTRY_BYTES: Final = 2
_VTABLE_HEAD_BYTES: Final = 4
_STEP_BYTES: Final = 32
"""What following one offset costs besides the bytes read; about the time of copying nothing."""


class Budget:
    """How much may still be read of one buffer."""

    def __init__(self, budget_bytes: int) -> None:
        """Begin with this many bytes."""
        self._left_bytes = budget_bytes

    def spend(self, count_bytes: int) -> None:
        """Pay for one step and the bytes it reads.

        Raises:
            DamagedContainerError: the header makes its reader read the same bytes again and again.
        """
        self._left_bytes -= _STEP_BYTES + count_bytes
        if self._left_bytes < 0:
            raise DamagedContainerError("the header refers to the same bytes too many times")


class Table:
    """One table of the buffer; fields are named by their id, as they stand in the schema."""

    __slots__ = ("_budget", "_buffer", "_position", "_table_bytes", "_vtable", "_vtable_bytes")

    def __init__(self, buffer: bytes, position: int, budget: Budget) -> None:
        """Check the table's own frame.

        Raises:
            DamagedContainerError: it, or its vtable, does not lie inside the buffer.
        """
        self._buffer = buffer
        self._budget = budget
        self._position = position
        vtable = position - _integer(buffer, position, 4, signed=True)
        vtable_bytes = _integer(buffer, vtable, 2)
        table_bytes = _integer(buffer, vtable + 2, 2)
        budget.spend(vtable_bytes + table_bytes)
        if (
            vtable_bytes < _VTABLE_HEAD_BYTES
            or vtable_bytes % _VTABLE_ENTRY_BYTES
            or vtable + vtable_bytes > len(buffer)
        ):
            raise DamagedContainerError("the header is damaged: a table of offsets has an impossible size")
        if table_bytes < _OFFSET_BYTES or position + table_bytes > len(buffer):
            raise DamagedContainerError("the header is damaged: a table reaches beyond its end")
        self._vtable = vtable
        self._vtable_bytes = vtable_bytes
        self._table_bytes = table_bytes

    def ubyte(self, field: int) -> int:
        """An unsigned byte or a byte-sized enum, 0 when absent."""
        return self._scalar(field, 1)

    def int32(self, field: int) -> int:
        """A signed 32-bit number, 0 when absent."""
        return self._scalar(field, 4, signed=True)

    def has(self, field: int) -> bool:
        """Whether the field is there at all."""
        return self._find(field, _OFFSET_BYTES) is not None

    def table(self, field: int) -> "Table":
        """A required table."""
        return Table(self._buffer, self._target(field), self._budget)

    def tables(self, field: int) -> list["Table"]:
        """A required vector of tables."""
        start, count = self._vector(field, _OFFSET_BYTES)
        places = range(start, start + count * _OFFSET_BYTES, _OFFSET_BYTES)
        return [Table(self._buffer, _follow(self._buffer, place), self._budget) for place in places]

    def count(self, field: int) -> int:
        """How many elements a required vector of tables has, without looking at them."""
        return self._vector(field, _OFFSET_BYTES)[1]

    def data(self, field: int) -> bytes:
        """A required vector of bytes."""
        start, count = self._vector(field, 1)
        return self._buffer[start : start + count]

    def text(self, field: int) -> str:
        """A required string."""
        start, count = self._vector(field, 1)
        end = start + count
        if self._buffer[end : end + 1] != b"\0":
            raise DamagedContainerError("the header is damaged: a string has no end")
        try:
            return self._buffer[start:end].decode()
        except UnicodeDecodeError as cause:
            raise DamagedContainerError("the header is damaged: a string is not UTF-8") from cause

    def _scalar(self, field: int, size: int, *, signed: bool = False) -> int:
        place = self._find(field, size)
        return 0 if place is None else _integer(self._buffer, place, size, signed=signed)

    def _find(self, field: int, size: int) -> int | None:
        """Where the field of this size stands in the buffer, or None when it is absent."""
        entry = _VTABLE_HEAD_BYTES + field * _VTABLE_ENTRY_BYTES
        if entry >= self._vtable_bytes:
            return None
        offset = _integer(self._buffer, self._vtable + entry, 2)
        if offset == 0:
            return None
        if offset < _OFFSET_BYTES or offset + size > self._table_bytes:
            raise DamagedContainerError("the header is damaged: a field stands outside its table")
        return self._position + offset

    def _target(self, field: int) -> int:
        place = self._find(field, _OFFSET_BYTES)
        if place is None:
            raise DamagedContainerError("the header is damaged: a required field is missing")
        return _follow(self._buffer, place)

    def _vector(self, field: int, item_bytes: int) -> tuple[int, int]:
        """Where the items of a required vector start, and how many there are."""
        position = self._target(field)
        count = _integer(self._buffer, position, 4)
        start = position + 4
        if count * item_bytes > len(self._buffer) - start:
            raise DamagedContainerError("the header is damaged: a list reaches beyond its end")
        self._budget.spend(count * item_bytes)
        return start, count


def root_table(buffer: bytes, budget: Budget) -> Table:
    """Return the root of a buffer that has neither a size prefix nor a file identifier.

    Raises:
        DamagedContainerError: there is no table where the buffer says.
    """
    return Table(buffer, _follow(buffer, 0), budget)


def _follow(buffer: bytes, place: int) -> int:
    """Where the unsigned offset at this place leads: always forward."""
    return place + _integer(buffer, place, 4)


def _integer(buffer: bytes, place: int, size: int, *, signed: bool = False) -> int:
    """The little-endian number of this size, which stands at a multiple of its size."""
    if place < 0 or place + size > len(buffer) or place % size:
        raise DamagedContainerError("the header is damaged: an offset leads nowhere")
    return int.from_bytes(buffer[place : place + size], "little", signed=signed)
