# SPDX-License-Identifier: MIT
"""Fuzz target: a whole container, from its first byte to its files, with a symmetric key.

Promised: nothing but ``ContainerError`` comes out; an envelope that was read is written back byte for
byte; whatever opens holds what was packed, because nobody can forge it without the key.
"""

import io
from collections.abc import Iterable
from functools import cache

from osak.client.container import (
    Entry,
    Limits,
    MemorySink,
    SymmetricRecipient,
    SymmetricUnlocker,
    extract,
    read_header,
    unlock,
    write_container,
)
from osak.client.container.envelope import envelope_bytes, read_envelope
from osak.client.container.errors import ContainerError

_SECRET = bytes(range(32))
_CONTENT = b"tere " * 9
_LIMITS = Limits(max_header_bytes=2048)


@cache
def _container() -> bytes:
    out = io.BytesIO()
    entry = Entry("a.txt", len(_CONTENT), lambda: io.BytesIO(_CONTENT))
    write_container(out, [entry], [SymmetricRecipient("võti", _SECRET)], random_bytes=bytes)
    return out.getvalue()


def seeds() -> Iterable[bytes]:
    """A container, its head alone, and frames with little in them."""
    whole = _container()
    yield whole
    yield whole[:-1]
    yield whole[:300]
    yield b"CDOC\x02" + bytes(4) + bytes(32)
    yield b"CDOC\x01" + bytes(4)
    yield b"CDOC\x02\x00\x10\x00\x01"


def check(data: bytes) -> None:
    """Read the frame, then go on as far as it leads."""
    source = io.BytesIO(data)
    try:
        envelope = read_envelope(source, _LIMITS)
    except ContainerError:
        return
    written = envelope_bytes(envelope.header, envelope.unverified_hmac, _LIMITS)
    assert written == data[: source.tell()], "an envelope is not written as it was read"
    sink = MemorySink()
    source.seek(0)
    try:
        keys = unlock(read_header(source, _LIMITS), SymmetricUnlocker(_SECRET), _LIMITS)
        extract(source, keys, sink, _LIMITS)
    except ContainerError:
        assert sink.files == {}, "a file of a refused container is to be seen"
    else:
        assert sink.files == {"a.txt": _CONTENT}, "a container opened that nobody wrote"
