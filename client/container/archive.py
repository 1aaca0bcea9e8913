# SPDX-License-Identifier: MIT
"""Packing: the files of one container as a POSIX.1-2001 pax archive (CDOC2, chapter 3).

Regular files only, each a header block, its content and zeros up to 512 bytes; a pax header goes
before it where the name is not ASCII or has more than 100 bytes, or the size is above 8 GiB. Nothing
of the sender's file system goes in but names and content: mode 0644, owner 0, time 0. Two zero
blocks end the archive.

``write_archive`` knows all its files and checks every name and size before the first byte.
``ArchiveWriter`` takes them one after another, as they come. Files come through ``Entry.open``, so this
module opens none by itself and an ``OSError`` of a stream is the caller's own.
"""

import dataclasses
import itertools
import tarfile
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, closing
from typing import BinaryIO, Final

from osak.client.container.aead import Buffer
from osak.client.container.entry_names import NameRegister, quoted, require_safe_name
from osak.client.container.errors import InvalidInputError
from osak.client.container.limits import Limits

_BLOCK_BYTES: Final = 512
_READ_BYTES: Final = 2**20
_PLAIN_NAME_BYTES: Final = 100
_MAX_PLAIN_SIZE: Final = 8**11 - 1
_SIZE: Final = slice(124, 136)
_CHECKSUM: Final = slice(148, 156)


def _tar_info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o644
    return info


_PLAIN_HEADER: Final = _tar_info("", 0).tobuf(tarfile.USTAR_FORMAT)


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One file to pack.

    Attributes:
        name: file name without any folder.
        size: bytes of content.
        open: gives a fresh stream of exactly ``size`` bytes; its ``with`` block ends after reading.
    """

    name: str
    size: int
    open: Callable[[], AbstractContextManager[BinaryIO]]


def write_archive(
    write: Callable[[Buffer], object],
    entries: Iterable[Entry],
    limits: Limits,
    progress: Callable[[int], object] | None = None,
) -> list[tuple[int, int]]:
    """Write the whole archive; return begin and end of each file's content in it.

    Args:
        write: takes the archive's bytes in order and must be done with the buffer when it returns.
        entries: the files; at least one.
        limits: what our own reader would accept.
        progress: told of each number of content bytes as they are packed.

    Raises:
        InvalidInputError: a name, a size or the number of files cannot go into a container, or a
            file grew or shrank while it was read.
    """
    files = list(itertools.islice(entries, limits.max_entries + 1))
    _require_count(len(files), limits)
    rules = _Rules(limits)
    for entry in files:
        rules.add(entry.name, entry.size)
    _require_some(len(files))
    archive = ArchiveWriter(write, limits)
    for entry in files:
        with closing(archive.begin(entry.name, entry.size)) as file:
            _copy(file, entry, progress)
    archive.finish()
    return archive.contents


class ArchiveWriter:
    """Takes files one after another, each closed before the next is opened; then ``finish``.

    Attributes:
        contents: begin and end of each file's content in the archive.
    """

    def __init__(self, write: Callable[[Buffer], object], limits: Limits) -> None:
        """Keep where the archive goes.

        Args:
            write: takes the archive's bytes in order and must be done with the buffer when it returns.
            limits: what our own reader would accept.
        """
        self.contents: list[tuple[int, int]] = []
        self._write = write
        self._rules = _Rules(limits)
        self._position = 0
        self._file: ArchiveFile | None = None

    def open(self, name: str, size: int) -> "ArchiveFile":
        """Begin a file of exactly ``size`` bytes.

        Raises:
            InvalidInputError: its name or size, or one file more, cannot go into a container.
        """
        self._require_whole()
        self._rules.add(name, size)
        return self.begin(name, size)

    def begin(self, name: str, size: int) -> "ArchiveFile":
        """The same for a file that was held against the rules before, when the one before it is complete."""
        header = _header(name, size)
        self._write(header)
        start = self._position + len(header)
        self.contents.append((start, start + size))
        self._position = start + size + -size % _BLOCK_BYTES
        self._file = ArchiveFile(self._write, name, size)
        return self._file

    def finish(self) -> None:
        """End the archive.

        Raises:
            InvalidInputError: it has no file, or the last one is not complete.
        """
        self._require_whole()
        _require_some(len(self.contents))
        self._write(bytes(2 * _BLOCK_BYTES))

    def _require_whole(self) -> None:
        if self._file is not None and self._file.remaining:
            raise InvalidInputError(f"{quoted(self._file.name)} is not complete")


class ArchiveFile:
    """One file on its way into an archive.

    Attributes:
        name: as packed.
        remaining: bytes still to come.
    """

    def __init__(self, write: Callable[[Buffer], object], name: str, size: int) -> None:
        """Stand right after the header."""
        self.name = name
        self.remaining = size
        self._write = write
        self._padding_bytes = -size % _BLOCK_BYTES

    def write(self, data: Buffer, /) -> None:
        """Pack more bytes; the buffer may be reused afterwards.

        Raises:
            InvalidInputError: they are more than were announced.
        """
        if len(data) > self.remaining:
            raise InvalidInputError(f"{quoted(self.name)} is longer than was announced")
        self._write(data)
        self.remaining -= len(data)

    def close(self) -> None:
        """Fill the last block; a file that is not complete is noticed by the archive."""
        if not self.remaining:
            self._write(bytes(self._padding_bytes))
            self._padding_bytes = 0


class _Rules:
    """The rules that readers apply to the files of an archive, taken one by one."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._names = NameRegister(InvalidInputError)
        self._count = 0
        self._total_bytes = 0

    def add(self, name: str, size: int) -> None:
        limits = self._limits
        self._count += 1
        _require_count(self._count, limits)
        require_safe_name(name, InvalidInputError)
        if len(name.encode("utf-8")) > limits.max_name_bytes:
            raise InvalidInputError(
                f"the file name {quoted(name)} is longer than {limits.max_name_bytes} bytes"
            )
        self._names.add(name)
        if size < 0:
            raise InvalidInputError(f"{quoted(name)} cannot have a size of {size} bytes")
        self._total_bytes += size
        if self._total_bytes > limits.max_output_bytes:
            raise InvalidInputError(
                f"the files have {self._total_bytes} bytes or more, "
                f"one container takes {limits.max_output_bytes}"
            )


