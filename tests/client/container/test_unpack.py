# SPDX-License-Identifier: MIT
"""Unpacking: honest archives of every writer open, hostile ones leave nothing, the tag has the first word."""

import io
import os
import random
import subprocess
import sys
import tarfile
import textwrap
from collections.abc import Callable
from functools import partial

import pytest
from factories.archives import AAD, END, KEY, NONCE, file, header, padded, pax, record, seal, tarred, unpack
from hypothesis import given
from hypothesis import strategies as st

from osak.client.container.archive import Entry, write_archive
from osak.client.container.errors import (
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
        unpack(seal(file(b"a", b"1") + file(b"b/..", b"2") + END), only=["a"])


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
