# SPDX-License-Identifier: MIT
"""Records of a backup: all of a row comes back, and the stream is read strictly."""

import struct
from itertools import count

import pytest
from factories.rows import sealed_capsule, sealed_share
from hypothesis import given, settings
from hypothesis import strategies as st

from osak.node.backup.records import Begin, End, KeptShare, Record, encode_record, read_records
from osak.node.errors import BackupError
from osak.node.storage.base import MAX_RELEASE_TIMES, Releases, StoredCapsule, StoredShare

BEGIN = Begin("ria", 1_900_000_000, "0.1.0")
SHARE = KeptShare(sealed_share(6), Releases(3, (5, 7)))
CAPSULE = sealed_capsule(1)
WHOLE: list[Record] = [BEGIN, SHARE, KeptShare(sealed_share(1), Releases()), CAPSULE, End(2, 1)]

bytes_or_none = st.none() | st.binary(max_size=40)
times = st.integers(0, 2**40)
texts = st.text(st.characters(codec="ascii"), min_size=1, max_size=40)
releases = st.lists(times, max_size=MAX_RELEASE_TIMES).flatmap(
    lambda known: st.integers(len(known), 2**40).map(lambda count: Releases(count, tuple(known)))
)
shares = st.builds(
    StoredShare,
    texts,
    texts,
    st.binary(max_size=9000),
    st.binary(),
    times,
    times,
    bytes_or_none,
    st.none() | st.text(),
)
capsules = st.builds(StoredCapsule, texts, texts, st.binary(max_size=9000), st.binary(), times, times)


@given(st.lists(st.builds(KeptShare, shares, releases) | capsules, max_size=5), st.integers(1, 4000))
@settings(max_examples=60)
def test_comes_back(rows: list[KeptShare | StoredCapsule], piece: int) -> None:
    """Every field of every row comes back, in pieces of any size."""
    kept = sum(isinstance(row, KeptShare) for row in rows)
    records = [BEGIN, *rows, End(kept, len(rows) - kept)]
    data = b"".join(map(encode_record, records))
    pieces = [data[start : start + piece] for start in range(0, len(data), piece)]
    assert list(read_records(pieces)) == records


@pytest.mark.parametrize(
    "records",
    [
        [],
        WHOLE[:-1],
        WHOLE[1:],
        [BEGIN, *WHOLE],
        [*WHOLE, SHARE],
        [*WHOLE, End(2, 1)],
        [BEGIN, SHARE, End(0, 1)],
        [BEGIN, CAPSULE, End(0, 2)],
    ],
    ids=[
        "nothing",
        "no end",
        "no beginning",
        "two beginnings",
        "behind the end",
        "two ends",
        "kind",
        "count",
    ],
)
def test_order_and_counts(records: list[Record]) -> None:
    """A backup begins once, ends once, and its end counts what came."""
    with pytest.raises(BackupError):
        list(read_records([b"".join(map(encode_record, records))]))


def record(kind: bytes, body: bytes) -> bytes:
    """A record of any kind and body."""
    return struct.pack(">cI", kind, len(body)) + body


@pytest.mark.parametrize(
    "data",
    [
        record(b"X", b""),
        record(b"B", b"{}"),
        record(b"B", b'{"node": "a", "time": 1, "version": "1", "more": 1}'),
        record(b"B", b"\xff"),
        record(b"S", b""),
        record(b"S", b"\x05ab"),
        encode_record(SHARE)[:-8],
        record(b"S", encode_record(SHARE)[5:] + b"\0"),
        record(b"S", encode_record(SHARE)[5:-24]),
        record(b"S", encode_record(SHARE)[5:] + bytes(8 * MAX_RELEASE_TIMES)),
        record(b"C", encode_record(CAPSULE)[5:] + b"\0"),
        record(b"C", encode_record(SHARE)[5:]),
        record(b"E", b"\0"),
        struct.pack(">cI", b"S", 2**20 + 1) + bytes(2**20 + 1),
    ],
    ids=count(),  # some are different each time
)
def test_strict(data: bytes) -> None:
    """A record that no node writes is refused, also one that is longer than any."""
    with pytest.raises(BackupError):
        list(read_records([encode_record(BEGIN), data, encode_record(End(1, 0))]))
