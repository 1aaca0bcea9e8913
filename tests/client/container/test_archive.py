# SPDX-License-Identifier: MIT
"""What we pack opens everywhere, and what cannot be packed is refused before a byte is written."""

import io
import tarfile
from collections.abc import Callable
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osak.client.container.archive import ArchiveWriter, Entry, write_archive
from osak.client.container.entry_names import require_safe_name
from osak.client.container.errors import InvalidInputError
from osak.client.container.limits import Limits
from osak.client.container.tar_reader import TarReader


def entry(name: str, content: bytes = b"") -> Entry:
    """Return a file in memory."""
    return Entry(name, len(content), lambda: io.BytesIO(content))


def pack(
    *entries: Entry, limits: Limits | None = None, progress: Callable[[int], object] | None = None
) -> bytes:
    """Return the whole archive."""
    out = bytearray()
    write_archive(out.extend, entries, limits or Limits(), progress)
    return bytes(out)


def is_safe(name: str) -> bool:
    """Tell whether the policy takes a name."""
    try:
        require_safe_name(name)
    except Exception:  # noqa: BLE001 - any refusal will do
        return False
    return True


@given(st.text(min_size=1, max_size=120).filter(is_safe), st.binary(max_size=2000))
def test_tarfile_opens_what_we_write(name: str, content: bytes) -> None:
    """The standard library reads names of any script and length, and the content, back."""
    with tarfile.open(fileobj=io.BytesIO(pack(entry(name, content))), mode="r:") as tar:
        (member,) = tar.getmembers()
        stream = tar.extractfile(member)
        assert stream is not None
        assert (member.name, stream.read()) == (name, content)
        assert member.isreg()


@given(
    st.text(min_size=1, max_size=110).filter(is_safe),
    st.one_of(st.integers(0, 2**34), st.sampled_from([0, 1, 511, 512, 8**11 - 1, 8**11])),
)
def test_headers_are_those_of_tarfile(name: str, size: int) -> None:
    """The headers that are made the quick way are byte for byte those of the standard library."""
    out = bytearray()
    ArchiveWriter(out.extend, Limits()).open(name, size)
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    assert bytes(out) == info.tobuf(tarfile.PAX_FORMAT, encoding="utf-8")


def test_nothing_of_the_sender_is_packed() -> None:
    """Times, owners and permissions are the same for everybody."""
    with tarfile.open(fileobj=io.BytesIO(pack(entry("a", b"x")))) as tar:
        member = tar.getmember("a")
    assert (member.mtime, member.uid, member.gid, member.uname, member.gname, member.mode) == (
        0,
        0,
        0,
        "",
        "",
        0o644,
    )


def test_shape_of_a_plain_file() -> None:
    """An ASCII name needs one header block with the ustar magic, and two zero blocks end it all."""
    archive = pack(entry("a.txt", b"hello"))
    assert len(archive) == 4 * 512
    assert archive[257:265] == b"ustar\x0000"
    assert archive[156:157] == b"0"
    assert archive[512:517] == b"hello"
    assert archive[517:] == bytes(len(archive) - 517)


@pytest.mark.parametrize(("name", "has_pax"), [("n" * 100, False), ("n" * 101, True), ("õ", True)])
def test_pax_header_only_where_needed(name: str, has_pax: bool) -> None:
    """A pax header precedes names that ustar cannot hold, and no others."""
    assert (pack(entry(name))[156:157] == b"x") is has_pax


class Sparse(io.RawIOBase):
    """A stream of zeros that needs no memory."""

    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int = -1, /) -> bytes:
        count = min(size, self._left)
        self._left -= count
        return bytes(count)


class _EnoughError(Exception):
    """Ends a test that has seen the header."""


