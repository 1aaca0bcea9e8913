# SPDX-License-Identifier: MIT
"""Use case: open a container with one credential (BUC.05 of the product's use cases).

Files appear, in their folder or in memory, only after the payload's tag was checked; after a failure
nothing stays. Names are told only after the same check.
"""

import io
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from osak.client.cancellation import Progress, counted
from osak.client.configuration import Configuration
from osak.client.container import ExtractedEntry, Limits, MemorySink, extract, list_entries
from osak.client.container.sink import SinkFile
from osak.client.errors import OutputError
from osak.client.inputs import AnyPath
from osak.client.keys import Keys
from osak.client.opening import OpenContainer, open_container
from osak.client.output import DirectorySink

if TYPE_CHECKING:
    from osak.coordinator import Outcome

MAX_MEMORY_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """One file that came out of a container.

    Attributes:
        name: without any folder, as the sender called it; safe to create.
        size: in bytes.
    """

    name: str
    size: int
    _source: Path | bytes = field(repr=False)

    def open(self) -> BinaryIO:
        """Its content, from the folder that it was written to or from memory; close it after use.

        Raises:
            OSError: it is not in that folder any more.
        """
        return io.BytesIO(self._source) if isinstance(self._source, bytes) else self._source.open("rb")


@dataclass(frozen=True, slots=True)
class Decrypted:
    """What came out of a container.

    Attributes:
        folder: where the files are; None if they are in memory.
        files: each of them.
        outcomes: one a server, if shares were collected.
    """

    folder: Path | None
    files: tuple[OpenedFile, ...]
    outcomes: "tuple[Outcome, ...]"


@dataclass(frozen=True, slots=True)
class Listed:
    """What a container holds.

    Attributes:
        files: name and size of each.
        outcomes: one a server, if shares were collected.
    """

    files: tuple[ExtractedEntry, ...]
    outcomes: "tuple[Outcome, ...]"


def decrypt_file(
    container: AnyPath | BinaryIO,
    folder: AnyPath | None,
    keys: Keys,
    *,
    config: Configuration,
    trust_container_servers: bool = False,
    only: Collection[str] | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Decrypted:
    """Open ``container`` and write its files into ``folder``.

    Args:
        container: the path of a CDOC2 file, or a binary stream.
        folder: where the files go, made if it is not there; None keeps them in memory.
        keys: the credential.
        config: groups, timeouts and limits.
        trust_container_servers: whether servers that only the container names may be asked.
        only: names of the files to write; all of them if None. The rest is checked all the same.
        overwrite: whether existing files may be replaced.
        progress: told how many bytes are done, and of how many, if that is known.

    Raises:
        ContainerError: damaged, hostile, or not for this credential; or it has no file of ``only``.
        NotEnoughSharesError: too few servers returned a good share; names each server's outcome.
        UnknownServerError: the shares lie at servers that no configured group has.
        OutputError: the files cannot be written, or are too large for memory.
        UsageError: there is no such container.
    """
    target = None if folder is None else Path(folder)
    with open_container(
        container, keys, config=config, trust_container_servers=trust_container_servers
    ) as opened:
        counts = counted(progress, opened.payload_bytes)
        return unpack(opened, target, config.container_limits(), counts, only=only, overwrite=overwrite)


def list_file(
    container: AnyPath | BinaryIO,
    keys: Keys,
    *,
    config: Configuration,
    trust_container_servers: bool = False,
    progress: Progress | None = None,
) -> Listed:
    """Tell what is in ``container`` and write nothing; it is read and checked to its end all the same.

    Args:
        container: the path of a CDOC2 file, or a binary stream.
        keys: the credential.
        config: groups, timeouts and limits.
        trust_container_servers: whether servers that only the container names may be asked.
        progress: told how many bytes are done, and of how many, if that is known.

    Raises:
        Exception: the errors of ``decrypt_file``, less those of writing.
    """
    with open_container(
        container, keys, config=config, trust_container_servers=trust_container_servers
    ) as opened:
        counts = counted(progress, opened.payload_bytes)
        return list_opened(opened, config.container_limits(), counts)


def unpack(
    opened: OpenContainer,
    folder: Path | None,
    limits: Limits,
    counts: Callable[[int], None] | None,
    *,
    only: Collection[str] | None = None,
    overwrite: bool = False,
) -> Decrypted:
    """Write the files of an unlocked container; arguments and errors are those of ``decrypt_file``."""
    memory = _Memory()
    sink = (
        memory
        if folder is None
        else DirectorySink(folder, overwrite=overwrite, min_free_disk_bytes=limits.min_free_disk_bytes)
    )
    entries = extract(opened.source, opened.payload_keys, sink, limits, counts, only=only)
    files = tuple(
        OpenedFile(
            entry.name, entry.size, memory.files[entry.name] if folder is None else folder / entry.name
        )
        for entry in entries
    )
    return Decrypted(folder, files, opened.outcomes)


def list_opened(opened: OpenContainer, limits: Limits, counts: Callable[[int], None] | None) -> Listed:
    """Tell what is in an unlocked container; errors are those of ``list_file``."""
    files = list_entries(opened.source, opened.payload_keys, limits, counts)
    return Listed(files, opened.outcomes)


class _Memory(MemorySink):
    """Memory that does not take any amount: what a stranger sent may be large."""

    def __init__(self) -> None:
        super().__init__()
        self._announced = 0

    def open(self, name: str, size: int) -> SinkFile:
        self._announced += size
        if self._announced > MAX_MEMORY_BYTES:
            raise OutputError(
                f"the files have more than {MAX_MEMORY_BYTES} bytes, too many to keep in memory:"
                " name a folder for them"
            )
        return super().open(name, size)
