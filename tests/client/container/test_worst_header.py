# SPDX-License-Identifier: MIT
"""What the worst header of 1 MiB can cost its reader: bounded memory, bounded work.

Memory is what Python allocates, work is counted in function calls; neither depends on the machine's
mood. Read on a slow processor, two million calls take about a second.
"""

import contextlib
import struct
import sys
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from independent.flatbuffer_writer import Byte, Fields, encode

from osak.client.container import Limits, Recipient
from osak.client.container.errors import DamagedContainerError
from osak.client.container.header import parse_header
from osak.client.inspection import describe_record

MOST_BYTES_READ = 24 * 2**20
MOST_BYTES_SHOWN = 64 * 2**20
MOST_CALLS = 2_000_000
MOST_HEADER_BYTES = Limits().max_header_bytes

SALT = b"s" * 32
SMALL_SHARE: Fields = {0: "", 1: ""}


def record(kind: int, capsule: Fields, label: str = "l") -> Fields:
    """A recipient record."""
    return {0: Byte(kind), 1: capsule, 2: label, 3: SALT, 4: Byte(1)}


def honest(count: int, fields: Fields) -> bytes:
    """A header of so many records, each with bytes of its own."""
    return encode({0: [fields] * count, 1: Byte(1)})


def shared(count: int, fields: Fields) -> bytes:
    """A header whose list names one and the same record so many times."""
    single = honest(1, fields)
    root = struct.unpack_from("<I", single)[0]
    listed = root + 4 + struct.unpack_from("<I", single, root + 4)[0]
    first = listed + 4
    # Everything behind the list moves as one, so only the list's own offsets change.
    target = first + struct.unpack_from("<I", single, first)[0] + 4 * (count - 1)
    entries = (struct.pack("<I", target - place) for place in range(first, first + 4 * count, 4))
    return single[:listed] + struct.pack("<I", count) + b"".join(entries) + single[first + 4 :]


def all_shares(count: int) -> Fields:
    """The capsule with the most to read for its bytes: shares with empty texts."""
    return {0: [SMALL_SHARE] * count, 1: SALT, 2: Byte(1), 3: Byte(1), 4: "etsi/x"}


# One character beyond the basic plane makes Python keep four bytes for every letter of its text.
WIDE = "\U0001f600"
HEADERS: dict[str, Callable[[], bytes]] = {
    "1000 records with long labels": lambda: honest(1000, record(4, {0: SALT}, "l" * 880)),
    "as many shares as fit": lambda: honest(100, record(6, all_shares(255))),
    "1000 records that are one long list": lambda: shared(1000, record(6, all_shares(255))),
    "1000 records that are one label": lambda: shared(1000, record(4, {0: SALT}, WIDE + "l" * 3500)),
    "4 records that are one label of 1 MiB": lambda: shared(4, record(4, {0: SALT}, WIDE + "l" * 1_000_000)),
    "1000 labels that are one, to be decoded": lambda: shared(
        1000, record(4, {0: SALT}, "data:,label=" + WIDE + "%41" * 1150)
    ),
    "1000 records of no known kind": lambda: shared(1000, record(99, {})),
}
every_header = pytest.mark.parametrize("make", HEADERS.values(), ids=HEADERS)


@contextlib.contextmanager
def peak_memory() -> Iterator[Callable[[], int]]:
    """Gives the most bytes that were allocated at once within the block."""
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def read(header: bytes) -> tuple[Recipient, ...]:
    """The records, or none of a header that is refused."""
    try:
        return parse_header(header, Limits())
    except DamagedContainerError:
        return ()


@every_header
def test_memory_is_bounded(make: Callable[[], bytes]) -> None:
    """No header within the limit needs more than 24 MiB to be read, and 64 MiB to be shown."""
    header = make()
    assert len(header) <= MOST_HEADER_BYTES
    with peak_memory() as peak:
        recipients = read(header)
        assert peak() < MOST_BYTES_READ
        assert all(describe_record(recipient).who.isprintable() for recipient in recipients)
        assert peak() < MOST_BYTES_SHOWN


@every_header
def test_work_is_bounded(make: Callable[[], bytes]) -> None:
    """No header within the limit makes its reader call more than two million functions."""
    header, calls = make(), 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        read(header)
    finally:
        sys.setprofile(before)
    assert 0 < calls < MOST_CALLS


def test_the_worst_headers_are_hard_to_read() -> None:
    """The bounds above are tried with headers that come near to them, or run out of the budget."""
    with peak_memory() as peak:
        read(HEADERS["4 records that are one label of 1 MiB"]())
        assert peak() > MOST_BYTES_READ / 2
    with pytest.raises(DamagedContainerError, match="too many times"):
        parse_header(HEADERS["1000 records that are one long list"](), Limits())
