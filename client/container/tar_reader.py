# SPDX-License-Identifier: MIT
"""A strict reader of tar streams, as far as CDOC2 containers need them and no further.

It reads what the official writers make: POSIX ustar with pax headers (Java), the same without any
magic (libcdoc writes eight zero bytes there), and GNU's old magic for plain files. Everything else
is refused rather than guessed at: links, devices, folders, sparse files, global pax headers, GNU long
names, negative sizes, wrong checksums, a missing end. Memory is bounded by one chunk of the source
and one pax header, whatever the bytes ask for. All numbers are from POSIX.1-2001, "pax", "ustar".

An archive ends with two zero blocks; zeros up to 1 MiB may follow, since writers pad to whole records.
Names are returned as raw bytes: making them safe is the duty of ``entry_names``.
"""

import dataclasses
import re
from collections.abc import Iterator
from typing import Final

from osak.client.container.errors import DamagedContainerError, LimitExceededError
from osak.client.container.limits import Limits

_BLOCK_BYTES: Final = 512
_ZERO_BLOCK: Final = bytes(_BLOCK_BYTES)
_MAX_TRAILING_BYTES: Final = 2**20
_MAX_SIZE: Final = 2**63 - 1

_NAME: Final = slice(0, 100)
_SIZE: Final = slice(124, 136)
_CHECKSUM: Final = slice(148, 156)
_TYPE: Final = slice(156, 157)
_MAGIC: Final = slice(257, 265)
_PREFIX: Final = slice(345, 500)

