# SPDX-License-Identifier: MIT
"""Output appears whole or not at all: looked at through the folder before and after."""

import contextlib
import errno
import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from osak.client import output
from osak.client.container.sink import Sink
from osak.client.errors import OutputError, OutputExistsError
from osak.client.output import DirectorySink, atomic_output


def snapshot(folder: Path) -> dict[str, str]:
    """Return everything in a folder: what it is and what it holds."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        else:
            found[name] = "folder" if path.is_dir() else path.read_bytes().hex()
    return found


def fill(sink: Sink, **files: bytes) -> None:
    """Write files into a sink."""
    for name, content in files.items():
        with contextlib.closing(sink.open(name, len(content))) as file:
            file.write(content)


@contextlib.contextmanager
def umask(mask: int) -> Iterator[None]:
    """Set the umask for a while."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let the kernel refuse bytes beyond a size, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def sink_for(folder: Path, *, overwrite: bool = False) -> DirectorySink:
    """Return a sink that does not care how full the test machine is."""
    return DirectorySink(folder, overwrite=overwrite, min_free_disk_bytes=0)


def test_the_sink_is_a_sink(tmp_path: Path) -> None:
    """The type checker and the reader see that the Protocol is met."""
    sink: Sink = DirectorySink(tmp_path)
    sink.discard()
    assert snapshot(tmp_path) == {}


def test_files_appear_at_commit_and_only_then(tmp_path: Path) -> None:
    """Before commit nothing has its name; afterwards everything, and nothing else is left."""
    sink = sink_for(tmp_path)
    fill(sink, a=b"1", b=b"2" * 100_000)
    (hidden,) = tmp_path.iterdir()
    assert hidden.name.startswith(".osak-")
    assert stat.S_IMODE(hidden.stat().st_mode) == 0o700
    sink.commit()
    sink.discard()
    assert snapshot(tmp_path) == {"a": b"1".hex(), "b": (b"2" * 100_000).hex()}


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o000, 0o666)])
def test_files_follow_the_umask_and_are_never_executable(tmp_path: Path, mask: int, mode: int) -> None:
    """The user's umask decides who reads a decrypted file."""
    with umask(mask):
        sink = sink_for(tmp_path / "new")
        fill(sink, a=b"1")
        sink.commit()
    assert stat.S_IMODE((tmp_path / "new" / "a").stat().st_mode) == mode


def test_missing_folders_are_made_and_removed_again(tmp_path: Path) -> None:
    """Folders made for nothing go away with a failure; made for something they stay."""
    sink = sink_for(tmp_path / "x" / "y")
    fill(sink, a=b"1")
    sink.discard()
    sink.discard()
    assert snapshot(tmp_path) == {}
    fill(sink, a=b"1")
    sink.commit()
    sink.discard()
    assert snapshot(tmp_path) == {"x": "folder", "x/y": "folder", "x/y/a": b"1".hex()}


def test_a_folder_that_others_use_meanwhile_stays(tmp_path: Path) -> None:
    """Discard removes only what is its own."""
    sink = sink_for(tmp_path / "x")
    fill(sink, a=b"1")
    (tmp_path / "x" / "other").write_bytes(b"o")
    sink.discard()
    assert snapshot(tmp_path) == {"x": "folder", "x/other": b"o".hex()}


def test_commit_without_files_touches_nothing(tmp_path: Path) -> None:
    """An empty archive makes no folder."""
    sink_for(tmp_path / "x").commit()
    assert snapshot(tmp_path) == {}


@pytest.mark.parametrize("kind", ["file", "link", "dangling", "folder"])
def test_existing_names_are_refused_at_once(tmp_path: Path, kind: str) -> None:
    """Whatever has the name, even a dangling link, stays as it is."""
    make(tmp_path / "a", kind, tmp_path)
    before = snapshot(tmp_path)
    sink = sink_for(tmp_path)
    with pytest.raises(OutputExistsError, match="'a' exists"):
        sink.open("a", 1)
    sink.discard()
    assert snapshot(tmp_path) == before


def make(path: Path, kind: str, folder: Path) -> None:
    """Put something under a name."""
    if kind == "file":
        path.write_bytes(b"old")
    elif kind == "folder":
        path.mkdir()
    else:
        target = folder / "target"
        if kind == "link":
            target.write_bytes(b"behind the link")
        path.symlink_to(target)


