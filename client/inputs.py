# SPDX-License-Identifier: MIT
"""What callers give to be read: files to encrypt and containers to open, as paths or as streams.

A path is checked and opened here, and its failures name it. A caller's stream is read from where it
stands, forward only, and never closed; its failures are its own.
"""

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import BinaryIO, TypeAlias

from osak.client.container import Entry
from osak.client.container.errors import InvalidInputError
from osak.client.errors import UsageError

AnyPath: TypeAlias = str | PathLike[str]


@dataclass(frozen=True, slots=True)
class File:
    """Content to encrypt that is no file on this computer.

    Attributes:
        name: what it will be called in the container, without any folder.
        content: bytes, or a binary stream that is read from where it stands.
        size: how many bytes the stream will give; None if it can seek and so tells by itself.
    """

    name: str
    content: bytes | BinaryIO = field(repr=False)
    size: int | None = None


def entries_of(files: Sequence[AnyPath | File]) -> list[Entry]:
    """What a container is made of.

    Raises:
        InvalidInputError: a path that is no regular file.
        UsageError: a stream of text, or one whose size nobody knows.
        OSError: a file that cannot be read; it is named.
    """
    return [_given(file) if isinstance(file, File) else _on_disk(as_path(file)) for file in files]


def as_path(path: AnyPath) -> Path:
    """The path as given; a Path is not taken apart again, which costs most where files are many and small."""
    return path if isinstance(path, Path) else Path(path)


@contextmanager
def reading(container: AnyPath | BinaryIO) -> Iterator[BinaryIO]:
    """A container's stream; a file is closed when the block ends.

    Raises:
        UsageError: there is no such file, or it is a stream of text.
    """
    if not isinstance(container, str | PathLike):
        _require_binary(container)
        yield container
        return
    path = Path(container)
    if not path.is_file():
        raise UsageError(f"there is no file {path}")
    with path.open("rb") as source:
        yield source


def remaining_bytes(stream: BinaryIO) -> int | None:
    """How many bytes a stream has after where it stands; None if it cannot seek."""
    if not stream.seekable():
        return None
    here = stream.tell()
    end = stream.seek(0, os.SEEK_END)
    stream.seek(here)
    return end - here


def _on_disk(path: Path) -> Entry:
    if not path.is_file():
        reason = "is not a regular file" if path.exists() else "does not exist"
        raise InvalidInputError(f"{path} {reason}")
    # Opened once now: what cannot be read is told before any server keeps a share for it.
    with _InputFile(path) as file:
        size = os.fstat(file.fileno()).st_size
    return Entry(path.name, size, lambda: _InputFile(path))


def _given(file: File) -> Entry:
    content = file.content
    if isinstance(content, bytes):
        return Entry(file.name, len(content), lambda: io.BytesIO(content))
    _require_binary(content)
    size = file.size if file.size is not None else remaining_bytes(content)
    if size is None:
        raise UsageError(f"how many bytes does {file.name} have? Its stream cannot tell: give the size too")
    return Entry(file.name, size, lambda: nullcontext(content))


def _require_binary(stream: object) -> None:
    if isinstance(stream, io.TextIOBase):
        raise UsageError("a stream of text was given: open it in binary mode")


class _InputFile(io.FileIO):
    """A file to encrypt; a failure to read it names it."""

    def read(self, size: int | None = -1, /) -> bytes:
        try:
            return super().read(size) or b""
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.name)) from error
