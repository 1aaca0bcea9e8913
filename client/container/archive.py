# SPDX-License-Identifier: MIT
"""Packing: the files of one container as a POSIX.1-2001 pax archive (CDOC2, chapter 3).

Regular files only, each a header block, its content and zeros up to 512 bytes; a pax header goes
before it where the name is not ASCII or has more than 100 bytes, or the size is above 8 GiB. Nothing
of the sender's file system goes in but names and content: mode 0644, owner 0, time 0. Two zero
blocks end the archive.

All names and sizes are checked before the first byte is written. Files come through ``Entry.open``,
so this module opens none by itself and an ``OSError`` of a stream is the caller's own.
"""

import dataclasses
import itertools
import tarfile
from collections.abc import Callable, Iterable, Sequence
from typing import BinaryIO, Final

from osak.client.container.aead import Buffer
from osak.client.container.entry_names import NameRegister, quoted, require_safe_name
from osak.client.container.errors import InvalidInputError
from osak.client.container.limits import Limits

_BLOCK_BYTES: Final = 512
_READ_BYTES: Final = 2**20


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One file to pack.

    Attributes:
        name: file name without any folder.
        size: bytes of content.
        open: gives a fresh stream of exactly ``size`` bytes; it is closed after reading.
    """

    name: str
    size: int
    open: Callable[[], BinaryIO]


def write_archive(
    write: Callable[[Buffer], object],
    entries: Iterable[Entry],
    limits: Limits,
    progress: Callable[[int], object] | None = None,
) -> None:
    """Write the whole archive.

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
    _check(files, limits)
    for entry in files:
        write(_header(entry))
        _write_content(write, entry, progress)
        write(bytes(-entry.size % _BLOCK_BYTES))
    write(bytes(2 * _BLOCK_BYTES))


def _check(files: Sequence[Entry], limits: Limits) -> None:
    if not files:
        raise InvalidInputError("a container needs at least one file")
    if len(files) > limits.max_entries:
        raise InvalidInputError(f"more than {limits.max_entries} files do not go into one container")
    names = NameRegister(InvalidInputError)
    total = 0
    for entry in files:
        require_safe_name(entry.name, InvalidInputError)
        if len(entry.name.encode("utf-8")) > limits.max_name_bytes:
            raise InvalidInputError(
                f"the file name {quoted(entry.name)} is longer than {limits.max_name_bytes} bytes"
            )
        names.add(entry.name)
        if entry.size < 0:
            raise InvalidInputError(f"{quoted(entry.name)} cannot have a size of {entry.size} bytes")
        total += entry.size
    if total > limits.max_output_bytes:
        raise InvalidInputError(
            f"the files have {total} bytes, one container takes {limits.max_output_bytes}"
        )


def _header(entry: Entry) -> bytes:
    info = tarfile.TarInfo(entry.name)
    info.size = entry.size
    info.mode = 0o644
    return info.tobuf(tarfile.PAX_FORMAT, encoding="utf-8")


def _write_content(
    write: Callable[[Buffer], object], entry: Entry, progress: Callable[[int], object] | None
) -> None:
    remaining = entry.size
    with entry.open() as stream:
        while remaining:
            chunk = stream.read(min(_READ_BYTES, remaining))
            if not chunk:
                raise InvalidInputError(f"{quoted(entry.name)} became shorter while it was read")
            remaining -= len(chunk)
            write(chunk)
            if progress is not None:
                progress(len(chunk))
        if stream.read(1):
            raise InvalidInputError(f"{quoted(entry.name)} became longer while it was read")
