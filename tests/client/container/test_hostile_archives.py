# SPDX-License-Identifier: MIT
"""Hostile archives under a right tag: each fault is found, named and leaves nothing."""

import random
from contextlib import suppress

import pytest
from factories.archives import END, file, header, pax, record, seal, unpack
from hypothesis import given
from hypothesis import strategies as st

from osak.client.container.errors import ContainerError, DamagedContainerError
from osak.client.container.sink import MemorySink


def bad_checksum() -> bytes:
    """Return a header whose checksum is off by one bit."""
    block = bytearray(header())
    block[0] ^= 1
    return bytes(block)


HOSTILE: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "ends too early"),
    "half a header": (header()[:300], "ends too early"),
    "no end": (file(b"a", b"hi"), "ends too early"),
    "one zero block": (file(b"a", b"hi") + bytes(512), "ends too early"),
    "one zero block, then a file": (bytes(512) + file(b"a", b"hi") + END, "one zero block"),
    "content cut": (header(b"a", 5000) + b"hi", "ends too early"),
    "padding cut": (header(b"a", 2) + b"hi", "ends too early"),
    "data after the end": (file(b"a", b"hi") + END + b"\x01", "data follows"),
    "file after the end": (file(b"a", b"hi") + END + file(b"b", b"hi"), "data follows"),
    "endless zeros": (file(b"a", b"hi") + END + bytes(3 * 2**20), "too many zeros"),
    "checksum": (bad_checksum() + END, "wrong checksum"),
    "noise": (random.Random(1).randbytes(512) + END, "unknown format"),
    "magic": (header(magic=b"ustar\x0001") + END, "unknown format"),
    "hard link": (header(kind=b"1") + END, "a hard link"),
    "symbolic link": (header(kind=b"2") + END, "a symbolic link"),
    "character device": (header(kind=b"3") + END, "a device"),
    "block device": (header(kind=b"4") + END, "a device"),
    "folder": (header(b"d/", kind=b"5") + END, "a folder"),
    "old folder": (header(b"d/", kind=b"\x00") + END, "is empty"),
    "pipe": (header(kind=b"6") + END, "a pipe"),
    "contiguous": (header(kind=b"7") + END, "unknown kind"),
    "global pax": (header(kind=b"g") + END, "a global header"),
    "GNU long name": (header(kind=b"L") + END, "a GNU long name"),
    "GNU long link": (header(kind=b"K") + END, "unknown kind"),
    "GNU sparse": (header(kind=b"S") + END, "a sparse file"),
    "pax sparse": (pax(record(b"GNU.sparse.major", b"1")) + header() + END, "a sparse file"),
    "two pax headers": (pax(b"") + pax(b"") + header() + END, "unknown kind"),
    "pax before a link": (pax(b"") + header(kind=b"2") + END, "a symbolic link"),
    "pax, then the end": (pax(b"") + END, "ends after an extended header"),
    "negative size": (header(size_field=b"\xff" * 12) + END, "malformed number"),
    "signed size": (header(size_field=b"-0000000001\x00") + END, "malformed number"),
    "blank size": (header(size_field=bytes(12)) + END, "malformed number"),
    "decimal size": (header(size_field=b"00000000009\x00") + END, "malformed number"),
    "two numbers": (header(size_field=b"0001 0001 \x00\x00") + END, "malformed number"),
    "base-256 beyond all": (header(size_field=b"\x80" + b"\xff" * 11) + END, "beyond all sizes"),
    "pax negative size": (pax(record(b"size", b"-1")) + header() + END, "malformed size"),
    "pax size with a plus": (pax(record(b"size", b"+1")) + header() + END, "malformed size"),
    "pax size empty": (pax(record(b"size", b"")) + header() + END, "malformed size"),
    "pax size of many digits": (pax(record(b"size", b"9" * 5000)) + header() + END, "malformed size"),
    "pax size beyond all": (pax(record(b"size", b"9" * 19)) + header() + END, "malformed size"),
    "pax twice the same key": (pax(record(b"path", b"a") * 2) + header() + END, "malformed"),
    "pax no equals": (pax(b"6 path\n"[:7]) + header() + END, "malformed"),
    "pax no key": (pax(record(b"", b"x")) + header() + END, "malformed"),
    "pax no newline": (pax(b"9 path=a.") + header() + END, "malformed"),
    "pax length too long": (pax(b"99 path=a\n") + header() + END, "malformed"),
    "pax length too short": (pax(b"2 path=a\n") + header() + END, "malformed"),
    "pax length zero": (pax(b"0 path=a\n") + header() + END, "malformed"),
    "pax length huge": (pax(b"9" * 4000 + b" path=a\n") + header() + END, "malformed"),
    "pax length no number": (pax(b"xx path=a\n") + header() + END, "malformed"),
    "pax trailing bytes": (pax(record(b"path", b"a") + b"\x00") + header() + END, "malformed"),
    "pax path empty": (pax(record(b"path", b"")) + header() + END, "is empty"),
    "name empty": (header(b"") + END, "is empty"),
    "climbing": (header(b"x/..") + END, r"'\.\.'"),
    "a folder": (header(b"/etc/") + END, "is empty"),
    "a folder by prefix": (header(b"", prefix=b"/etc") + END, "is empty"),
    "climbing in pax": (pax(record(b"path", b"../..")) + header() + END, r"'\.\.'"),
    "same after climbing": (file(b"../a", b"1") + file(b"/b/a", b"2") + END, "side by side"),
    "NUL in pax": (pax(record(b"path", b"a\x00b")) + header() + END, "U\\+0000"),
    "control character": (header(b"a\nb") + END, "U\\+000A"),
    "bidirectional override": (header("a\u202etxt.exe".encode()) + END, "U\\+202E"),
    "not UTF-8": (header(b"\xff") + END, "not UTF-8"),
    "duplicate": (file(b"a", b"1") + file(b"a", b"2") + END, "side by side"),
    "duplicate when folded": (file(b"A", b"1") + file(b"a", b"2") + END, "side by side"),
    "duplicate when normalised": (header("õ".encode()) + header("o\u0303".encode()) + END, "side by side"),
    "duplicate without its folder": (file(b"x/a", b"1") + file(b"y/a", b"2") + END, "side by side"),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_archives_are_refused(what: str) -> None:
    """Each fault is found under a right tag, named, and leaves nothing, also after a good first file."""
    archive, message = HOSTILE[what]
    for payload in (seal(archive), seal(file(b"first", b"good") + archive)):
        sink = MemorySink()
        with pytest.raises(DamagedContainerError, match=message):
            unpack(payload, sink=sink)
        assert not sink.files
        assert not sink._pending


