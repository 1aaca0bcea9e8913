# SPDX-License-Identifier: MIT
"""Unpacking: payload in, files into a sink, and nothing to be seen before the tag is right.

The rules of CDOC2, chapter 3 ("streaming"), and their order:

1. Plaintext is unpacked while it streams, but every error found in it (zlib, tar, names, limits, and
   whatever the sink objects to) is kept back until the whole ciphertext was read.
2. A wrong tag is then the error, whatever else was found.
3. With a right tag the error kept back is raised: the sender is not authenticated, so a right tag
   makes nothing trustworthy.
4. Only without any error the sink commits; in every other case it discards.
"""

import dataclasses
from collections.abc import Callable, Collection
from contextlib import closing
from typing import BinaryIO

from osak.client.container.entry_names import NameRegister, name_from_archive, quoted
from osak.client.container.errors import InvalidInputError, LimitExceededError
from osak.client.container.limits import Limits
from osak.client.container.payload import PayloadReader
from osak.client.container.sink import Sink
from osak.client.container.tar_reader import Member, TarReader


@dataclasses.dataclass(frozen=True, slots=True)
class ExtractedEntry:
    """One file that came out: its name and its size in bytes."""

    name: str
    size: int


def extract(
    source: BinaryIO,
    cek: bytes,
    aad: bytes,
    sink: Sink,
    limits: Limits,
    *,
    only: Collection[str] | None = None,
    progress: Callable[[int], object] | None = None,
) -> tuple[ExtractedEntry, ...]:
    """Decrypt and unpack a payload, all or nothing.

    Args:
        source: stands right after the header HMAC; need not be seekable.
        cek: content key of 32 bytes.
        aad: prefix, header and header HMAC (chapter 5).
        sink: gets the files.
        limits: what the archive may ask for.
        only: names to take; the rest is checked all the same and left out.
        progress: told of each number of encrypted bytes as they are read.

    Returns:
        The files given to the sink, in the order of the archive.

    Raises:
        DamagedContainerError: tag, compression or archive are wrong.
        UnsafeNameError: a file name must not reach a file system, or stands there twice.
        LimitExceededError: the archive asks for more than ``limits``.
        InvalidInputError: a name of ``only`` is not in the archive.
        Exception: what the sink or the source raised.
    """
    try:
        entries = _unpack_verified(PayloadReader(source, cek, aad, limits, progress), sink, limits, only)
        sink.commit()
    except BaseException:
        sink.discard()
        raise
    return entries


def _unpack_verified(
    reader: PayloadReader, sink: Sink, limits: Limits, only: Collection[str] | None
) -> tuple[ExtractedEntry, ...]:
    entries: tuple[ExtractedEntry, ...] = ()
    failure: Exception | None = None
    try:
        entries = _unpack(reader, sink, limits, only)
    except Exception as error:  # noqa: BLE001 - rule 1: any error waits for the tag
        failure = error
    # Outside of the handler, so that a wrong tag does not carry what was found in the plaintext.
    reader.verify()
    if failure is not None:
        raise failure
    return entries


def _unpack(
    reader: PayloadReader, sink: Sink, limits: Limits, only: Collection[str] | None
) -> tuple[ExtractedEntry, ...]:
    names = NameRegister()
    entries: list[ExtractedEntry] = []
    count = total_bytes = 0
    with closing(reader.unverified_chunks()) as chunks:
        tar = TarReader(chunks, limits)
        while (member := tar.next_member()) is not None:
            name = name_from_archive(member.path, limits)
            names.add(name)
            count += 1
            total_bytes += member.size
            _check_totals(count, total_bytes, limits)
            if only is None or name in only:
                _store(tar, member, sink, name)
                entries.append(ExtractedEntry(name, member.size))
            else:
                for _ in tar.content(member):
                    pass
    missing = set(only or ()) - {entry.name for entry in entries}
    if missing:
        raise InvalidInputError(f"the container has no file {', '.join(map(quoted, sorted(missing)))}")
    return tuple(entries)


def _store(tar: TarReader, member: Member, sink: Sink, name: str) -> None:
    with closing(sink.open(name, member.size)) as file:
        for piece in tar.content(member):
            file.write(piece)


def _check_totals(count: int, total_bytes: int, limits: Limits) -> None:
    if count > limits.max_entries:
        raise LimitExceededError("max_entries", limits.max_entries, f"the archive has {count} files or more")
    if total_bytes > limits.max_output_bytes:
        raise LimitExceededError(
            "max_output_bytes",
            limits.max_output_bytes,
            f"the files of the archive have {total_bytes} bytes or more",
        )