def _require_some(count: int) -> None:
    if not count:
        raise InvalidInputError("a container needs at least one file")


def _require_count(count: int, limits: Limits) -> None:
    if count > limits.max_entries:
        raise InvalidInputError(f"more than {limits.max_entries} files do not go into one container")


def _header(name: str, size: int) -> bytes:
    """Return the header of one file: the usual one quickly, others by ``tarfile``, which knows every case."""
    encoded = name.encode("utf-8")
    if not name.isascii() or len(encoded) > _PLAIN_NAME_BYTES or size > _MAX_PLAIN_SIZE:
        return _tar_info(name, size).tobuf(tarfile.PAX_FORMAT, encoding="utf-8")
    header = bytearray(_PLAIN_HEADER)
    header[: len(encoded)] = encoded
    header[_SIZE] = b"%011o\0" % size
    header[_CHECKSUM] = b" " * 8  # the checksum counts its own field as spaces
    header[_CHECKSUM] = b"%06o\0 " % sum(header)
    return bytes(header)


def _copy(file: ArchiveFile, entry: Entry, progress: Callable[[int], object] | None) -> None:
    with entry.open() as stream:
        while file.remaining:
            chunk = stream.read(min(_READ_BYTES, file.remaining))
            if not chunk:
                raise InvalidInputError(f"{quoted(entry.name)} became shorter while it was read")
            file.write(chunk)
            if progress is not None:
                progress(len(chunk))
        if stream.read(1):
            raise InvalidInputError(f"{quoted(entry.name)} became longer while it was read")
