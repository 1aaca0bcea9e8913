# SPDX-License-Identifier: MIT
"""Unpacking: honest archives of every writer open, hostile ones leave nothing, the tag has the first word."""

import io
import os
import random
import subprocess
import sys
import tarfile
import textwrap
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from osak.client.container.archive import Entry, write_archive
from osak.client.container.errors import (
    ContainerError,
    DamagedContainerError,
    InvalidInputError,
    LimitExceededError,
    UnsafeNameError,
)
from osak.client.container.limits import Limits
from osak.client.container.payload import PayloadWriter
from osak.client.container.sink import DiscardSink, MemorySink, SinkFile
from osak.client.container.tar_reader import TarReader
from osak.client.container.unpack import ExtractedEntry, extract

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


names = st.from_regex(r"[a-z0-9õ日]{1,40}", fullmatch=True)


@given(st.dictionaries(names, st.binary(max_size=1500), min_size=1, max_size=6), st.integers(0, 2**32))
def test_round_trip(files: dict[str, bytes], seed: int) -> None:
    """What is packed and sealed comes out, in order, however the archive was cut."""
    cut = random.Random(seed)
    archive = bytearray()
    write_archive(
        archive.extend,
        [Entry(name, len(content), partial(io.BytesIO, content)) for name, content in files.items()],
        Limits(),
    )
    out = io.BytesIO()
    with PayloadWriter(out, KEY, NONCE, AAD) as writer:
        position = 0
        while position < len(archive):
            end = position + cut.randint(1, 900)
            writer.write(archive[position:end])
            position = end
        writer.finish()
    sink = MemorySink()
    entries = extract(io.BytesIO(out.getvalue()), KEY, AAD, sink, Limits())
    assert entries == tuple(ExtractedEntry(name, len(content)) for name, content in files.items())
    assert sink.files == files


@given(st.lists(st.integers(1, 700), min_size=1, max_size=30))
def test_archive_pieces_of_any_size(sizes: list[int]) -> None:
    """The tar reader does not care where its source cuts."""
    archive = file(b"a", b"x" * 700) + pax(record(b"path", b"long" * 40)) + file(b"cut", b"y") + END
    chunks: list[bytes] = []
    while archive:
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(archive[:size])
        archive = archive[size:]
    tar = TarReader(iter([b"", *chunks]), Limits())
    found = []
    while (member := tar.next_member()) is not None:
        found.append((member.path, b"".join(tar.content(member))))
    assert found == [(b"a", b"x" * 700), (b"long" * 40, b"y")]


@pytest.mark.parametrize("tar_format", [tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT])
def test_what_tarfile_writes_opens(tar_format: int) -> None:
    """Archives of the standard library open, with their padding to 10240 bytes."""
    files = {"a.txt": b"hello", "empty": b"", "big": os.urandom(70_000)}
    if tar_format == tarfile.PAX_FORMAT:
        files |= {"õ" * 90: b"long", "日本": b"x"}
    assert unpack(seal(tarred(files, tar_format))) == files


HONEST = {
    "libcdoc: no magic at all": file(b"a", b"hi", magic=bytes(8)) + END,
    "libcdoc: size ends in a space": header(size_field=b"00000000002 ", magic=bytes(8)) + padded(b"hi") + END,
    "old GNU magic": file(b"a", b"hi", magic=b"ustar  \x00") + END,
    "type NUL": file(b"a", b"hi", kind=b"\x00") + END,
    "base-256 size": header(b"a", size_field=b"\x80" + (2).to_bytes(11, "big")) + padded(b"hi") + END,
    "pax size": pax(record(b"size", b"2")) + header(b"a") + padded(b"hi") + END,
    "pax path, header name unusable": pax(record(b"path", b"a")) + file(b"\xff\xfe/..", b"hi") + END,
    "pax with other keys": pax(record(b"mtime", b"1.5") + record(b"path", b"a")) + file(b"z", b"hi") + END,
    "empty pax header": pax(b"") + file(b"a", b"hi") + END,
    "typed path": file(b"sub/a", b"hi") + END,
    "ustar prefix": file(b"a", b"hi", prefix=b"sub") + END,
    "padding to a record": file(b"a", b"hi") + END + bytes(10240 - 2048),
}  # fmt: skip