def test_a_name_taken_before_commit_is_not_clobbered(tmp_path: Path) -> None:
    """A file that appears meanwhile wins, and files placed before it are taken back."""
    sink = sink_for(tmp_path)
    fill(sink, a=b"1", b=b"2", c=b"3")
    (tmp_path / "b").write_bytes(b"theirs")
    with pytest.raises(OutputExistsError, match="'b' exists"):
        sink.commit()
    sink.discard()
    assert snapshot(tmp_path) == {"b": b"theirs".hex()}


def test_works_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that knows no hard links gets the same files, and nobody's file is clobbered there."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)  # as a FAT memory stick answers, which needs root to mount
    sink = sink_for(tmp_path)
    fill(sink, a=b"1", b=b"2")
    sink.commit()
    after = {"a": b"1".hex(), "b": b"2".hex()}
    assert snapshot(tmp_path) == after
    late = sink_for(tmp_path)
    fill(late, c=b"3", d=b"4")
    (tmp_path / "d").write_bytes(b"theirs")
    with pytest.raises(OutputExistsError, match="'d' exists"):
        late.commit()
    late.discard()
    assert snapshot(tmp_path) == after | {"d": b"theirs".hex()}


@pytest.mark.parametrize("kind", ["file", "link", "dangling"])
def test_overwrite_replaces_the_name_and_not_what_a_link_leads_to(tmp_path: Path, kind: str) -> None:
    """A replaced link is gone; its target is untouched."""
    make(tmp_path / "a", kind, tmp_path)
    target = snapshot(tmp_path).get("target")
    sink = sink_for(tmp_path, overwrite=True)
    fill(sink, a=b"new", b=b"fresh")
    sink.commit()
    after = snapshot(tmp_path)
    assert after.pop("target", None) == target
    assert after == {"a": b"new".hex(), "b": b"fresh".hex()}


def test_overwrite_never_replaces_a_folder(tmp_path: Path) -> None:
    """A folder of that name is an error, overwrite or not."""
    (tmp_path / "a").mkdir()
    sink = sink_for(tmp_path, overwrite=True)
    with pytest.raises(OutputError, match="not a file"):
        sink.open("a", 1)
    sink.discard()
    assert snapshot(tmp_path) == {"a": "folder"}


def test_replaced_files_come_back_when_a_later_one_fails(tmp_path: Path) -> None:
    """With overwrite too it is all or nothing: old content and old links are restored."""
    (tmp_path / "a").write_bytes(b"old a")
    (tmp_path / "b").symlink_to("nowhere")
    before = snapshot(tmp_path)
    sink = sink_for(tmp_path, overwrite=True)
    fill(sink, a=b"1", b=b"2", c=b"3", d=b"4")
    (hidden,) = tmp_path.glob(".osak-*")
    # The third file is lost, as a broken disk would lose it.
    (hidden / "new-2").unlink()
    with pytest.raises(OutputError, match="'c' cannot be written"):
        sink.commit()
    sink.discard()
    assert snapshot(tmp_path) == before


def test_discard_after_some_files_leaves_nothing(tmp_path: Path) -> None:
    """Existing content of the folder stays, ours goes, also a file still open."""
    (tmp_path / "mine").write_bytes(b"m")
    sink = sink_for(tmp_path)
    fill(sink, a=b"1")
    file = sink.open("b", 5)
    file.write(b"half")
    file.close()
    sink.discard()
    assert snapshot(tmp_path) == {"mine": b"m".hex()}


def test_free_disk_is_asked_before_writing(tmp_path: Path) -> None:
    """An announced size that does not fit, or would fill the disk, is refused."""
    for size, keep in ((2**62, 0), (1, 2**62)):
        sink = DirectorySink(tmp_path / "x", min_free_disk_bytes=keep)
        with pytest.raises(OutputError, match="are free"):
            sink.open("a", size)
        sink.discard()
        assert snapshot(tmp_path) == {}


@pytest.mark.parametrize("size", [3_000_000, 100_001])
def test_no_room_midway_is_our_error_and_leaves_nothing(tmp_path: Path, size: int) -> None:
    """The kernel's refusal ends as OutputError, in write or in close."""
    sink = sink_for(tmp_path)
    with largest_file(100_000), pytest.raises(OutputError, match="'a' cannot be written"):
        fill(sink, a=bytes(size))
    sink.discard()
    assert snapshot(tmp_path) == {}


