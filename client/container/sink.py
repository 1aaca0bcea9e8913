# SPDX-License-Identifier: MIT
"""Where unpacked files go: the Protocol, and the two sinks that need no file system.

The unpacker gives every file to a sink before the tag is checked and decides afterwards. So a sink
keeps what it gets out of sight until ``commit``, and forgets all of it at ``discard``. The sink that
makes real files is ``osak.client.output.DirectorySink``.
"""

from typing import Protocol

from osak.client.container.aead import Buffer


class SinkFile(Protocol):
    """One file being written."""

    def write(self, data: Buffer, /) -> object:
        """Take all of the data; the buffer may be reused afterwards."""

    def close(self) -> None:
        """End the file; called once, also when its content turned out to be damaged."""


class Sink(Protocol):
    """Takes files one after another; each is closed before the next is opened."""

    def open(self, name: str, size: int) -> SinkFile:
        """Begin a file of ``size`` bytes under a name that passed ``entry_names``.

        Raises:
            Exception: the sink's own error, for example no room or a file that exists; it is
                reported after the tag was found right.
        """

    def commit(self) -> None:
        """Make all files visible; the tag was right."""

    def discard(self) -> None:
        """Forget all files; may be called at any time, more than once, and never raises."""


class MemorySink:
    """Keeps the files in memory, for small containers and for tests.

    Attributes:
        files: content by name; empty before ``commit``.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self._pending: dict[str, _MemoryFile] = {}

    def open(self, name: str, size: int) -> SinkFile:  # noqa: ARG002 - memory needs no size in advance
        """Begin a file."""
        return self._pending.setdefault(name, _MemoryFile())

    def commit(self) -> None:
        """Show the files."""
        self.files = {name: bytes(file.content) for name, file in self._pending.items()}

    def discard(self) -> None:
        """Drop the files."""
        self._pending.clear()
        self.files = {}


class DiscardSink:
    """Keeps nothing: to list or test a container."""

    def open(self, name: str, size: int) -> SinkFile:  # noqa: ARG002 - nothing is kept
        """Begin a file that goes nowhere."""
        return _NoFile()

    def commit(self) -> None:
        """Do nothing."""

    def discard(self) -> None:
        """Do nothing."""


class _MemoryFile:
    def __init__(self) -> None:
        self.content = bytearray()

    def write(self, data: Buffer, /) -> None:
        self.content += data

    def close(self) -> None:
        """Nothing to release."""


class _NoFile:
    def write(self, data: Buffer, /) -> None:
        """Forget the data."""

    def close(self) -> None:
        """Nothing to release."""
