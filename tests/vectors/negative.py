# SPDX-License-Identifier: MIT
"""The containers that must not open, each with the one reason that a reader has to find."""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from independent.flatbuffer_writer import Byte
from vectors import archive, hostile
from vectors.container import Maker, point
from vectors.credentials import LONG_SECRET, PASSWORD, SECRET, ec_key, rsa_key
from vectors.deflate import framed, packed
from vectors.positive import PLAIN, WITH_SECRET

REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "not-a-container": ("damaged", "it does not begin with CDOC"),
    "version": ("unsupported", "a version other than 2"),
    "cut-short": ("damaged", "the file ends before the payload does begin"),
    "header-length": ("limit", "the header is said to be longer than 2^20 bytes"),
    "header-structure": ("damaged", "the header is no sound FlatBuffer, or lacks a required field"),
    "payload-method": ("unsupported", "payload_encryption_method is not 1"),
    "recipients": ("limit", "more recipients than the reader's limit"),
    "no-recipient": ("no-recipient", "no usable record fits the credential"),
    "wrong-key": ("wrong-key", "the KEK does not lead to the header HMAC"),
    "point-off-curve": ("damaged", "the sender's key is not a point of its curve"),
    "rsa-decryption": ("damaged", "encrypted_kek does not decrypt with the RSA key that the record names"),
    "kek-length": ("damaged", "the RSA record holds another number of bytes than 32"),
    "key-records": ("limit", "more records for one private key than the reader's limit"),
    "rounds": ("limit", "more rounds of PBKDF2 than the reader's limit"),
    "commitment-mismatch": ("wrong-share", "a share does not match its commitment"),
    "too-few-shares": ("wrong-share", "fewer shares than the threshold"),
    "wrong-tag": ("damaged", "the payload's tag is wrong, whatever else is"),
    "zlib": ("damaged", "the plaintext is not exactly one zlib stream"),
    "archive": ("damaged", "the plaintext is not such an archive as section 6 describes"),
    "not-a-file": ("damaged", "the archive holds something else than regular files"),
    "name": ("unsafe-name", "a file name must not reach a file system"),
    "same-name": ("unsafe-name", "two file names are one to some file system"),
    "name-length": ("limit", "a file name is longer than 1000 bytes"),
    "entries": ("limit", "more files than the reader's limit"),
    "output": ("limit", "more bytes of files than the reader's limit"),
    "pax-length": ("limit", "an extended header is longer than the reader's limit"),
    "ratio": ("limit", "the output outgrows the input by more than the reader's limit"),
}


@dataclass(frozen=True)
class Negative:
    """A container that does not open.

    Attributes:
        name: of the file.
        container: all its bytes.
        reason: a key of ``REASONS``.
        credential: what it is tried with.
        limits: what the reader allows, where that is the point.
    """

    name: str
    container: bytes
    reason: str
    credential: Mapping[str, Any] = field(default_factory=lambda: WITH_SECRET)
    limits: Mapping[str, int] = field(default_factory=dict)


def negatives() -> Iterator[Negative]:
    """All of them."""
    yield from _heads()
    yield from _headers()
    yield from _records()
    yield from _shares()
    yield from _tags()
    yield from _compressed()
    yield from _archives()


def _good(name: str) -> Maker:
    maker = Maker(name)
    maker.secret(SECRET)
    return maker


def _heads() -> Iterator[Negative]:
    whole = _good("head").sealed(PLAIN)
    header_end = 9 + int.from_bytes(whole[5:9], "big")
    yield Negative("empty", b"", "cut-short")
    yield Negative("prelude", b"CDOK" + whole[4:], "not-a-container")
    yield Negative("text", b"<?xml version='1.0'?>\n", "not-a-container")
    for version in (0, 1, 3):
        yield Negative(f"version-{version}", whole[:4] + bytes([version]) + whole[5:], "version")
    for name, end in (
        ("length", 7),
        ("header", header_end - 1),
        ("hmac", header_end + 31),
        ("nonce", header_end + 43),
    ):
        yield Negative(f"cut-in-{name}", whole[:end], "cut-short")
    for length in (2**20 + 1, 2**31, 2**32 - 1):
        yield Negative(
            f"header-of-{length}-bytes", whole[:5] + length.to_bytes(4, "big") + whole[9:], "header-length"
        )