def test_a_folder_that_cannot_be_used_is_our_error(tmp_path: Path) -> None:
    """A file in place of the folder, or of a parent, or a dangling link."""
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to("nowhere")
    before = snapshot(tmp_path)
    for folder in ("file", "file/sub", "link"):
        sink = sink_for(tmp_path / folder)
        with pytest.raises(OutputError):
            sink.open("a", 1)
        sink.discard()
    assert snapshot(tmp_path) == before


def test_a_name_the_file_system_refuses_is_our_error(tmp_path: Path) -> None:
    """A name too long for the disk is found before anything is written."""
    sink = sink_for(tmp_path)
    with pytest.raises(OutputError, match="cannot be written"):
        sink.open("x" * 300, 1)
    sink.discard()
    assert snapshot(tmp_path) == {}


def test_a_relative_folder_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both the working folder itself and a new folder in it can be meant."""
    monkeypatch.chdir(tmp_path)
    for folder in (Path(), Path("sub")):
        sink = sink_for(folder)
        fill(sink, a=b"1")
        sink.commit()
    assert snapshot(tmp_path) == {"a": b"1".hex(), "sub": "folder", "sub/a": b"1".hex()}


def test_many_small_files_leave_no_descriptor_open(tmp_path: Path) -> None:
    """A thousand files are placed and every descriptor is returned."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    sink = sink_for(tmp_path)
    fill(sink, **{f"f{number}": b"x" for number in range(1000)})
    sink.commit()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert len(list(tmp_path.iterdir())) == 1000


def test_atomic_output_appears_at_the_end(tmp_path: Path) -> None:
    """While it is written the name is free; then the file is whole."""
    path = tmp_path / "out.cdoc2"
    with atomic_output(path) as file:
        file.write(b"x" * 200_000)
        assert not path.exists()
    assert snapshot(tmp_path) == {"out.cdoc2": (b"x" * 200_000).hex()}


class _CrashError(Exception):
    """Stands for any failure of what writes."""


def test_atomic_output_leaves_nothing_after_a_failure(tmp_path: Path) -> None:
    """The error goes through; neither the file nor its hidden folder stays."""
    with pytest.raises(_CrashError), atomic_output(tmp_path / "out") as file:
        file.write(b"half")
        raise _CrashError
    assert snapshot(tmp_path) == {}


def test_atomic_output_refuses_and_replaces_as_told(tmp_path: Path) -> None:
    """An existing file is refused without being touched, unless overwrite was asked for."""
    path = tmp_path / "out"
    path.write_bytes(b"old")
    with pytest.raises(OutputExistsError), atomic_output(path):
        pass
    assert snapshot(tmp_path) == {"out": b"old".hex()}
    with pytest.raises(_CrashError), atomic_output(path, overwrite=True) as file:
        file.write(b"new")
        raise _CrashError
    assert snapshot(tmp_path) == {"out": b"old".hex()}
    with atomic_output(path, overwrite=True) as file:
        file.write(b"new")
    assert snapshot(tmp_path) == {"out": b"new".hex()}


def test_atomic_output_does_not_clobber_a_late_comer(tmp_path: Path) -> None:
    """A file of that name that appears while ours is written wins."""
    path = tmp_path / "out"
    with pytest.raises(OutputExistsError), atomic_output(path) as file:
        file.write(b"ours")
        path.write_bytes(b"theirs")
    assert snapshot(tmp_path) == {"out": b"theirs".hex()}


def test_atomic_output_without_room(tmp_path: Path) -> None:
    """A full disk is our error, whether a write or the last flush finds it."""
    for size in (3_000_000, 60_000):
        with (
            largest_file(50_000),
            pytest.raises(OutputError, match="'out' cannot be written"),
            atomic_output(tmp_path / "out") as file,
        ):
            file.write(bytes(size))
        assert snapshot(tmp_path) == {}


def test_atomic_output_without_a_folder(tmp_path: Path) -> None:
    """A missing folder is said at once."""
    with pytest.raises(OutputError, match="cannot be written"), atomic_output(tmp_path / "no" / "out"):
        pass
    assert output.__doc__ is not None