def test_size_above_8_gib_goes_into_a_pax_header() -> None:
    """The header of a file too large for octal digits reads back with its size."""
    size = 9 * 2**30
    head = bytearray()

    def write(data: bytes | bytearray | memoryview) -> None:
        head.extend(data)
        if len(head) > 2048:
            raise _EnoughError

    with pytest.raises(_EnoughError):
        write_archive(write, [Entry("big", size, lambda: Sparse(size))], Limits())  # type: ignore[arg-type, return-value]  # only read and close are needed
    member = TarReader(iter([bytes(head)]), Limits()).next_member()
    assert member is not None
    assert member.size == size


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [entry("../x")],
        [entry("/x")],
        [entry("a"), entry("a")],
        [entry("A"), entry("a")],
        [entry("õ"), entry("o\u0303")],
        [entry("n" * 256)],
        [Entry("a", -1, io.BytesIO)],
        [entry("a\udcff")],
    ],
)
def test_bad_input_is_refused_before_anything_is_written(entries: list[Entry]) -> None:
    """Names, duplicates and sizes are judged first, the output stays untouched."""
    out = bytearray()
    with pytest.raises(InvalidInputError):
        write_archive(out.extend, [entry("good"), *entries] if entries else [], Limits())
    assert not out


@pytest.mark.parametrize(
    "limits", [Limits(max_entries=1), Limits(max_output_bytes=5), Limits(max_name_bytes=3)]
)
def test_the_readers_limits_bind_the_writer(limits: Limits) -> None:
    """What our own reader would refuse is not written."""
    with pytest.raises(InvalidInputError):
        pack(entry("long", b"xxx"), entry("b", b"yyy"), limits=limits)


def test_endless_entries_are_not_collected() -> None:
    """An iterable that never ends is refused at the limit."""
    with pytest.raises(InvalidInputError, match="more than 1000 files"):
        write_archive(lambda _: None, (entry(f"f{n}") for n in iter(int, 1)), Limits())


@pytest.mark.parametrize(("announced", "word"), [(4, "longer"), (6, "shorter"), (0, "longer")])
def test_a_file_that_changes_while_read_is_named(announced: int, word: str) -> None:
    """A file with more or less than announced is an error that says which."""
    closed: list[str] = []

    class Watched(io.BytesIO):
        def close(self) -> None:
            closed.append("yes")
            super().close()

    def opened() -> BinaryIO:
        return Watched(b"hello")

    with pytest.raises(InvalidInputError, match=f"'moving' became {word}"):
        pack(Entry("moving", announced, opened))
    assert closed


def test_progress_counts_content() -> None:
    """Progress is told of content bytes, not of headers."""
    told: list[int] = []
    pack(entry("a", bytes(3_000_000)), entry("b", b"x"), progress=told.append)
    assert sum(told) == 3_000_001


def test_an_error_of_the_callers_stream_is_the_callers() -> None:
    """A file that cannot be opened gives its own OSError."""

    def missing() -> BinaryIO:
        raise FileNotFoundError(2, "No such file", "gone")

    with pytest.raises(FileNotFoundError):
        pack(Entry("gone", 1, missing))


def test_files_one_by_one_make_the_same_archive() -> None:
    """Given piece by piece or all at once, the bytes are the same."""
    out = bytearray()
    archive = ArchiveWriter(out.extend, Limits())
    for name, content in (("a", b"x" * 700), ("empty", b""), ("õ", b"y")):
        file = archive.open(name, len(content))
        for position in range(0, len(content), 300):
            file.write(content[position : position + 300])
        file.close()
    archive.finish()
    assert bytes(out) == pack(entry("a", b"x" * 700), entry("empty"), entry("õ", b"y"))


def test_files_one_by_one_obey_the_same_rules() -> None:
    """Names, doubles, limits, more or less than announced, and no file at all are refused."""
    archive = ArchiveWriter(lambda _: None, Limits(max_entries=2))
    with pytest.raises(InvalidInputError, match="at least one"):
        archive.finish()
    with pytest.raises(InvalidInputError, match="forbidden"):
        archive.open("../x", 0)
    archive = ArchiveWriter(lambda _: None, Limits(max_entries=2))
    file = archive.open("a", 3)
    with pytest.raises(InvalidInputError, match="longer than was announced"):
        file.write(b"1234")
    file.write(b"12")
    file.close()
    for go_on in (archive.finish, lambda: archive.open("b", 0)):
        with pytest.raises(InvalidInputError, match="'a' is not complete"):
            go_on()
    file.write(b"3")
    with pytest.raises(InvalidInputError, match="side by side"):
        archive.open("A", 0)
    with pytest.raises(InvalidInputError, match="more than 2 files"):
        archive.open("c", 0)
