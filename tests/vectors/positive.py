# SPDX-License-Identifier: MIT
"""The containers that must open: every kind of recipient that needs no server, every form of payload."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from independent.flatbuffer_writer import Byte, Fields
from vectors import archive
from vectors.container import CURVE_NUMBERS, Maker, Odd, point
from vectors.credentials import CURVES, LONG_SECRET, PASSWORD, SECRET, ec_key, rsa_key
from vectors.deflate import stored
from vectors.entropy import Stream

CONTENT: Final = Stream("content")(200)
FILES: Final = {"tere.bin": CONTENT}
PLAIN: Final = archive.file(b"tere.bin", CONTENT) + archive.END
WITH_SECRET: Final = {"secret": SECRET.hex()}
_PATHS: Final = (b"sub/a", b"./b", b"../c", b"../../etc/d", b"/etc/e", b"sub/../f", b"sub//g")


@dataclass(frozen=True)
class Positive:
    """A container that opens.

    Attributes:
        name: of the file.
        what: one phrase.
        container: all its bytes.
        credentials: what opens it, each alone: ``key``, ``secret``, ``password``, or ``shares`` (any t).
        files: content by name.
        keys: every key on the way.
        unusable: position of a record that nobody can use, and the reason.
    """

    name: str
    what: str
    container: bytes
    credentials: Sequence[Mapping[str, Any]]
    keys: Mapping[str, Any]
    files: Mapping[str, bytes] = field(default_factory=lambda: FILES)
    unusable: Mapping[int, str] = field(default_factory=dict)


def positives() -> Iterator[Positive]:
    """All of them."""
    yield from _local_kinds()
    yield from _shares()
    yield from _mixed()
    yield from _payloads()
    yield from _unusable_records()


def _done(maker: Maker, what: str, credential: Mapping[str, Any]) -> Positive:
    return Positive(maker.name, what, maker.sealed(PLAIN), [credential], maker.keys())


def _local_kinds() -> Iterator[Positive]:
    for curve in CURVES:
        maker = Maker(f"ec-{curve}")
        maker.ec(curve)
        yield _done(maker, f"a key on {curve}", {"key": curve})
    maker = Maker("rsa-2048")
    maker.rsa(rsa_key())
    yield _done(maker, "an RSA key of 2048 bits", {"key": "RSA-2048"})
    for name, secret in (("symmetric", SECRET), ("symmetric-64-bytes", LONG_SECRET)):
        maker = Maker(name)
        maker.secret(secret)
        yield _done(maker, f"a symmetric key of {len(secret)} bytes", {"secret": secret.hex()})
    for name, rounds in (("password", 600_000), ("password-1000-rounds", 1000)):
        maker = Maker(name)
        maker.password(PASSWORD, rounds)
        yield _done(maker, f"a password under {rounds} rounds of PBKDF2", {"password": PASSWORD})


def _shares() -> Iterator[Positive]:
    for nodes in (2, 3):
        maker = Maker(f"all-{nodes}-shares")
        shares = maker.all_shares(nodes)
        yield _done(maker, f"the official n-of-n scheme over {nodes} servers", {"shares": shares})
    for threshold, nodes in ((2, 2), (2, 3), (3, 5), (5, 8)):
        maker = Maker(f"shares-{threshold}-of-{nodes}")
        shares = maker.some_shares(threshold, nodes)
        yield _done(maker, f"any {threshold} of {nodes} shares", {"shares": shares})
    maker = Maker("shares-3-of-5-one-node-down")
    shares = maker.some_shares(3, 5, absent=[2])
    yield _done(maker, "node 2 took no share, so its index is missing", {"shares": shares})
    maker = Maker("shares-2-of-3-no-hints")
    bare: Odd = {4: None}
    shares = maker.some_shares(2, 3, {7: None}, dict.fromkeys((1, 2, 3), bare))
    yield _done(maker, "neither group nor server_id, which are optional", {"shares": shares})


def _mixed() -> Iterator[Positive]:
    maker = Maker("every-kind")
    for curve in CURVES:
        maker.ec(curve)
    maker.rsa(rsa_key())
    maker.password(PASSWORD, 1000)
    maker.all_shares(2)
    maker.some_shares(2, 3)
    details: Fields = {0: Byte(CURVE_NUMBERS["P-384"]), 1: point(ec_key("P-384"))}
    server: Fields = {0: Byte(1), 1: details, 2: "ria", 3: "KC0123456789abcdef0123456789abcdef"}
    maker.add(3, server, "data:,v=1&label=server&type=pub_key", bytes(32))
    maker.add(99, {0: b"of a later version"}, "tulevik", bytes(32))
    maker.secret(SECRET)
    whole = maker.sealed(PLAIN)
    reasons = {len(maker.records) - 2: "unknown-kind"}
    credentials = (WITH_SECRET, {"key": "P-384"}, {"key": "RSA-2048"}, {"password": PASSWORD})
    what = "a record of every kind and one of a later version"
    yield Positive(maker.name, what, whole, credentials, maker.keys(), unusable=reasons)


def _payloads() -> Iterator[Positive]:
    noise, large = Stream("noise"), Stream("large")(1500)
    three = {"esimene": noise(100), "tühi": b"", "suur.bin": noise(1500)}
    long = "õ" * 60
    yield _with_archive(
        "several-files",
        "three files, one of them empty, one name in a pax header",
        archive.file(b"esimene", three["esimene"])
        + archive.pax(archive.record(b"path", "tühi".encode()))
        + archive.file(b"t?hi", b"")
        + archive.file(b"suur.bin", three["suur.bin"]),
        three,
    )
    yield _with_archive(
        "utf-8-name-without-pax",
        "a name in UTF-8 right in the header",
        archive.file("tühi".encode(), CONTENT),
        {"tühi": CONTENT},
    )
    yield _with_archive(
        "long-name",
        "a name of 120 bytes in a pax header",
        archive.pax(archive.record(b"path", long.encode())) + archive.file(b"long", CONTENT),
        {long: CONTENT},
    )
    yield _with_archive(
        "size-in-pax",
        "a size in a pax header, none in the header",
        archive.pax(archive.record(b"size", b"200")) + archive.header(b"a", 0) + archive.padded(CONTENT),
        {"a": CONTENT},
    )
    yield _with_archive(
        "no-magic",
        "eight zeros for magic, as libcdoc writes",
        archive.file(b"a", CONTENT, bytes(8)),
        {"a": CONTENT},
    )
    yield _with_archive(
        "gnu-magic", "the magic of old GNU tar", archive.file(b"a", CONTENT, b"ustar  \x00"), {"a": CONTENT}
    )
    yield _with_archive(
        "base-256-size",
        "a size in base 256",
        archive.header(b"a", size_field=b"\x80" + len(CONTENT).to_bytes(11, "big")) + archive.padded(CONTENT),
        {"a": CONTENT},
    )
    yield _with_archive(
        "whole-record",
        "zeros up to a record of 10 KiB",
        archive.file(b"a", large) + bytes(6656),
        {"a": large},
    )
    yield _with_archive(
        "path",
        "paths as people type them, of which the last part counts",
        b"".join(archive.file(path, CONTENT) for path in _PATHS),
        {path.rpartition(b"/")[2].decode(): CONTENT for path in _PATHS},
    )
    yield _with_archive(
        "no-files", "an archive without files, 20 times smaller than what it unpacks to", b"", {}
    )
    maker = Maker("stored")
    maker.secret(SECRET)
    yield Positive(
        "stored",
        "deflate blocks that are not compressed, several of them",
        maker.framed(maker.header(), stored(PLAIN)),
        [WITH_SECRET],
        maker.keys(),
    )


def _with_archive(name: str, what: str, files: bytes, expected: Mapping[str, bytes]) -> Positive:
    maker = Maker(name)
    maker.secret(SECRET)
    return Positive(name, what, maker.sealed(files + archive.END), [WITH_SECRET], maker.keys(), expected)


def _unusable_records() -> Iterator[Positive]:
    """One record that makes no sense beside one that does: the container opens all the same."""
    for name, reason, odd, odd_shares in (
        ("threshold-0", "threshold", {4: Byte(0)}, {}),
        ("threshold-1", "threshold", {4: Byte(1)}, {}),
        ("threshold-4-of-3", "threshold", {4: Byte(4)}, {}),
        ("no-shares", "threshold", {0: []}, {}),
        ("index-0", "index", {}, {2: {2: Byte(0)}}),
        ("index-twice", "index", {}, {2: {2: Byte(3)}}),
        ("commitment-31-bytes", "commitment", {}, {3: {3: bytes(31)}}),
        ("commitment-33-bytes", "commitment", {}, {3: {3: bytes(33)}}),
        ("share-set-15-bytes", "share-set", {6: bytes(15)}, {}),
        ("share-set-17-bytes", "share-set", {6: bytes(17)}, {}),
        ("scheme-0", "scheme", {5: None}, {}),
        ("scheme-2", "scheme", {5: Byte(2)}, {}),
        ("recipient-type-0", "recipient-type", {3: None}, {}),
        ("recipient-type-2", "recipient-type", {3: Byte(2)}, {}),
    ):
        maker = Maker(f"unusable-{name}")
        maker.some_shares(2, 3, odd, odd_shares)
        yield _opened_by_the_other(maker, reason)
    for name, reason, odd in (("scheme-0", "scheme", {3: None}), ("no-shares", "threshold", {0: []})):
        maker = Maker(f"unusable-n-of-n-{name}")
        maker.all_shares(2, odd)
        yield _opened_by_the_other(maker, reason)
    for name, odd in (("0", {0: None}), ("4", {0: Byte(4)})):
        maker = Maker(f"unusable-curve-{name}")
        maker.ec("P-256", odd)
        yield _opened_by_the_other(maker, "curve")
    maker = Maker("unusable-compressed-point")
    maker.ec("P-256", {1: b"\2" + point(ec_key("P-256"))[1:33]})
    yield _opened_by_the_other(maker, "point")
    for rounds in (0, -1):
        maker = Maker(f"unusable-{rounds}-rounds")
        maker.password(PASSWORD, rounds)
        yield _opened_by_the_other(maker, "rounds")
    maker = Maker("unusable-kdf-0")
    maker.password(PASSWORD, 1000, odd={2: None})
    yield _opened_by_the_other(maker, "kdf")
    for name, kind in (("0", None), ("7", Byte(7)), ("63", Byte(63)), ("65", Byte(65))):
        maker = Maker(f"unusable-kind-{name}")
        maker.add(0, {0: b"?"}, "tundmatu", bytes(32), {0: kind})
        yield _opened_by_the_other(maker, "unknown-kind")
    for name, odd in (("0", {4: None}), ("2", {4: Byte(2)})):
        maker = Maker(f"unusable-fmk-method-{name}")
        maker.add(2, {0: b"key", 1: b"kek"}, "tundmatu", bytes(32), odd)
        yield _opened_by_the_other(maker, "fmk-method")
    maker = Maker("unusable-fmk-31-bytes")
    maker.add(2, {0: b"key", 1: b"kek"}, "lühike", bytes(32), {3: bytes(31)})
    yield _opened_by_the_other(maker, "fmk-length")


def _opened_by_the_other(maker: Maker, reason: str) -> Positive:
    maker.secret(SECRET)
    what = f"{maker.name.removeprefix('unusable-')}: record 0 is of no use ({reason}), record 1 opens"
    return Positive(maker.name, what, maker.sealed(PLAIN), [WITH_SECRET], maker.keys(), unusable={0: reason})
