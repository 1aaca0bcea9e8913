# SPDX-License-Identifier: MIT
"""The quick deflater: one ordinary zlib stream whatever is in it, small where it can be."""

import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from isal import isal_zlib

from osak.client.container.fast_deflate import FastDeflater, will_shrink

NOISE = random.Random(1).randbytes(2**18)
TEXT = b"".join(b"2026-11-24 line %d of a log\n" % number for number in range(10_000))[: 2**18]

pieces = st.lists(
    st.tuples(st.sampled_from([NOISE, TEXT]), st.sampled_from([0, 1, 999, 65_535, 65_536, 2**17, 2**18])).map(
        lambda drawn: drawn[0][: drawn[1]]
    ),
    max_size=6,
)


def deflated(given_pieces: list[bytes]) -> bytes:
    deflater = FastDeflater()
    return b"".join(map(deflater.compress, given_pieces)) + deflater.flush()


@given(pieces)
def test_anybody_can_unpack_it(given_pieces: list[bytes]) -> None:
    """Pieces of both kinds, in any order and size, come back from zlib and from isal, checksum and all."""
    packed = deflated(given_pieces)
    assert zlib.decompress(packed) == b"".join(given_pieces)
    assert isal_zlib.decompress(packed) == b"".join(given_pieces)


def test_what_will_not_shrink_is_stored() -> None:
    """Noise stands in the stream as it is, and costs less than a thousandth more."""
    packed = deflated([NOISE])
    assert NOISE[:60_000] in packed
    assert len(packed) < 1.001 * len(NOISE)


@pytest.mark.parametrize("order", [[TEXT, NOISE], [NOISE, TEXT], [NOISE, TEXT, NOISE, TEXT]])
def test_text_between_noise_shrinks(order: list[bytes]) -> None:
    """A film in the same container does not make the letter large."""
    noise = sum(len(piece) for piece in order if piece is NOISE)
    text = sum(len(piece) for piece in order if piece is TEXT)
    assert len(deflated(order)) < 1.001 * noise + 0.4 * text


def test_samples_are_taken_everywhere() -> None:
    """A piece of which an eighth shrinks to nothing is deflated, wherever that eighth stands."""
    eighth = len(NOISE) // 8
    for place in range(8):
        piece = NOISE[: place * eighth] + bytes(eighth) + NOISE[: (7 - place) * eighth]
        assert will_shrink(piece), place


def test_small_pieces_are_tried_for_real() -> None:
    """Where samples would cost as much as the work itself, none are taken."""
    assert will_shrink(NOISE[:65_535])
    assert not will_shrink(NOISE[:65_536])


def test_nothing_is_a_stream_too() -> None:
    """No pieces: an empty stream."""
    assert zlib.decompress(deflated([])) == b""
