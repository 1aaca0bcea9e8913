# SPDX-License-Identifier: MIT
"""A stream of bytes, encrypted and authenticated in chunks, so that it can be of any length in little memory.

    header: "osak node backup" (16 bytes) || version 1 (1 byte) || node key id (8 bytes) || salt (32 bytes)
    chunks: AES-256-GCM of 65,536 bytes each, the last of 1 to 65,536

The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: *Online Authenticated-Encryption*, CRYPTO
2015): a chunk's nonce is its number (11 bytes, big-endian) and whether it is the last (1 byte), so chunks
that are cut off, moved, doubled, joined from two files or appended do not open. The file's key is HKDF-SHA256
of the node's backup key with the salt and the whole header as its info: no two files share one, which is why
counting is a safe nonce, and a changed header opens nothing.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from osak.node.errors import BackupError

SALT_BYTES: Final = 32
CHUNK_BYTES: Final = 2**16
_TAG_BYTES: Final = 16
_MAGIC: Final = b"osak node backup"
_VERSION: Final = 1
_HEADER: Final = struct.Struct(f">{len(_MAGIC)}sB8s{SALT_BYTES}s")
_FILE_KEY: Final = b"osak-node-backup-file-v1"


@dataclass(frozen=True, slots=True)
class Header:
    """The beginning of a backup, which anybody can read.

    Attributes:
        key_id: of the node key that opens it.
        salt: random; it names the backup too.
    """

    key_id: str
    salt: bytes

    def to_bytes(self) -> bytes:
        """As it stands in the file."""
        return _HEADER.pack(_MAGIC, _VERSION, bytes.fromhex(self.key_id), self.salt)

    @classmethod
    def read(cls, stream: BinaryIO) -> "Header":
        """Read it from the beginning of a file.

        Raises:
            BackupError: this is no backup, or one of another version.
            OSError: it cannot be read.
        """
        data = stream.read(_HEADER.size)
        if len(data) != _HEADER.size or not data.startswith(_MAGIC):
            raise BackupError("this is no backup of a node")
        _, version, key_id, salt = _HEADER.unpack(data)
        if version != _VERSION:
            raise BackupError(f"a backup of version {version}, which this osak does not know")
        return cls(key_id.hex(), salt)

    def cipher(self, backup_key: bytes) -> AESGCM:
        """What seals and opens the chunks of this file."""
        derivation = HKDF(
            algorithm=hashes.SHA256(), length=32, salt=self.salt, info=_FILE_KEY + self.to_bytes()
        )
        return AESGCM(derivation.derive(backup_key))


class ChunkWriter:
    """Encrypts what it is given into a stream; ``finish`` makes it whole."""

    def __init__(self, stream: BinaryIO, header: Header, backup_key: bytes) -> None:
        self._stream = stream
        self._cipher = header.cipher(backup_key)
        self._number = 0
        self._waiting = bytearray()
        stream.write(header.to_bytes())

    def write(self, data: bytes) -> None:
        """Take more bytes.

        Raises:
            OSError: they cannot be written.
        """
        self._waiting += data
        while len(self._waiting) > CHUNK_BYTES:  # a full one stays: it may be the last
            self._seal(bytes(self._waiting[:CHUNK_BYTES]), is_last=False)
            del self._waiting[:CHUNK_BYTES]

    def finish(self) -> None:
        """Write the last chunk.

        Raises:
            OSError: it cannot be written.
        """
        self._seal(bytes(self._waiting), is_last=True)

    def _seal(self, chunk: bytes, *, is_last: bool) -> None:
        self._stream.write(self._cipher.encrypt(_nonce(self._number, is_last=is_last), chunk, None))
        self._number += 1


def read_chunks(stream: BinaryIO, header: Header, backup_key: bytes) -> Iterator[bytes]:
    """Decrypt what follows the header, chunk by chunk; only when all came is it known to be whole.

    Raises:
        BackupError: it was changed, cut, or something was put before, between or behind.
        OSError: it cannot be read.
    """
    cipher = header.cipher(backup_key)
    number = 0
    chunk = stream.read(CHUNK_BYTES + _TAG_BYTES)
    while True:
        following = stream.read(CHUNK_BYTES + _TAG_BYTES)
        try:
            yield cipher.decrypt(_nonce(number, is_last=not following), chunk, None)
        except InvalidTag as error:
            raise BackupError(f"the backup is damaged or cut, at or after chunk {number}") from error
        if not following:
            return
        chunk, number = following, number + 1


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])
