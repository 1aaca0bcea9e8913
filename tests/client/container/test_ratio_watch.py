# SPDX-License-Identifier: MIT
"""What the official Java client refuses is foreseen; the cases were tried with that client, release 2.0.0."""

import io
import itertools
import random
import zlib
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osak.client.container import Compression, Entry, SymmetricRecipient, write_container
from osak.client.container.ratio_watch import RatioWatch

NOISE = random.Random(7)
MIB = 2**20


def refused(*files: bytes, compression: Compression = Compression.FAST) -> bool:
    """Whether the container of these files is said to be refused."""
    entries = [Entry(f"f{number}", len(data), partial(io.BytesIO, data)) for number, data in enumerate(files)]
    summary = write_container(
        io.BytesIO(), entries, [SymmetricRecipient("k", bytes(32))], compression=compression
    )
    return summary.exceeds_java_ratio


def spotted(zeros: int) -> bytes:
    """Noise with this many zeros for every hundred bytes of it."""
    return b"".join(NOISE.randbytes(100) + bytes(zeros) for _ in range(3000))


@pytest.mark.parametrize("compression", [Compression.FAST, Compression.BEST])
@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param([b"x" * 10], False, id="one tiny file"),
        pytest.param([b""], False, id="one empty file"),
        pytest.param([NOISE.randbytes(200), NOISE.randbytes(200)], False, id="two small files"),
        pytest.param([b"%d" % number * 10 for number in range(5)], True, id="five tiny files"),
        pytest.param([bytes(20_000)], True, id="zeros"),
        pytest.param([b"", bytes(30_000)], True, id="zeros after an empty file"),
        pytest.param([bytes(10_000) + NOISE.randbytes(MIB)], True, id="zeros before noise"),
        pytest.param([bytes(4000) + NOISE.randbytes(3000)], True, id="a few zeros before noise"),
        pytest.param([bytes(1000) + NOISE.randbytes(3000)], False, id="too few zeros"),
        pytest.param([NOISE.randbytes(10**6) + bytes(8 * 10**6)], False, id="zeros after noise"),
        pytest.param([NOISE.randbytes(10**6) + bytes(9_500_000)], True, id="too many zeros after noise"),
        pytest.param([NOISE.randbytes(2 * MIB) + bytes(15 * MIB)], False, id="zeros after much noise"),
        pytest.param([NOISE.randbytes(2 * MIB) + bytes(20 * MIB)], True, id="too many after much noise"),
        pytest.param([spotted(800)], False, id="nine to one"),
        pytest.param([spotted(1200)], True, id="thirteen to one"),
    ],
)
def test_as_the_java_client_decides(compression: Compression, files: list[bytes], expected: bool) -> None:
    """Whole ratio, ratio at the beginning, headers and ends: the same answer as the real client gave."""
    assert refused(*files, compression=compression) is expected


def test_nothing_stored_is_refused() -> None:
    """Without compression every file passes, also the emptiest."""
    assert not refused(bytes(MIB), *([b"x"] * 50), compression=Compression.NONE)


@given(st.lists(st.tuples(st.integers(0, 6000), st.integers(0, 3000)), min_size=1, max_size=60))
def test_large_steps_miss_nothing(runs: list[tuple[int, int]]) -> None:
    """Whatever the mixture of zeros and noise: as if every piece had been unpacked by itself."""
    noise = random.Random(8)
    content = b"".join(bytes(zeros) + noise.randbytes(length) for zeros, length in runs)
    packed = zlib.compress(content, 1)
    watch = RatioWatch()
    watch.see(packed, len(content))
    assert watch.exceeds_java_ratio([(0, len(content))]) is stops(packed)


def stops(packed: bytes) -> bool:
    """Whether a client that unpacks 448 and 64 bytes in turn ever has more than ten times as much."""
    inflate, read, unpacked = zlib.decompressobj(), 0, 0
    for step in itertools.cycle((448, 64)):
        if read >= len(packed):
            return False
        unpacked += len(inflate.decompress(packed[read : read + step]))
        read = min(len(packed), read + step)
        if unpacked > 10 * read:
            return True
    raise AssertionError
