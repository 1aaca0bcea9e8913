# SPDX-License-Identifier: MIT
"""The frame around the header: strict, forward-only, bounded."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osak.client.container.envelope import Envelope, envelope_bytes, read_envelope
from osak.client.container.errors import (
    DamagedContainerError,
    InvalidInputError,
    LimitExceededError,
    UnsupportedError,
)
from osak.client.container.limits import Limits

HMAC = bytes(range(32))


class Dripping(io.BytesIO):
    """A stream that gives at most one byte at a time, as a slow pipe may."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Give one byte."""
        return super().read(min(1, size or 0))


@given(st.binary(max_size=300))
def test_round_trip(header: bytes) -> None:
    """What is written is read back, also from a stream of single bytes, and the payload is not touched."""
    written = envelope_bytes(header, HMAC, Limits())
    assert written[:9] == b"CDOC\x02" + len(header).to_bytes(4, "big")
    source = Dripping(written + b"payload")
    assert read_envelope(source, Limits()) == Envelope(header, HMAC)
    assert source.getvalue()[source.tell() :] == b"payload"


def test_cut_short() -> None:
    """An envelope that ends anywhere before its end is damaged."""
    whole = envelope_bytes(b"header", HMAC, Limits())
    for length in range(len(whole)):
        with pytest.raises(DamagedContainerError):
            read_envelope(io.BytesIO(whole[:length]), Limits())


@pytest.mark.parametrize("start", [b"", b"PK\x03\x04", b"CDOX\x02", b"<?xml version", b"cdoc\x02"])
def test_other_files(start: bytes) -> None:
    """A file that does not begin with CDOC is no container."""
    with pytest.raises(DamagedContainerError):
        read_envelope(io.BytesIO(start + bytes(100)), Limits())


@pytest.mark.parametrize("version", [0, 1, 3, 255])
def test_other_versions(version: int) -> None:
    """Another version is said to be unsupported, with its number."""
    with pytest.raises(UnsupportedError, match=f"version {version}"):
        read_envelope(io.BytesIO(b"CDOC" + bytes([version]) + bytes(100)), Limits())


@pytest.mark.parametrize("length", [2**20 + 1, 2**31 - 1, 2**31, 2**32 - 1])
def test_huge_header(length: int) -> None:
    """A header said to be longer than the limit is refused before any of it is read."""
    source = io.BytesIO(b"CDOC\x02" + length.to_bytes(4, "big") + bytes(100))
    with pytest.raises(LimitExceededError) as caught:
        read_envelope(source, Limits())
    assert caught.value.limit == "max_header_bytes"
    assert source.tell() == 9


def test_writer_obeys_the_limit() -> None:
    """A header that readers would refuse is not written."""
    limits = Limits(max_header_bytes=10)
    assert len(envelope_bytes(bytes(10), HMAC, limits)) == 51
    with pytest.raises(InvalidInputError, match="too many recipients"):
        envelope_bytes(bytes(11), HMAC, limits)
