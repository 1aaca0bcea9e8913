# SPDX-License-Identifier: MIT
"""Fuzz target: the archive, from the unpacked stream to files in a sink.

The first byte chooses how the stream is cut, and whether every header's checksum is made right first:
a random change alone would seldom get past it. Promised: nothing but ``ContainerError`` comes out; the
cut changes nothing; what comes out was in the archive, under safe names, and packs and unpacks again.
"""

import io
from collections.abc import Generator, Iterable
from typing import cast

from osak.client.container import Entry, ExtractedEntry, Limits, MemorySink
from osak.client.container.archive import write_archive
from osak.client.container.entry_names import require_safe_name
from osak.client.container.errors import ContainerError
from osak.client.container.payload import PayloadReader
from osak.client.container.unpack import _unpack

_BLOCK = 512
_CHECKSUM = slice(148, 156)
_MAGIC = slice(257, 263)
_MAGICS = (b"ustar\x00", b"ustar ", bytes(6))
_LIMITS = Limits(max_entries=8, max_output_bytes=2**16, max_pax_header_bytes=1024)
_REPAIR = 0x80


class _Chunks:
    """Stands where a payload would: gives an archive in pieces of one size."""

    def __init__(self, archive: bytes, size: int) -> None:
        self._archive = archive
        self._size = size

    def unverified_chunks(self) -> Generator[bytes, None, None]:
        for start in range(0, len(self._archive), self._size):
            yield self._archive[start : start + self._size]


def _unpacked(archive: bytes, size: int) -> tuple[tuple[ExtractedEntry, ...], dict[str, bytes]] | str:
    """Entries and files, or what was wrong."""
    sink = MemorySink()
    try:
        entries = _unpack(cast("PayloadReader", _Chunks(archive, size)), sink, _LIMITS, None)
    except ContainerError as error:
        return str(error)
    sink.commit()
    return entries, sink.files


def _packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    write_archive(
        out.write,
        [
            Entry(name, len(content), lambda content=content: io.BytesIO(content))  # type: ignore[misc]  # a default is no argument
            for name, content in files.items()
        ],
        _LIMITS,
    )
    return out.getvalue()


def _repaired(archive: bytes) -> bytes:
    """Make the checksum of everything right that could be a header."""
    blocks = bytearray(archive)
    for start in range(0, len(blocks) - _BLOCK + 1, _BLOCK):
        block = blocks[start : start + _BLOCK]
        if any(block) and block[_MAGIC] in _MAGICS:
            block[_CHECKSUM] = b" " * 8
            block[_CHECKSUM] = b"%06o\x00 " % sum(block)
            blocks[start : start + _BLOCK] = block
    return bytes(blocks)


def seeds() -> Iterable[bytes]:
    """Archives of every form that is read, and some that are not."""
    plain = _packed({"a.txt": b"tere", "b": b""})
    pax = _packed({"õ" * 60: b"x" * 600})
    magicless = bytearray(_packed({"a": b"hi"}))
    magicless[_MAGIC] = bytes(6)
    link = bytearray(_packed({"a": b""}))
    link[156:157] = b"2"
    for archive in (plain, pax, bytes(magicless), bytes(link), plain[:-512], plain + bytes(1024)):
        yield b"\x81" + archive
        yield b"\x40" + archive
    yield b"\x81" + pax.replace(b" path=", b" size=")


def check(data: bytes) -> None:
    """Unpack twice, cut differently; pack and unpack what came out."""
    if not data:
        return
    archive = _repaired(data[1:]) if data[0] & _REPAIR else data[1:]
    found = _unpacked(archive, _BLOCK * 3 if data[0] & 1 else 1 + (data[0] & 0x7F))
    assert found == _unpacked(archive, max(1, len(archive))), "how a stream is cut changes what it holds"
    if isinstance(found, str):
        return
    entries, files = found
    assert {entry.name: entry.size for entry in entries} == {name: len(files[name]) for name in files}
    assert sum(map(len, files.values())) <= len(archive), "more came out than was in the archive"
    for name in files:
        require_safe_name(name)
    if files:
        assert _unpacked(_packed(files), _BLOCK) == (entries, files), "files do not come back as they were"
