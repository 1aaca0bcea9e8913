# SPDX-License-Identifier: MIT
"""Containers for the vectors, written from the specification without a line of osak's code.

A ``Maker`` draws everything from one stream: FMK first, then what each record needs, in order, the
payload's nonce last. Whatever it is told to write it writes, sense or not.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Final, TypeAlias

from Crypto.Cipher import PKCS1_OAEP, ChaCha20_Poly1305
from Crypto.Hash import SHA256
from Crypto.PublicKey import ECC, RSA
from Crypto.Util.asn1 import DerSequence
from independent.flatbuffer_writer import Byte, Fields, Int32, Value, encode
from vectors.credentials import ec_key
from vectors.deflate import packed
from vectors.entropy import Stream
from vectors.field import commitment, evaluated

PERSON: Final = "etsi/PNOEE-48010010101"
PERSON_LABEL: Final = "data:,v=1&sn=etsi%2FPNOEE-48010010101&type=auth"
JAVA_PERSON_LABEL: Final = "data:,SN=etsi%2FPNOEE-48010010101&TYPE=auth&V=1"
CURVE_NUMBERS: Final = {"P-384": 1, "P-256": 2, "P-521": 3}

ShareList: TypeAlias = list[dict[str, str]]
Odd: TypeAlias = "Mapping[int, Value | None]"
"""What to write instead of an honest field; None leaves it out."""

AS_IT_IS: Final[Odd] = {}
NONE_ODD: Final[Mapping[int, Odd]] = {}


def expand(key: bytes, info: bytes) -> bytes:
    """HKDF-Expand to 32 bytes."""
    return hmac.digest(key, info + b"\x01", hashlib.sha256)


def extract(salt: bytes, key_material: bytes) -> bytes:
    """HKDF-Extract."""
    return hmac.digest(salt, key_material, hashlib.sha256)


def xor(one: bytes, other: bytes) -> bytes:
    """Sum in any field of two elements."""
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def point(key: ECC.EccKey) -> bytes:
    """The public key as an uncompressed point."""
    raw = key.public_key().export_key(format="SEC1")
    assert isinstance(raw, bytes)
    return raw


@dataclass
class Maker:
    """One container in the making."""

    name: str
    records: list[Fields] = field(default_factory=list)
    keks: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.draw = Stream(self.name)
        self.fmk = extract(b"CDOC20salt", self.draw(32))

    def add(self, kind: int, capsule: Fields, label: Value, kek: bytes, odd: Odd = AS_IT_IS) -> None:
        """A record; ``odd`` replaces its fields, None leaves one out."""
        fields: dict[int, Value] = {0: Byte(kind), 1: capsule, 2: label, 3: xor(self.fmk, kek), 4: Byte(1)}
        self.records.append(_changed(fields, odd))
        self.keks.append(kek)

    def ec(self, curve: str, odd: Odd = AS_IT_IS) -> None:
        """A record for the vectors' key on this curve."""
        mine, sender = ec_key(curve), ec_key(curve, f"sender of {self.name}")
        recipient_point, sender_point = point(mine), point(sender)
        shared = (mine.pointQ * sender.d).x.to_bytes((len(sender_point) - 1) // 2)
        kek = expand(extract(b"CDOC20kekpremaster", shared), b"CDOC20kekXOR" + recipient_point + sender_point)
        capsule: Fields = {0: Byte(CURVE_NUMBERS[curve]), 1: recipient_point, 2: sender_point}
        label = f"data:,v=1&label={curve}&type=pub_key"
        self.add(1, _changed(capsule, odd), label, kek)

    def rsa(self, key: RSA.RsaKey, kek_bytes: int = 32, odd: Odd = AS_IT_IS) -> None:
        """A record for an RSA key."""
        kek = self.draw(kek_bytes)
        encrypted = PKCS1_OAEP.new(key.public_key(), SHA256, randfunc=self.draw).encrypt(kek)
        capsule = {0: DerSequence([key.n, key.e]).encode(), 1: encrypted}
        self.add(2, _changed(capsule, odd), "data:,v=1&label=RSA&type=pub_key", (kek + bytes(32))[:32])

    def secret(self, secret: bytes, odd: Odd = AS_IT_IS) -> None:
        """A record for a symmetric key."""
        salt, label = self.draw(32), "data:,v=1&label=v%C3%B5ti&type=secret"
        kek = expand(extract(salt, secret), b"CDOC20kekXOR" + label.encode())
        self.add(4, {0: salt}, label, kek, odd)

    def password(
        self, password: str, iterations: int = 600_000, label: str = "kevade", odd: Odd = AS_IT_IS
    ) -> None:
        """A record for a password."""
        salt, password_salt = self.draw(32), self.draw(32)
        stored = f"data:,v=1&label={label}&type=pw"
        # More than every writer's 600,000 stand only where a reader must refuse to begin.
        rounds = iterations if 1 <= iterations <= 600_000 else 1
        secret = hashlib.pbkdf2_hmac("sha256", password.encode(), password_salt, rounds)
        kek = expand(extract(salt, secret), b"CDOC20kekXOR" + stored.encode())
        self.add(5, _changed({0: salt, 1: password_salt, 2: Byte(1), 3: Int32(iterations)}, odd), stored, kek)

    def all_shares(self, nodes: int, odd: Odd = AS_IT_IS) -> ShareList:
        """A record of the official n-of-n scheme."""
        salt = self.draw(32)
        kek = expand(extract(salt, self.draw(32)), b"CDOC2kekXOR" + PERSON.encode())
        others = [self.draw(32) for _ in range(nodes - 1)]
        values = [reduce(xor, others, kek), *others]
        places = self._places(nodes)
        entries: list[Fields] = [{0: url, 1: share_id} for url, share_id in places]
        capsule: Fields = {0: entries, 1: salt, 2: Byte(1), 3: Byte(1), 4: PERSON}
        self.add(6, _changed(capsule, odd), JAVA_PERSON_LABEL, kek)
        return _shares(places, values)

    def some_shares(
        self,
        threshold: int,
        nodes: int,
        odd: Odd = AS_IT_IS,
        odd_shares: Mapping[int, Odd] = NONE_ODD,
        absent: Sequence[int] = (),
    ) -> ShareList:
        """A record of the t-of-n scheme; ``odd_shares`` and ``absent`` go by index."""
        salt = self.draw(32)
        kek = expand(extract(salt, self.draw(32)), b"CDOC2kekXOR" + PERSON.encode())
        coefficients = [kek, *(self.draw(32) for _ in range(threshold - 1))]
        values = [evaluated(coefficients, index) for index in range(1, nodes + 1)]
        places = self._places(nodes)
        entries = {}
        for index, ((url, share_id), value) in enumerate(zip(places, values, strict=True), start=1):
            promised = commitment(index, value, salt)
            entry: Fields = {0: url, 1: share_id, 2: Byte(index), 3: promised, 4: f"node-{index}"}
            entries[index] = _changed(entry, odd_shares.get(index, {}))
        kept = [entry for index, entry in entries.items() if index not in absent]
        capsule: Fields = {
            0: kept,
            1: salt,
            2: PERSON,
            3: Byte(1),
            4: Byte(threshold),
            5: Byte(1),
            6: self.draw(16),
            7: "arhiiv",
        }
        self.add(64, _changed(capsule, odd), PERSON_LABEL, kek)
        shares = _shares(places, values)
        return [share for index, share in enumerate(shares, start=1) if index not in absent]

    def header(self, odd: Odd = AS_IT_IS) -> bytes:
        """The FlatBuffer of all records so far."""
        return encode(_changed({0: self.records, 1: Byte(1)}, odd))

    def sealed(self, archive: bytes) -> bytes:
        """The whole container around an archive."""
        return self.framed(self.header(), packed(archive))

    def framed(self, header: bytes, compressed: bytes) -> bytes:
        """The whole container around any header and anything compressed."""
        code = hmac.digest(expand(self.fmk, b"CDOC20hmac"), header, hashlib.sha256)
        nonce = self.draw(12)
        cipher = ChaCha20_Poly1305.new(key=expand(self.fmk, b"CDOC20cek"), nonce=nonce)
        cipher.update(b"CDOC20payload" + header + code)
        body, tag = cipher.encrypt_and_digest(compressed)
        length = len(header).to_bytes(4, "big")
        return b"".join((b"CDOC\x02", length, header, code, nonce, body, tag))

    def keys(self) -> dict[str, Any]:
        """Every key on the way, for whoever looks for the step that went wrong."""
        return {
            "fmk": self.fmk.hex(),
            "keks": [kek.hex() for kek in self.keks],
            "cek": expand(self.fmk, b"CDOC20cek").hex(),
            "hhk": expand(self.fmk, b"CDOC20hmac").hex(),
        }

    def _places(self, nodes: int) -> list[tuple[str, str]]:
        return [
            (f"https://node-{number}.example:8443", self.draw(16).hex()) for number in range(1, nodes + 1)
        ]


def _changed(fields: Fields, odd: Odd) -> Fields:
    merged = {**fields, **odd}
    return {number: merged[number] for number in sorted(merged) if merged[number] is not None}  # type: ignore[misc]  # None is left out


def _shares(places: Sequence[tuple[str, str]], values: Sequence[bytes]) -> ShareList:
    return [
        {"server_base_url": url, "share_id": share_id, "value": value.hex()}
        for (url, share_id), value in zip(places, values, strict=True)
    ]
