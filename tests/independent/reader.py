# SPDX-License-Identifier: MIT
"""A second reader of CDOC2 version 2, written from the specification, to judge what osak writes.

Shares no code with osak: FlatBuffers by ``struct``, cryptography by pycryptodome, tar and zlib from
the standard library, all in memory. Knows our ThresholdSharesCapsule from docs/format.md. It trusts
its input and checks only what proves a container right: header HMAC, tag, and the shares' commitments.
"""

import dataclasses
import io
import struct
import tarfile
import zlib
from collections.abc import Callable, Mapping
from functools import reduce

from Crypto.Cipher import PKCS1_OAEP, ChaCha20_Poly1305
from Crypto.Hash import HMAC, SHA256
from Crypto.Protocol.KDF import HKDF, PBKDF2
from Crypto.PublicKey import ECC, RSA

EC, RSA_KEY, KEY_SERVER, SYMMETRIC, PASSWORD, ALL_SHARES, THRESHOLD_SHARES = 1, 2, 3, 4, 5, 6, 64

_POINT_NAMES = {1: "P-384", 2: "P-256", 3: "P-521"}


class WrongContainerError(Exception):
    """The container is not what the specification says."""


@dataclasses.dataclass(frozen=True)
class FlatTable:
    """A table of a FlatBuffer; fields by id."""

    buffer: bytes
    position: int

    def _place(self, field: int) -> int:
        (back,) = struct.unpack_from("<i", self.buffer, self.position)
        vtable = self.position - back
        (size,) = struct.unpack_from("<H", self.buffer, vtable)
        if 4 + 2 * field >= size:
            return 0
        (offset,) = struct.unpack_from("<H", self.buffer, vtable + 4 + 2 * field)
        return self.position + offset if offset else 0

    def byte(self, field: int) -> int:
        """A byte, 0 by default."""
        place = self._place(field)
        return self.buffer[place] if place else 0

    def number(self, field: int) -> int:
        """A signed 32-bit number, 0 by default."""
        place = self._place(field)
        return int(struct.unpack_from("<i", self.buffer, place)[0]) if place else 0

    def _vector(self, field: int) -> tuple[int, int]:
        place = self._place(field)
        if not place:
            raise WrongContainerError(f"field {field} is missing")
        start = place + struct.unpack_from("<I", self.buffer, place)[0]
        return start + 4, struct.unpack_from("<I", self.buffer, start)[0]

    def data(self, field: int) -> bytes:
        """A vector of bytes."""
        start, count = self._vector(field)
        return self.buffer[start : start + count]

    def text(self, field: int) -> str:
        """A string."""
        return self.data(field).decode("utf-8")

    def table(self, field: int) -> "FlatTable":
        """A table."""
        place = self._place(field)
        return FlatTable(self.buffer, place + struct.unpack_from("<I", self.buffer, place)[0])

    def tables(self, field: int) -> list["FlatTable"]:
        """A vector of tables."""
        start, count = self._vector(field)
        places = (start + 4 * number for number in range(count))
        return [FlatTable(self.buffer, at + struct.unpack_from("<I", self.buffer, at)[0]) for at in places]


@dataclasses.dataclass(frozen=True)
class Record:
    """One recipient record."""

    kind: int
    capsule: FlatTable
    label: str
    encrypted_fmk: bytes
    fmk_method: int


@dataclasses.dataclass(frozen=True)
class Parts:
    """A container cut into pieces (chapter 3)."""

    header: bytes
    hmac: bytes
    payload: bytes

    @property
    def records(self) -> list[Record]:
        """The recipient records."""
        (root,) = struct.unpack_from("<I", self.header)
        header = FlatTable(self.header, root)
        if header.byte(1) != 1:
            raise WrongContainerError("the payload is not said to be under ChaCha20-Poly1305")
        return [_record(table) for table in header.tables(0)]


def cut(container: bytes) -> Parts:
    """Take a container apart."""
    if container[:5] != b"CDOC\x02":
        raise WrongContainerError("wrong prelude or version")
    (length,) = struct.unpack(">I", container[5:9])
    header, rest = container[9 : 9 + length], container[9 + length :]
    return Parts(header, rest[:32], rest[32:])