@pytest.mark.parametrize("what", HONEST)
def test_honest_archives_open(what: str) -> None:
    """Everything the known writers make opens."""
    assert unpack(seal(HONEST[what])) == {"a": b"hi"}


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
    "climbing": (header(b"../x") + END, r"'\.\.'"),
    "absolute": (header(b"/etc/passwd") + END, "is empty"),
    "absolute prefix": (header(b"passwd", prefix=b"/etc") + END, "is empty"),
    "climbing in pax": (pax(record(b"path", b"../../x")) + header() + END, r"'\.\.'"),
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


def bomb_of_entries(count: int) -> bytes:
    """Return an archive of many empty files."""
    return b"".join(header(b"f%d" % number) for number in range(count)) + END


@pytest.mark.parametrize(
    ("archive", "limits", "limit"),
    [
        (bomb_of_entries(1001), Limits(), "max_entries"),
        (bomb_of_entries(3), Limits(max_entries=2), "max_entries"),
        (
            file(b"a", b"x" * 60) + file(b"b", b"x" * 60) + END,
            Limits(max_output_bytes=119),
            "max_output_bytes",
        ),
        (header(b"a", 2**32) + END, Limits(max_output_bytes=2**31), "max_output_bytes"),
        (pax(record(b"comment", b"x" * 70_000)) + header() + END, Limits(), "max_pax_header_bytes"),
        (header(b"x", 2**33 - 1, kind=b"x") + END, Limits(), "max_pax_header_bytes"),
        (pax(record(b"path", b"x" * 1001)) + header() + END, Limits(), "max_name_bytes"),
        (file(b"a", bytes(2**22)) + END, Limits(max_ratio=20, ratio_floor_bytes=2**20), "max_ratio"),
    ],
)
def test_limits_stop_and_name_themselves(archive: bytes, limits: Limits, limit: str) -> None:
    """Bombs by count, size, header and ratio end as LimitExceededError after the tag was checked."""
    with pytest.raises(LimitExceededError) as raised:
        unpack(seal(archive), limits)
    assert raised.value.limit == limit
    wrong = bytearray(seal(archive))
    wrong[-1] ^= 1
    with pytest.raises(DamagedContainerError, match="tag is wrong"):
        unpack(bytes(wrong), limits)


def test_limits_are_inclusive() -> None:
    """Exactly the limit is allowed."""
    assert len(unpack(seal(bomb_of_entries(1000)))) == 1000
    assert unpack(seal(file(b"a", b"x" * 60) + END), Limits(max_output_bytes=60)) == {"a": b"x" * 60}


def test_only_takes_what_was_asked_for() -> None:
    """Chosen files come out, the others are checked and left out; a missing one is an error."""
    payload = seal(file(b"a", b"1" * 600) + file(b"b", b"2") + file(b"c", b"3") + END)
    assert unpack(payload, only=["b"]) == {"b": b"2"}
    assert unpack(payload, only=[]) == {}
    with pytest.raises(InvalidInputError, match="no file 'd'"):
        unpack(payload, only=["a", "d"])
    with pytest.raises(UnsafeNameError):
        unpack(seal(file(b"a", b"1") + file(b"../b", b"2") + END), only=["a"])


def test_an_archive_without_files_opens_empty() -> None:
    """Two zero blocks alone are an archive."""
    assert unpack(seal(END)) == {}


def test_listing_needs_no_room() -> None:
    """A discarding sink lists names and sizes."""
    payload = seal(file(b"a", b"12") + END)
    assert extract(io.BytesIO(payload), KEY, AAD, DiscardSink(), Limits()) == (ExtractedEntry("a", 2),)
    with pytest.raises(DamagedContainerError):
        extract(io.BytesIO(payload[:-1]), KEY, AAD, DiscardSink(), Limits())


