# SPDX-License-Identifier: MIT
"""ChaCha20-Poly1305 (RFC 8439, section 2.8) as a stream, for payloads that do not fit into memory.

The library's own ChaCha20Poly1305 takes a message in one piece. Here its two parts are put together
as the RFC says, piece by piece:

- keystream block 0 gives the one-time Poly1305 key, the payload is XORed from block 1 on;
- the tag covers AAD, padding, ciphertext, padding, and both lengths as 64-bit little-endian numbers;
- a message has at most 2^32 - 1 blocks of 64 bytes, because the block counter has 32 bits.

What ``StreamDecryptor.update`` returns is unverified until ``verify`` came back without an error.
A pair of key and nonce must never be used for two messages; that is the caller's duty.
"""

from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.poly1305 import Poly1305

from osak.client.container.errors import DamagedContainerError, InvalidInputError

Buffer: TypeAlias = bytes | bytearray | memoryview
"""Bytes as every stream of this package takes them; a view has items of one byte."""

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
MAX_MESSAGE_BYTES: Final = (2**32 - 1) * 64

_BLOCK_BYTES: Final = 64
_MAC_BLOCK_BYTES: Final = 16


class _Keystream:
    """What both directions share: cipher, authenticator and the count of bytes."""

    def __init__(self, key: bytes, nonce: bytes, aad: bytes) -> None:
        """Derive the one-time key and authenticate the AAD; a counter of 0 stands before the nonce."""
        if len(key) != KEY_BYTES or len(nonce) != NONCE_BYTES:
            raise ValueError("ChaCha20-Poly1305 takes a key of 32 bytes and a nonce of 12 bytes")
        self._cipher = Cipher(algorithms.ChaCha20(key, bytes(4) + nonce), mode=None).encryptor()
        # RFC 8439, 2.6: taking all of block 0 also leaves the cipher at block 1, where the payload begins.
        self._mac = Poly1305(self._cipher.update(bytes(_BLOCK_BYTES))[:KEY_BYTES])
        self._mac.update(aad)
        self._mac.update(_padding(len(aad)))
        self._aad_bytes = len(aad)
        self._message_bytes = 0

    def _fits(self, more: int) -> bool:
        self._message_bytes += more
        return self._message_bytes <= MAX_MESSAGE_BYTES

    def _authenticate_lengths(self) -> None:
        self._mac.update(_padding(self._message_bytes))
        self._mac.update(self._aad_bytes.to_bytes(8, "little") + self._message_bytes.to_bytes(8, "little"))


class StreamEncryptor(_Keystream):
    """Encrypts one message: any number of ``update``, then one ``finish``."""

    def __init__(self, key: bytes, nonce: bytes, aad: bytes) -> None:
        """Begin a message; this pair of key and nonce must be fresh."""
        super().__init__(key, nonce, aad)
        self._buffer = bytearray()

    def update(self, plaintext: Buffer) -> memoryview:
        """Return as many bytes of ciphertext as plaintext was given, to be used before the next call.

        One buffer is used again and again: fresh memory for every piece takes longer than the cipher.

        Raises:
            InvalidInputError: the message is longer than one key and nonce can carry.
        """
        if not self._fits(len(plaintext)):
            raise InvalidInputError(f"the payload is larger than {MAX_MESSAGE_BYTES} bytes")
        if len(self._buffer) < len(plaintext):
            self._buffer = bytearray(len(plaintext))
        ciphertext = memoryview(self._buffer)[: len(plaintext)]
        self._cipher.update_into(plaintext, ciphertext)
        self._mac.update(ciphertext)
        return ciphertext

    def finish(self) -> bytes:
        """Return the tag of 16 bytes; the encryptor cannot be used afterwards."""
        self._authenticate_lengths()
        return self._mac.finalize()


class StreamDecryptor(_Keystream):
    """Decrypts one message: any number of ``update``, then one ``verify``."""

    def __init__(self, key: bytes, nonce: bytes, aad: bytes) -> None:
        """Begin a message."""
        super().__init__(key, nonce, aad)
        self._buffer, self._other_buffer = bytearray(), bytearray()

    def update(self, ciphertext: Buffer) -> memoryview:
        """Return the plaintext, which nobody vouches for before ``verify``.

        Two buffers take turns, so what is returned stays as it is during one more call: one piece can be
        unpacked while the next is decrypted.

        Raises:
            DamagedContainerError: the message is longer than any writer can make.
        """
        if not self._fits(len(ciphertext)):
            raise DamagedContainerError(f"the payload is larger than {MAX_MESSAGE_BYTES} bytes")
        self._buffer, self._other_buffer = self._other_buffer, self._buffer
        if len(self._buffer) < len(ciphertext):
            self._buffer = bytearray(len(ciphertext))
        plaintext = memoryview(self._buffer)[: len(ciphertext)]
        self._mac.update(ciphertext)
        self._cipher.update_into(ciphertext, plaintext)
        return plaintext

    def verify(self, tag: bytes) -> None:
        """Check the tag in constant time; the decryptor cannot be used afterwards.

        Raises:
            DamagedContainerError: the tag does not fit.
        """
        self._authenticate_lengths()
        try:
            self._mac.verify(tag)
        except InvalidSignature as cause:
            raise DamagedContainerError(
                "the authentication tag is wrong: the file was changed or cut short"
            ) from cause


def _padding(length: int) -> bytes:
    return bytes(-length % _MAC_BLOCK_BYTES)
