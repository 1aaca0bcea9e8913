# SPDX-License-Identifier: MIT
"""A stream in authenticated chunks: whatever is changed, cut, moved or joined does not open."""

import io

import pytest
from factories.rows import KEY, OTHER_KEY
from hypothesis import given, settings
from hypothesis import strategies as st

from osak.node.backup.chunks import CHUNK_BYTES, SALT_BYTES, ChunkWriter, Header, read_chunks
from osak.node.errors import BackupError

HEADER_BYTES = 57
SEALED_BYTES = CHUNK_BYTES + 16
DATA = bytes(number % 251 for number in range(2 * CHUNK_BYTES + 1000))


def written(data: bytes, salt: bytes = b"s" * SALT_BYTES, piece: int = 10_000) -> bytes:
    """A file with ``data``, given to the writer in pieces."""
    stream = io.BytesIO()
    writer = ChunkWriter(stream, Header(KEY.key_id, salt), KEY.backup_key)
    for start in range(0, len(data), piece):
        writer.write(data[start : start + piece])
    writer.finish()
    return stream.getvalue()


def read(file: bytes, key: bytes = KEY.backup_key) -> bytes:
    """What a file holds."""
    stream = io.BytesIO(file)
    return b"".join(read_chunks(stream, Header.read(stream), key))


FILE = written(DATA)


@pytest.mark.parametrize(
    "size", [1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES + 7]
)
@pytest.mark.parametrize("piece", [1000, CHUNK_BYTES, 10**6])
def test_comes_back(size: int, piece: int) -> None:
    """Any length comes back, at and around the borders of chunks too, however it was given."""
    data = bytes(size)
    file = written(data, piece=piece)
    assert read(file) == data
    assert len(file) == HEADER_BYTES + size + 16 * -(-size // CHUNK_BYTES)


@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
@settings(max_examples=300)
def test_every_byte_counts(position: int, change: int) -> None:
    """Wherever a byte is changed, the file is refused: in its header, a chunk or a tag."""
    changed = bytearray(FILE)
    changed[position] ^= change
    with pytest.raises(BackupError):
        read(bytes(changed))


@given(st.integers(0, len(FILE) - 1))
@settings(max_examples=200)
def test_cut_anywhere(length: int) -> None:
    """A file that ends too early is refused, also where a chunk ends."""
    with pytest.raises(BackupError):
        read(FILE[:length])


def chunks_of(file: bytes) -> list[bytes]:
    """Sealed chunks."""
    return [file[start : start + SEALED_BYTES] for start in range(HEADER_BYTES, len(file), SEALED_BYTES)]


@pytest.mark.parametrize(
    "order", [[0, 1], [1, 0, 2], [0, 0, 1, 2], [0, 2], [1, 2], [0, 1, 2, 2], [0, 1, 2, 0], [2]]
)
def test_chunks_keep_their_places(order: list[int]) -> None:
    """Chunks cannot be left out at either end or inside, moved, or repeated."""
    chunks = chunks_of(FILE)
    assert len(chunks) == 3
    with pytest.raises(BackupError):
        read(FILE[:HEADER_BYTES] + b"".join(chunks[number] for number in order))


def test_two_files_cannot_be_joined() -> None:
    """A chunk of another backup under the same node key, or a whole one behind, does not open."""
    other = written(DATA, salt=b"t" * SALT_BYTES)
    mixed = [chunks_of(FILE)[0], chunks_of(other)[1], chunks_of(FILE)[2]]
    for file in (
        FILE[:HEADER_BYTES] + b"".join(mixed),
        other[:HEADER_BYTES] + FILE[HEADER_BYTES:],
        FILE + other,
        FILE + b"\0",
    ):
        with pytest.raises(BackupError):
            read(file)


def test_another_key() -> None:
    """Without its key a backup shows nothing and does not open."""
    assert DATA[:32] not in FILE
    with pytest.raises(BackupError):
        read(FILE, OTHER_KEY.backup_key)


@pytest.mark.parametrize("data", [b"", b"osak node backup", b"SQLite format 3\0" + bytes(100)])
def test_other_files(data: bytes) -> None:
    """What is no backup is called so."""
    with pytest.raises(BackupError, match="this is no backup of a node"):
        read(data)


def test_a_later_version() -> None:
    """A version that this osak does not know is named."""
    with pytest.raises(BackupError, match="a backup of version 2"):
        read(FILE[:16] + b"\x02" + FILE[17:])
