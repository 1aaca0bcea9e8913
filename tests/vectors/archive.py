# SPDX-License-Identifier: MIT
"""Tar blocks for the vectors, honest or not: headers, pax headers, files, whole archives."""

from typing import Final

BLOCK: Final = 512
END: Final = bytes(2 * BLOCK)
USTAR: Final = b"ustar\x0000"


def header(
    name: bytes = b"a",
    size: int = 0,
    *,
    kind: bytes = b"0",
    magic: bytes = USTAR,
    size_field: bytes = b"",
    prefix: bytes = b"",
) -> bytes:
    """One header block with a right checksum; ``size_field`` goes in as it is."""
    block = bytearray(BLOCK)
    block[: len(name)] = name
    block[100:108] = b"0000644\x00"
    block[108:116] = block[116:124] = b"0000000\x00"
    block[124:136] = size_field or b"%011o\x00" % size
    block[136:148] = b"00000000000\x00"
    block[156:157] = kind
    block[257:265] = magic
    block[345 : 345 + len(prefix)] = prefix
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\x00 " % sum(block)
    return bytes(block)


def file(name: bytes, content: bytes, magic: bytes = USTAR) -> bytes:
    """Header and content of one file."""
    return header(name, len(content), magic=magic) + padded(content)


def pax(*records: bytes) -> bytes:
    """An extended header of these records."""
    data = b"".join(records)
    return header(b"././@PaxHeader", len(data), kind=b"x") + padded(data)


def record(key: bytes, value: bytes) -> bytes:
    """One record of an extended header; its length counts itself."""
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest) + 1
    while len(b"%d" % length) + len(rest) != length:
        length = len(b"%d" % length) + len(rest)
    return b"%d" % length + rest


def padded(content: bytes) -> bytes:
    """The content and zeros up to a whole block."""
    return content + bytes(-len(content) % BLOCK)