@pytest.mark.parametrize("what", HOSTILE)
def test_a_wrong_tag_is_reported_before_anything_in_the_plaintext(what: str) -> None:
    """With a wrong tag nothing about the archive is said, not even in the chain of causes."""
    payload = bytearray(seal(HOSTILE[what][0]))
    payload[-1] ^= 1
    with pytest.raises(DamagedContainerError, match="tag is wrong") as raised:
        unpack(bytes(payload))
    assert not isinstance(raised.value.__context__, ContainerError)


def test_truncation_at_every_byte_leaves_nothing() -> None:
    """No beginning of a payload gives a file."""
    payload = seal(file(b"a", b"hello") + END)
    for length in range(len(payload)):
        sink = MemorySink()
        with pytest.raises(DamagedContainerError, match=r"tag is wrong|cut short"):
            unpack(payload[:length], sink=sink)
        assert not sink.files


def test_every_flipped_bit_is_a_wrong_tag() -> None:
    """A bit flipped anywhere is reported as that and nothing else."""
    payload = seal(file(b"a", b"hello") + END)
    for bit in range(8 * len(payload)):
        changed = bytearray(payload)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DamagedContainerError, match="tag is wrong"):
            unpack(bytes(changed))


@given(st.binary(max_size=1024), st.integers(0, 1500))
def test_arbitrary_damage_in_the_archive_ends_as_ours(noise: bytes, position: int) -> None:
    """Whatever a sender seals, the result is files or our error."""
    archive = bytearray(pax(record(b"path", b"name")) + file(b"a", b"hi") + END)
    archive[position : position + len(noise)] = noise
    with suppress(DamagedContainerError):
        unpack(seal(bytes(archive)))