def _headers() -> Iterator[Negative]:
    maker = _good("header")
    header = maker.header()
    label = b"data:,v=1&label=v%C3%B5ti&type=secret"
    broken = {
        "empty": b"",
        "root-beyond-the-end": b"\xfc\xff\xff\x7f" + header[4:],
        "root-unaligned": b"\x06" + header[1:],
        "cut": header[:-40],
        "text-without-end": header.replace(label + b"\0", label + b"!"),
        "text-not-utf-8": header.replace(label, b"\xff" + label[1:]),
        "text-too-long": header.replace(bytes([len(label), 0, 0, 0]) + label, b"\xff\xff\xff\x7f" + label),
    }
    for name, raw in broken.items():
        assert raw != header
        yield Negative(f"header-{name}", maker.framed(raw, packed(PLAIN)), "header-structure")
    for name, number in (("capsule", 1), ("label", 2), ("fmk", 3)):
        maker = Maker(f"header-without-{name}")
        maker.secret(SECRET, {number: None})
        yield Negative(maker.name, maker.sealed(PLAIN), "header-structure")
    maker = Maker("capsule-without-salt")
    maker.add(4, {}, "võti", bytes(32))
    yield Negative(maker.name, maker.sealed(PLAIN), "header-structure")
    maker = Maker("share-without-commitment")
    maker.some_shares(2, 3, odd_shares={2: {3: None}})
    yield Negative(maker.name, maker.sealed(PLAIN), "header-structure")
    for name, method in (("0", None), ("2", Byte(2))):
        maker = _good(f"payload-method-{name}")
        yield Negative(maker.name, maker.framed(maker.header({1: method}), packed(PLAIN)), "payload-method")
    maker = _good("no-recipients")
    yield Negative(maker.name, maker.framed(maker.header({0: None}), packed(PLAIN)), "no-recipient")
    maker = Maker("three-recipients")
    for _ in range(3):
        maker.secret(SECRET)
    yield Negative(maker.name, maker.sealed(PLAIN), "recipients", limits={"max_recipients": 2})


def _records() -> Iterator[Negative]:
    whole = _good("record").sealed(PLAIN)
    header_end = 9 + int.from_bytes(whole[5:9], "big")
    yield Negative("wrong-secret", whole, "wrong-key", {"secret": LONG_SECRET.hex()})
    yield Negative("key-for-a-secret", whole, "no-recipient", {"key": "P-256"})
    yield Negative("wrong-header-hmac", _flipped(whole, header_end), "wrong-key")
    # In the label: the record still fits, but neither its KEK nor the HMAC does.
    yield Negative("changed-header", _flipped(whole, whole.index(b"label=v") + 6), "wrong-key")
    maker = Maker("password-case")
    maker.password(PASSWORD, 1000)
    yield Negative("wrong-password", maker.sealed(PLAIN), "wrong-key", {"password": PASSWORD.lower()})
    for rounds in (10_000_001, 2**31 - 1):
        maker = Maker(f"{rounds}-rounds")
        maker.password(PASSWORD, rounds)
        yield Negative(maker.name, maker.sealed(PLAIN), "rounds", {"password": PASSWORD})
    maker = Maker("rounds-in-many-records")
    for number in range(20):
        maker.password(PASSWORD, 600_001, f"kevade{number}")
    yield Negative(maker.name, maker.sealed(PLAIN), "rounds", {"password": PASSWORD})
    for name, limits in (("three", {"max_key_records": 2}), ("seventeen", {})):
        maker = Maker(f"{name}-records-for-one-key")
        for _ in range(3 if limits else 17):
            maker.ec("P-256")
        yield Negative(maker.name, maker.sealed(PLAIN), "key-records", {"key": "P-256"}, limits)
    maker = Maker("other-curve")
    maker.ec("P-384")
    yield Negative(maker.name, maker.sealed(PLAIN), "no-recipient", {"key": "P-256"})
    maker = Maker("point-off-curve")
    mine = point(ec_key("P-256"))
    maker.ec("P-256", {2: mine[:-1] + bytes([mine[-1] ^ 1])})
    yield Negative(maker.name, maker.sealed(PLAIN), "point-off-curve", {"key": "P-256"})
    maker = Maker("rsa-garbage")
    maker.rsa(rsa_key(), odd={1: bytes(255) + b"\1"})
    yield Negative(maker.name, maker.sealed(PLAIN), "rsa-decryption", {"key": "RSA-2048"})
    for size in (31, 33):
        maker = Maker(f"rsa-kek-of-{size}-bytes")
        maker.rsa(rsa_key(), size)
        yield Negative(maker.name, maker.sealed(PLAIN), "kek-length", {"key": "RSA-2048"})