def open_with_ec(container: bytes, key: ECC.EccKey) -> dict[str, bytes]:
    """Files by name, opened with an EC key."""

    def kek(record: Record) -> bytes:
        capsule = record.capsule
        recipient, sender = capsule.data(1), capsule.data(2)
        peer = ECC.import_key(sender, curve_name=_POINT_NAMES[capsule.byte(0)])
        shared = (peer.pointQ * key.d).x.to_bytes((len(sender) - 1) // 2)
        return _hkdf(shared, b"CDOC20kekpremaster", b"CDOC20kekXOR" + recipient + sender)

    mine = key.public_key().export_key(format="raw")
    return _open(container, lambda record: record.kind == EC and record.capsule.data(1) == mine, kek)


def open_with_rsa(container: bytes, key: RSA.RsaKey) -> dict[str, bytes]:
    """Files by name, opened with an RSA key."""

    def mine(record: Record) -> bool:
        return record.kind == RSA_KEY and RSA.import_key(record.capsule.data(0)) == key.public_key()

    return _open(container, mine, lambda record: PKCS1_OAEP.new(key, SHA256).decrypt(record.capsule.data(1)))


def open_with_secret(container: bytes, secret: bytes) -> dict[str, bytes]:
    """Files by name, opened with a symmetric key."""
    return _open(
        container,
        lambda record: record.kind == SYMMETRIC,
        lambda record: _hkdf(secret, record.capsule.data(0), b"CDOC20kekXOR" + record.label.encode()),
    )


def open_with_password(container: bytes, password: str) -> dict[str, bytes]:
    """Files by name, opened with a password."""

    def kek(record: Record) -> bytes:
        capsule = record.capsule
        if capsule.byte(2) != 1:
            raise WrongContainerError("unknown key derivation")
        stretched = PBKDF2(
            password.encode(), capsule.data(1), 32, count=capsule.number(3), hmac_hash_module=SHA256
        )
        return _hkdf(stretched, capsule.data(0), b"CDOC20kekXOR" + record.label.encode())

    return _open(container, lambda record: record.kind == PASSWORD, kek)


def open_with_all_shares(container: bytes, shares: Mapping[tuple[str, str], bytes]) -> dict[str, bytes]:
    """Files by name, opened with every share; they are given by server URL and share id."""

    def kek(record: Record) -> bytes:
        capsule = record.capsule
        if (capsule.byte(2), capsule.byte(3)) != (1, 1):
            raise WrongContainerError("not n-of-n for a person")
        return reduce(_xor, (shares[share.text(0), share.text(1)] for share in capsule.tables(0)))

    return _open(container, lambda record: record.kind == ALL_SHARES, kek)


def open_with_some_shares(container: bytes, shares: Mapping[tuple[str, str], bytes]) -> dict[str, bytes]:
    """Files by name, opened with the first ``threshold`` of the shares that were given."""

    def kek(record: Record) -> bytes:
        capsule = record.capsule
        if (capsule.byte(3), capsule.byte(5), len(capsule.data(6))) != (1, 1, 16):
            raise WrongContainerError("not a threshold record for a person")
        points = {}
        for share in capsule.tables(0):
            value = shares.get((share.text(0), share.text(1)))
            if value is not None:
                index = share.byte(2)
                message = b"osak-share-commitment-v1" + bytes([index]) + value
                if HMAC.new(capsule.data(1), message, SHA256).digest() != share.data(3):
                    raise WrongContainerError(f"share {index} does not match its commitment")
                points[index] = value
        chosen = dict(list(points.items())[: capsule.byte(4)])
        return bytes(_interpolate({x: y[position] for x, y in chosen.items()}) for position in range(32))

    return _open(container, lambda record: record.kind == THRESHOLD_SHARES, kek)


def _record(table: FlatTable) -> Record:
    return Record(table.byte(0), table.table(1), table.text(2), table.data(3), table.byte(4))


def _open(
    container: bytes, is_mine: Callable[[Record], bool], kek: Callable[[Record], bytes]
) -> dict[str, bytes]:
    parts = cut(container)
    (record,) = filter(is_mine, parts.records)
    if record.fmk_method != 1 or len(record.encrypted_fmk) != 32:
        raise WrongContainerError("the FMK is not encrypted by XOR")
    fmk = _xor(record.encrypted_fmk, kek(record))
    if HMAC.new(_expand(fmk, b"CDOC20hmac"), parts.header, SHA256).digest() != parts.hmac:
        raise WrongContainerError("the header HMAC is wrong")
    nonce, body, tag = parts.payload[:12], parts.payload[12:-16], parts.payload[-16:]
    cipher = ChaCha20_Poly1305.new(key=_expand(fmk, b"CDOC20cek"), nonce=nonce)
    cipher.update(b"CDOC20payload" + parts.header + parts.hmac)
    return _unpack(cipher.decrypt_and_verify(body, tag))


def _unpack(packed: bytes) -> dict[str, bytes]:
    inflate = zlib.decompressobj()
    archive = inflate.decompress(packed) + inflate.flush()
    if not inflate.eof or inflate.unused_data:
        raise WrongContainerError("not exactly one zlib stream")
    files = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            content = tar.extractfile(member)
            if not member.isreg() or content is None or member.name in files:
                raise WrongContainerError(f"{member.name} is no regular file, or there twice")
            files[member.name] = content.read()
    return files


def _hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    key = HKDF(secret, 32, salt, SHA256, context=info)
    assert isinstance(key, bytes)
    return key


def _expand(key: bytes, info: bytes) -> bytes:
    """RFC 5869, 2.3, for one block."""
    block: bytes = HMAC.new(key, info + b"\x01", SHA256).digest()
    return block


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _interpolate(points: Mapping[int, int]) -> int:
    """The value at zero of the polynomial over GF(2^8), polynomial 0x11B, through these points."""
    value = 0
    for x, y in points.items():
        term = y
        for other in points:
            if other != x:
                term = _times(term, _times(other, _inverse(other ^ x)))
        value ^= term
    return value


def _times(a: int, b: int) -> int:
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = a << 1 ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


def _inverse(a: int) -> int:
    return next(candidate for candidate in range(1, 256) if _times(a, candidate) == 1)
