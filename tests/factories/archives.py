# SPDX-License-Identifier: MIT
"""Archives made block by block, honest or not, and payloads with a right tag around them."""

import io
import tarfile
import zlib

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from osak.client.container.limits import Limits
from osak.client.container.sink import MemorySink
from osak.client.container.unpack import extract

KEY = bytes(range(32))
NONCE = bytes(range(12))
AAD = b"aad"
END = bytes(1024)


def seal(archive: bytes) -> bytes:
    """Return a payload with a right tag over any archive."""
    return NONCE + ChaCha20Poly1305(KEY).encrypt(NONCE, zlib.compress(archive), AAD)


def unpack(
    payload: bytes,
    limits: Limits | None = None,
    only: list[str] | None = None,
    sink: MemorySink | None = None,
) -> dict[str, bytes]:
    """Extract into memory."""
    sink = sink or MemorySink()
    extract(io.BytesIO(payload), KEY, AAD, sink, limits or Limits(), only=only)
    return sink.files


def header(
    name: bytes = b"a",
    size: int = 0,
    *,
    kind: bytes = b"0",
    magic: bytes = b"ustar\x0000",
    size_field: bytes | None = None,
    prefix: bytes = b"",
) -> bytes:
    """Return one header block with a right checksum."""
    block = bytearray(512)
    block[: len(name)] = name
    block[124:136] = b"%011o\x00" % size if size_field is None else size_field
    block[148:156] = b" " * 8
    block[156:157] = kind
    block[257:265] = magic
    block[345 : 345 + len(prefix)] = prefix
    block[148:156] = b"%06o\x00 " % sum(block)
    return bytes(block)


def padded(content: bytes) -> bytes:
    """Fill up to a whole block."""
    return content + bytes(-len(content) % 512)


def file(name: bytes, content: bytes, **fields: bytes) -> bytes:
    """Return one file: header and content."""
    return header(name, len(content), **fields) + padded(content)


def record(key: bytes, value: bytes) -> bytes:
    """Return one pax record."""
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest) + 1
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


def pax(data: bytes) -> bytes:
    """Return a pax header around records."""
    return header(b"./PaxHeaders.X/a", len(data), kind=b"x") + padded(data)


def tarred(files: dict[str, bytes], tar_format: int) -> bytes:
    """Return what the standard library packs."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tar_format) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()