def _shares() -> Iterator[Negative]:
    def wrong(share: dict[str, str]) -> dict[str, str]:
        value = bytearray.fromhex(share["value"])
        value[31] ^= 1
        return {**share, "value": value.hex()}

    maker = Maker("share-wrong")
    one, two, three, *_ = maker.some_shares(3, 5)
    whole = maker.sealed(PLAIN)
    yield Negative("share-wrong", whole, "commitment-mismatch", {"shares": [one, wrong(two), three]})
    swapped = [one, {**two, "value": three["value"]}, {**three, "value": two["value"]}]
    yield Negative("shares-swapped", whole, "commitment-mismatch", {"shares": swapped})
    yield Negative("share-missing", whole, "too-few-shares", {"shares": [one, two]})
    maker = Maker("commitment-changed")
    shares = maker.some_shares(2, 3, odd_shares={2: {3: bytes(32)}})
    yield Negative(maker.name, maker.sealed(PLAIN), "commitment-mismatch", {"shares": shares[:2]})
    maker = Maker("threshold-lowered")
    shares = maker.some_shares(3, 5, {4: Byte(2)})
    # All commitments match; only the header HMAC tells that two shares of a 3-of-5 sharing say nothing.
    yield Negative(maker.name, maker.sealed(PLAIN), "wrong-key", {"shares": shares[:2]})
    maker = Maker("n-of-n-share-wrong")
    shares = maker.all_shares(2)
    yield Negative(maker.name, maker.sealed(PLAIN), "wrong-key", {"shares": [shares[0], wrong(shares[1])]})


def _tags() -> Iterator[Negative]:
    maker = _good("tag")
    whole = maker.sealed(PLAIN)
    yield Negative("tag-flipped", _flipped(whole, len(whole) - 1), "wrong-tag")
    yield Negative("ciphertext-flipped", _flipped(whole, len(whole) - 100), "wrong-tag")
    yield Negative("nonce-flipped", _flipped(whole, 9 + int.from_bytes(whole[5:9], "big") + 32), "wrong-tag")
    yield Negative("tag-cut", whole[:-1], "wrong-tag")
    yield Negative("no-tag", whole[: 9 + int.from_bytes(whole[5:9], "big") + 32 + 12], "wrong-tag")
    yield Negative("byte-after-the-tag", whole + b"\0", "wrong-tag")
    # The order of errors: whatever else is wrong inside, a wrong tag is what a reader reports.
    for name, inside in (
        ("link", archive.header(kind=b"2") + archive.END),
        ("climbing", archive.header(b"../..") + archive.END),
        ("no-end", PLAIN[:-1024]),
    ):
        maker = _good(f"tag-and-{name}")
        whole = maker.sealed(inside)
        yield Negative(maker.name, _flipped(whole, len(whole) - 1), "wrong-tag")
    maker = _good("tag-and-zlib")
    whole = maker.framed(maker.header(), b"no zlib")
    yield Negative(maker.name, _flipped(whole, len(whole) - 1), "wrong-tag")


def _compressed() -> Iterator[Negative]:
    good, crc = packed(PLAIN), zlib.crc32(PLAIN).to_bytes(4, "little")
    for name, compressed in {
        "empty": b"",
        "not-compressed": PLAIN,
        "cut": good[:-5],
        "without-checksum": good[:-4],
        "wrong-checksum": _flipped(good, len(good) - 1),
        "byte-after-the-end": good + b"\0",
        "twice": good + good,
        "dictionary": b"\x78\x20" + good[2:6] + good[2:],
        "window-of-64-kib": b"\x88\x1c" + good[2:],
        "raw-deflate": good[2:-4],
        "reserved-block": framed(b"\x07", b""),
        "gzip": b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + good[2:-4] + crc + len(PLAIN).to_bytes(4, "little"),
    }.items():  # fmt: skip
        maker = _good(f"zlib-{name}")
        yield Negative(maker.name, maker.framed(maker.header(), compressed), "zlib")


def _archives() -> Iterator[Negative]:
    for name, reason, inside, limits in hostile.archives():
        maker = _good(f"tar-{name}")
        yield Negative(maker.name, maker.sealed(inside), reason, limits=limits)


def _flipped(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
