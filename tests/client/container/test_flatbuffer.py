# SPDX-License-Identifier: MIT
"""The strict FlatBuffers reader: honest buffers read, every crooked one is refused by our own error."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from independent.flatbuffer_writer import Byte, Int32, encode

from osak.client.container.errors import DamagedContainerError
from osak.client.container.flatbuffer import Budget, Table, root_table


def root(buffer: bytes, budget_bytes: int = 10_000) -> Table:
    """The root of a buffer, with enough budget for small ones."""
    return root_table(buffer, Budget(budget_bytes))


def test_reads_every_kind_of_field() -> None:
    """Scalars, bytes, strings, tables and vectors of tables come out as they went in."""
    table = root(
        encode({0: Byte(200), 1: Int32(-5), 2: b"\x00\xff", 3: "õun", 4: {0: Byte(1)}, 5: [{}, {0: "x"}]})
    )
    assert table.ubyte(0) == 200
    assert table.int32(1) == -5
    assert table.data(2) == b"\x00\xff"
    assert table.text(3) == "õun"
    assert table.table(4).ubyte(0) == 1
    assert table.count(5) == 2
    assert table.tables(5)[1].text(0) == "x"


def test_absent_fields() -> None:
    """Absent scalars are 0, as FlatBuffers define; absent required fields condemn the buffer."""
    table = root(encode({3: "there"}))
    assert table.ubyte(0) == 0
    assert table.int32(9) == 0
    assert table.has(3)
    assert not table.has(2)
    with pytest.raises(DamagedContainerError, match="missing"):
        table.data(2)


# One table with one field: root offset, vtable of 6 bytes and 2 of padding, table of 8, then a string "ab".
PLAIN = struct.pack("<IHHHHiII", 12, 6, 8, 4, 0, 8, 4, 2) + b"ab\0"


def test_plain_buffer_is_read() -> None:
    """The buffer that the next test breaks is good before."""
    assert root(PLAIN).text(0) == "ab"


@pytest.mark.parametrize(
    ("place", "value"),
    [
        pytest.param(0, struct.pack("<I", 1000), id="root beyond the end"),
        pytest.param(0, struct.pack("<I", 0xFFFFFFFF), id="huge root"),
        pytest.param(0, struct.pack("<I", 13), id="unaligned root"),
        pytest.param(12, struct.pack("<i", 100), id="vtable before the buffer"),
        pytest.param(12, struct.pack("<i", -1000), id="vtable beyond the end"),
        pytest.param(12, struct.pack("<i", 7), id="unaligned vtable"),
        pytest.param(4, struct.pack("<H", 2), id="vtable too small"),
        pytest.param(4, struct.pack("<H", 7), id="vtable of odd size"),
        pytest.param(4, struct.pack("<H", 60000), id="vtable too large"),
        pytest.param(6, struct.pack("<H", 2), id="table too small"),
        pytest.param(6, struct.pack("<H", 60000), id="table too large"),
        pytest.param(8, struct.pack("<H", 6), id="field across the table's end"),
        pytest.param(8, struct.pack("<H", 2), id="field over the table's head"),
        pytest.param(16, struct.pack("<I", 5000), id="string beyond the end"),
        pytest.param(16, struct.pack("<I", 5), id="unaligned string"),
        pytest.param(20, struct.pack("<I", 3), id="string over its NUL"),
        pytest.param(20, struct.pack("<I", 0xFFFFFFFF), id="huge string"),
        pytest.param(20, struct.pack("<I", 1), id="string without NUL"),
        pytest.param(24, b"\xff", id="string not UTF-8"),
    ],
)
def test_crooked_buffers(place: int, value: bytes) -> None:
    """One wrong number anywhere ends as DamagedContainerError."""
    buffer = bytearray(PLAIN)
    buffer[place : place + len(value)] = value
    with pytest.raises(DamagedContainerError):
        root(bytes(buffer)).text(0)


def test_unaligned_field() -> None:
    """A 32-bit number that does not stand at a multiple of 4 is refused, as the official verifier does."""
    buffer = struct.pack("<IHHHHiII", 12, 6, 12, 5, 0, 8, 0, 0)
    with pytest.raises(DamagedContainerError):
        root(buffer).int32(0)


def test_vector_of_tables_beyond_the_end() -> None:
    """A vector cannot have more elements than the buffer has room for."""
    buffer = bytearray(PLAIN)
    buffer[20:24] = struct.pack("<I", 1)
    with pytest.raises(DamagedContainerError):
        root(bytes(buffer)).tables(0)


def test_budget_stops_rereading() -> None:
    """Shared offsets cannot make a small buffer cost more than the budget."""
    table = root(encode({0: b"x" * 1000}), budget_bytes=5000)
    with pytest.raises(DamagedContainerError, match="too many times"):
        for _ in range(10):
            table.data(0)


@given(st.binary(max_size=200))
def test_random_bytes(buffer: bytes) -> None:
    """Bytes at random are read or refused, never anything else."""
    try:
        table = root(buffer)
        table.text(0)
        table.tables(1)
    except DamagedContainerError:
        pass