class GrumpySink(MemorySink):
    """A sink that fails where it is told to."""

    def __init__(self, where: str, error: BaseException) -> None:
        super().__init__()
        self._where = where
        self._error = error
        self.discarded = 0

    def open(self, name: str, size: int) -> SinkFile:
        if self._where == "open":
            raise self._error
        file = super().open(name, size)
        return self if self._where == "write" else file

    def write(self, data: object, /) -> None:
        raise self._error

    def close(self) -> None:
        """Nothing to release."""

    def commit(self) -> None:
        raise self._error

    def discard(self) -> None:
        self.discarded += 1
        super().discard()


@pytest.mark.parametrize("where", ["open", "write", "commit"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failing_sink_is_discarded_and_its_error_raised(where: str, error: BaseException) -> None:
    """A full disk or an interrupt goes through, and the sink has forgotten everything."""
    sink = GrumpySink(where, error)
    with pytest.raises(type(error)):
        unpack(seal(file(b"a", b"hi") + END), sink=sink)
    assert sink.discarded == 1


def test_a_wrong_tag_comes_before_a_full_disk() -> None:
    """The tag has the first word over errors of the sink as well."""
    payload = bytearray(seal(file(b"a", b"hi") + END))
    payload[-1] ^= 1
    with pytest.raises(DamagedContainerError, match="tag is wrong"):
        unpack(bytes(payload), sink=GrumpySink("write", OSError(28, "full")))


def test_a_failing_source_discards() -> None:
    """An error of the source itself reaches the caller."""

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() >= 12:
                raise OSError(5, "Input/output error")
            return super().read(size)

    sink = GrumpySink("none", OSError())
    with pytest.raises(OSError, match="Input/output"):
        extract(Broken(seal(END)), KEY, AAD, sink, Limits())
    assert sink.discarded == 1


def test_progress_reaches_the_length_of_the_payload() -> None:
    """Progress counts encrypted bytes, also of what is skipped."""
    told: list[int] = []
    payload = seal(file(b"a", os.urandom(3 * 2**20)) + END)
    count: Callable[[int], object] = told.append
    extract(io.BytesIO(payload), KEY, AAD, DiscardSink(), Limits(), only=[], progress=count)
    assert sum(told) == len(payload)


MEMORY_PROBE = """
    import os, re, sys, tempfile
    from pathlib import Path
    from osak.client.container.archive import Entry, write_archive
    from osak.client.container.limits import Limits
    from osak.client.container.payload import PayloadWriter
    from osak.client.container.sink import DiscardSink
    from osak.client.container.unpack import extract

    block = os.urandom(2**20)
    size = int(sys.argv[1])

    class Noise:
        def __init__(self): self.left = size
        def __enter__(self): return self
        def __exit__(self, *args): pass
        def read(self, count):
            count = min(count, self.left, len(block))
            self.left -= count
            return block[:count]

    with tempfile.TemporaryFile() as out:
        with PayloadWriter(out, bytes(32), bytes(12), b"") as writer:
            write_archive(writer.write, [Entry("big", size, Noise)], Limits())
            writer.finish()
        out.seek(0)
        extract(out, bytes(32), b"", DiscardSink(), Limits())
    # Not getrusage: its peak includes that of the process this one was started from.
    print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def test_memory_does_not_grow_with_the_file() -> None:
    """Sixteen times the file takes the same memory, both ways, and far less than 150 MiB."""
    peaks = [
        int(subprocess.check_output([sys.executable, "-c", textwrap.dedent(MEMORY_PROBE), str(size)]))
        for size in (2**23, 2**27)
    ]
    assert peaks[1] < 150 * 1024
    assert peaks[1] - peaks[0] < 32 * 1024
