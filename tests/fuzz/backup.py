# SPDX-License-Identifier: MIT
"""Fuzz target: a backup of a node, as whoever stores it may have changed it, and the records that are in it.

The input is a whole file or, where it is none, what such a file would hold once it was decrypted. Promised:
nothing but ``BackupError`` comes out, no file opens that the node key did not make, and what is read as
records is written again byte for byte, however it was cut into pieces.
"""

import io
from collections.abc import Iterable

from factories.rows import KEY, sealed_capsule, sealed_share

from osak.node.backup.chunks import ChunkWriter, Header
from osak.node.backup.file import BackupFile
from osak.node.backup.records import Begin, End, KeptShare, Record, encode_record, read_records
from osak.node.errors import BackupError
from osak.node.storage.base import Releases

_WRITTEN: list[Record] = [
    Begin("ria", 1_900_000_000, "0.1.0"),
    KeptShare(sealed_share(6), Releases(3, (5, 7))),
    KeptShare(sealed_share(1), Releases()),
    sealed_capsule(1),
    End(2, 1),
]
_RECORDS = b"".join(map(encode_record, _WRITTEN))


def _file(content: bytes) -> bytes:
    stream = io.BytesIO()
    writer = ChunkWriter(stream, Header(KEY.key_id, bytes(32)), KEY.backup_key)
    writer.write(content)
    writer.finish()
    return stream.getvalue()


_WHOLE = _file(_RECORDS)


def seeds() -> Iterable[bytes]:
    """A file, its beginning, its records, and those that are out of order."""
    yield _WHOLE
    yield _WHOLE[:57]
    yield _RECORDS
    yield _RECORDS[::-1]
    yield _RECORDS + _RECORDS


def check(data: bytes) -> None:
    """Read the bytes as a file, and as what is in one."""
    try:
        records = list(BackupFile(io.BytesIO(data), [KEY]).records())
    except BackupError:
        pass
    else:
        assert data == _WHOLE, "a file opened that no node made"
        assert records == _WRITTEN
    for piece in (len(data) or 1, 7):
        pieces = (data[start : start + piece] for start in range(0, len(data), piece))
        try:
            read = list(read_records(pieces))
        except BackupError:
            continue
        written = b"".join(map(encode_record, read[1:]))
        assert data.endswith(written), "a record was read as something else"
