# SPDX-License-Identifier: MIT
"""Where a container goes: to a path, whole or not at all, or down a caller's stream as it is made.

A stream is written forward only and never closed. Where making the container fails, what the stream
got has no tag, so no program takes it for a container.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from osak.client.errors import UsageError
from osak.client.inputs import AnyPath
from osak.client.output import atomic_output

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_BUFFER_BYTES = 2**16


def output_path(output: AnyPath | BinaryIO) -> Path | None:
    """The path, if it is one."""
    return Path(output) if isinstance(output, str | PathLike) else None


@contextmanager
def writing(output: AnyPath | BinaryIO, *, overwrite: bool) -> Iterator[BinaryIO]:
    """What to write a container to; ``tell`` counts from its beginning.

    Raises:
        UsageError: a stream of text.
        OutputExistsError: the name is taken.
        OutputError: the file cannot be written or placed.
    """
    if isinstance(output, str | PathLike):
        with atomic_output(Path(output), overwrite=overwrite) as file:
            yield file
        return
    if isinstance(output, io.TextIOBase):
        raise UsageError("the output is a stream of text: open it in binary mode")
    stream = _Stream(output)
    with io.BufferedWriter(stream, _BUFFER_BYTES) as buffered:
        try:
            yield buffered
            buffered.flush()
        except BaseException:
            stream.abandoned = True
            raise


class _Stream(io.RawIOBase):
    """A caller's stream, which stays open whatever happens here."""

    def __init__(self, stream: BinaryIO) -> None:
        self.abandoned = False
        self._stream = stream
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: "ReadableBuffer", /) -> int:
        size = memoryview(data).nbytes
        if self.abandoned:  # what a buffer still held when the work failed
            return size
        # Streams of other people's making may take everything and say nothing.
        taken: int | None = self._stream.write(data)
        count = size if taken is None else taken
        self._written += count
        return count

    def tell(self) -> int:
        return self._written