_USTAR: Final = b"ustar\x0000"
_KNOWN_MAGICS: Final = frozenset([_USTAR, b"ustar  \x00", bytes(8)])
_OCTAL: Final = re.compile(rb" *([0-7]+)[ \x00]*")
_PAX_LENGTH: Final = re.compile(rb"([1-9][0-9]{0,6}) ")
_PAX_SIZE: Final = re.compile(rb"[0-9]{1,19}")
_KINDS: Final = {
    b"1": "a hard link", b"2": "a symbolic link", b"3": "a device", b"4": "a device", b"5": "a folder",
    b"6": "a pipe", b"g": "a global header", b"L": "a GNU long name", b"S": "a sparse file",
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """One regular file of the archive: its path as stored, and how many bytes follow."""

    path: bytes
    size: int


class TarReader:
    """Walks through an archive: ``next_member``, its ``content``, the next member, until there is none.

    Every method raises ``DamagedContainerError`` for bytes that are not such an archive.
    """

    def __init__(self, chunks: Iterator[bytes], limits: Limits) -> None:
        """Take the archive in pieces of any size."""
        self._chunks = chunks
        self._chunk = memoryview(b"")
        self._limits = limits

    def next_member(self) -> Member | None:
        """Return the next file, or None after the end of the archive was found whole.

        The content of the file before must have been read.

        Raises:
            DamagedContainerError: see the class.
            LimitExceededError: a pax header is larger than ``max_pax_header_bytes``.
        """
        header = self._take(_BLOCK_BYTES)
        if header == _ZERO_BLOCK:
            self._check_end()
            return None
        kind, size = _checked_header(header)
        records: dict[bytes, bytes] = {}
        if kind == b"x":
            records = self._pax_records(size)
            header = self._take(_BLOCK_BYTES)
            if header == _ZERO_BLOCK:
                raise DamagedContainerError("the archive ends after an extended header")
            kind, size = _checked_header(header)
        if kind not in {b"0", b"\x00"}:
            raise DamagedContainerError(
                f"the archive contains {_KINDS.get(kind, 'an entry of unknown kind')}, not only regular files"
            )
        return Member(path=records.get(b"path", _header_path(header)), size=_effective_size(records, size))

    def content(self, member: Member) -> Iterator[memoryview]:
        """Yield the content of the member just returned, then step over the padding."""
        remaining = member.size
        while remaining:
            piece = self._piece(remaining)
            remaining -= len(piece)
            yield piece
        self._take(-member.size % _BLOCK_BYTES)

    def _piece(self, most: int) -> memoryview:
        """Return between 1 and ``most`` bytes."""
        while not self._chunk:
            try:
                self._chunk = memoryview(next(self._chunks))
            except StopIteration as cause:
                raise DamagedContainerError("the archive ends too early") from cause
        piece, self._chunk = self._chunk[:most], self._chunk[most:]
        return piece

    def _take(self, count: int) -> bytes:
        taken = b""
        while len(taken) < count:
            taken += self._piece(count - len(taken))
        return taken

    def _check_end(self) -> None:
        if self._take(_BLOCK_BYTES) != _ZERO_BLOCK:
            raise DamagedContainerError("one zero block does not end an archive")
        trailing = 0
        while True:
            trailing += len(self._chunk)
            if bytes(self._chunk).strip(b"\x00"):
                raise DamagedContainerError("data follows the end of the archive")
            if trailing > _MAX_TRAILING_BYTES:
                raise DamagedContainerError("too many zeros follow the end of the archive")
            # To the very end, so that the source too finds whether it is complete.
            chunk = next(self._chunks, None)
            if chunk is None:
                return
            self._chunk = memoryview(chunk)

    def _pax_records(self, size: int) -> dict[bytes, bytes]:
        if size > self._limits.max_pax_header_bytes:
            raise LimitExceededError(
                "max_pax_header_bytes", self._limits.max_pax_header_bytes, f"a tar header has {size} bytes"
            )
        data = self._take(size)
        self._take(-size % _BLOCK_BYTES)
        return _parse_pax(data)


def _checked_header(header: bytes) -> tuple[bytes, int]:
    """Return type and size of a header block whose magic and checksum are right."""
    if header[_MAGIC] not in _KNOWN_MAGICS:
        raise DamagedContainerError("an archive header is of an unknown format")
    # The checksum counts its own field as spaces.
    checksum = sum(header) - sum(header[_CHECKSUM]) + 8 * ord(" ")
    if _number(header[_CHECKSUM]) != checksum:
        raise DamagedContainerError("an archive header has a wrong checksum")
    return header[_TYPE], _number(header[_SIZE])


def _number(field: bytes) -> int:
    """Return a number in octal, or in the base-256 form that GNU and star write for large files."""
    if field[0] == 0x80:
        number = int.from_bytes(field[1:], "big")
    elif match := _OCTAL.fullmatch(field):
        number = int(match[1], 8)
    else:
        raise DamagedContainerError("an archive header has a malformed number")
    if number > _MAX_SIZE:
        raise DamagedContainerError("an archive header has a number beyond all sizes")
    return number


def _header_path(header: bytes) -> bytes:
    name = header[_NAME].partition(b"\x00")[0]
    prefix = header[_PREFIX].partition(b"\x00")[0] if header[_MAGIC] == _USTAR else b""
    return prefix + b"/" + name if prefix else name


def _parse_pax(data: bytes) -> dict[bytes, bytes]:
    """Take apart records of the form ``length key=value newline``; the length counts all of itself."""
    records: dict[bytes, bytes] = {}
    position = 0
    while position < len(data):
        match = _PAX_LENGTH.match(data, position)
        end = position + int(match[1]) if match else 0
        if match is None or not match.end() < end <= len(data) or data[end - 1] != ord("\n"):
            raise DamagedContainerError("an extended header is malformed")
        key, equals, value = data[match.end() : end - 1].partition(b"=")
        if not key or not equals or key in records:
            raise DamagedContainerError("an extended header is malformed")
        # GNU.sparse.* would give the same bytes another meaning.
        if key.startswith(b"GNU.sparse"):
            raise DamagedContainerError("the archive contains a sparse file, not only regular files")
        records[key] = value
        position = end
    return records


def _effective_size(records: dict[bytes, bytes], size: int) -> int:
    text = records.get(b"size")
    if text is None:
        return size
    if not _PAX_SIZE.fullmatch(text) or int(text) > _MAX_SIZE:
        raise DamagedContainerError("an extended header has a malformed size")
    return int(text)
