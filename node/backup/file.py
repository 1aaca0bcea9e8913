# SPDX-License-Identifier: MIT
"""A backup that is being read: the file, the key that opens it, its records as often as they are wanted."""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from osak.node.backup.chunks import Header, read_chunks
from osak.node.backup.records import Begin, Record, read_records
from osak.node.errors import BackupError
from osak.node.sealing import NodeKey

STANDARD_INPUT: Final = Path("-")


class BackupFile:
    """An open backup; get it from ``open_backup``."""

    def __init__(self, stream: BinaryIO, keys: Sequence[NodeKey]) -> None:
        """Read the header and find its key.

        Raises:
            BackupError: this is no backup, or one under another key.
        """
        self._stream = stream
        self.header = Header.read(stream)
        self._content_at = stream.tell()
        by_id = {key.key_id: key for key in keys}
        if self.header.key_id not in by_id:
            raise BackupError(
                f"the backup is under node key {self.header.key_id}, and this configuration has "
                f"{', '.join(by_id)}: put that key back, under sealing.old if another is in use"
            )
        self._backup_key = by_id[self.header.key_id].backup_key

    def begin(self) -> Begin:
        """Where the backup comes from.

        Raises:
            BackupError: its beginning is damaged.
        """
        first = next(self.records(), None)
        if not isinstance(first, Begin):
            raise BackupError("the backup's records are out of order")
        return first

    def records(self) -> Iterator[Record]:
        """All records from the first to the end; one pass at a time. They are all there only at its end.

        Raises:
            BackupError: it is damaged, or not whole.
            OSError: it cannot be read.
        """
        self._stream.seek(self._content_at)
        return read_records(read_chunks(self._stream, self.header, self._backup_key))


@contextmanager
def open_backup(path: Path, keys: Sequence[NodeKey]) -> Iterator[BackupFile]:
    """Open the file, which one of ``keys`` must fit; ``-`` is standard input, kept in a temporary file.

    Raises:
        BackupError: this is no backup, or one under another key.
        OSError: it cannot be read.
    """
    if path == STANDARD_INPUT:
        with tempfile.TemporaryFile() as stream:  # still encrypted, and it is read several times
            shutil.copyfileobj(sys.stdin.buffer, stream)
            stream.seek(0)
            yield BackupFile(stream, keys)
        return
    with path.open("rb") as stream:
        yield BackupFile(stream, keys)
