# SPDX-License-Identifier: MIT
"""Whatever is chosen, the result is one zlib stream; best is small, fast is quick, none is plain."""

import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osak.client.container.compression import Compression, deflater


def deflated(data: bytes, compression: Compression) -> bytes:
    """The whole stream."""
    stream = deflater(compression)
    return stream.compress(data) + stream.flush()


def log_lines(count: int) -> bytes:
    """Text as servers write it."""
    chance = random.Random(1)
    return b"".join(
        b"2026-11-24T10:%02d:%02dZ INFO request_id=%016x status=%d ms=%d\n"
        % (chance.randrange(60), chance.randrange(60), chance.getrandbits(64), 200, chance.randrange(900))
        for _ in range(count)
    )


@given(st.binary(max_size=5000), st.sampled_from(Compression))
def test_every_choice_is_a_zlib_stream(data: bytes, compression: Compression) -> None:
    """The standard library reads it back."""
    assert zlib.decompress(deflated(data, compression)) == data


def test_sizes() -> None:
    """On log-like text best is within 2 % of zlib 9, fast within 20 %, and none adds next to nothing."""
    data = log_lines(20_000)
    least = len(zlib.compress(data, 9))
    assert len(deflated(data, Compression.BEST)) <= 1.02 * least
    assert len(deflated(data, Compression.FAST)) <= 1.2 * least
    assert len(data) < len(deflated(data, Compression.NONE)) < 1.001 * len(data)


@pytest.mark.parametrize("compression", Compression)
def test_noise_does_not_grow(compression: Compression) -> None:
    """What cannot be packed becomes at most a thousandth larger."""
    data = random.Random(2).randbytes(2**20)
    assert len(deflated(data, compression)) < 1.001 * len(data)
