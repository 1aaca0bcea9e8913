# SPDX-License-Identifier: MIT
"""Files that appear whole or not at all.

``atomic_output`` makes one file (a container being written), ``DirectorySink`` many (what is being
unpacked). The rules of both:

- everything is written in a hidden folder of mode 0700 inside the destination, so on the same file
  system, and gets its name only when all of it is complete; a failure removes all that was made;
- a name that exists is refused, before anything is written and once more when it is taken (O_EXCL,
  so nobody's file is lost in between); with ``overwrite`` it is replaced, a symbolic link as a link,
  and put back if a later file of the same set cannot be placed;
- files are created with mode 0666 less the umask, never executable;
- every ``OSError`` becomes an ``OutputError`` that says what could not be written.

File names must have passed the container's rules. All work goes through an open descriptor of the
destination folder, so that nobody can swap it meanwhile. POSIX only.
"""

import contextlib
import io
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Final, Self

from osak.client.container.entry_names import quoted
from osak.client.container.limits import Limits
from osak.client.container.sink import SinkFile
from osak.client.errors import OutputError, OutputExistsError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_HIDDEN_PREFIX: Final = ".osak-"
_BUFFER_BYTES: Final = 2**16
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


@contextlib.contextmanager
def atomic_output(path: Path, *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """Open a file that takes its name when the block ends without an error, after fsync.

    Args:
        path: the file to make; its folder must exist.
        overwrite: replace a file of that name.

    Raises:
        OutputExistsError: the name is taken.
        OutputError: the file cannot be written or placed.
    """
    with _Workshop(path.parent, overwrite=overwrite) as workshop:
        with workshop.create(path.name) as file:
            yield file
            with _mapped(path.name):
                file.flush()
                os.fsync(file.fileno())
        workshop.place()


class DirectorySink:
    """Writes the files of a container into a folder; see ``osak.client.container.sink.Sink``.

    The folder is made, with its parents, when the first file begins, and removed again by ``discard``.
    """

    def __init__(
        self,
        directory: Path,
        *,
        overwrite: bool = False,
        min_free_disk_bytes: int = Limits().min_free_disk_bytes,
    ) -> None:
        """Keep where to write; nothing is touched yet.

        Args:
            directory: where the files go.
            overwrite: replace files of the same name.
            min_free_disk_bytes: what must stay free after a file of the announced size.
        """
        self._directory = directory
        self._overwrite = overwrite
        self._min_free_disk_bytes = min_free_disk_bytes
        self._made: list[Path] = []
        self._workshop: _Workshop | None = None

    def open(self, name: str, size: int) -> SinkFile:
        """Begin a file.

        Raises:
            OutputExistsError: the name is taken.
            OutputError: it does not fit on the disk, or cannot be created.
        """
        if self._workshop is None:
            self._make_directory()
            self._workshop = _Workshop(self._directory, overwrite=self._overwrite)
        free = self._workshop.free_bytes()
        if free - size < self._min_free_disk_bytes:
            raise OutputError(
                f"{quoted(name)} has {size} bytes, but only {free} are free and "
                f"{self._min_free_disk_bytes} of them must stay so (min_free_disk_bytes)"
            )
        return self._workshop.create(name)

    def commit(self) -> None:
        """Give all files their names, or none.

        Raises:
            OutputExistsError: a name was taken meanwhile.
            OutputError: a file cannot be placed.
        """
        if self._workshop is not None:
            self._workshop.place()
            self._workshop.close()
            self._workshop = None
        self._made.clear()

    def discard(self) -> None:
        """Remove everything that was made."""
        if self._workshop is not None:
            self._workshop.close()
            self._workshop = None
        for folder in reversed(self._made):
            with contextlib.suppress(OSError):
                folder.rmdir()
        self._made.clear()

    def _make_directory(self) -> None:
        missing = [self._directory, *self._directory.parents]
        while missing and os.path.lexists(missing[-1]):
            missing.pop()
        for folder in reversed(missing):
            with _mapped(str(folder)):
                folder.mkdir()
            self._made.append(folder)


class _Workshop:
    """The hidden folder where files wait, and the folder where they are to appear."""

    def __init__(self, directory: Path, *, overwrite: bool) -> None:
        self._overwrite = overwrite
        self._names: list[str] = []
        self._hidden = _HIDDEN_PREFIX + secrets.token_hex(8)
        with contextlib.ExitStack() as undo, _mapped(str(directory)):
            flags = os.O_RDONLY | os.O_DIRECTORY
            self._target = os.open(directory, flags)
            undo.callback(os.close, self._target)
            os.mkdir(self._hidden, 0o700, dir_fd=self._target)
            undo.callback(os.rmdir, self._hidden, dir_fd=self._target)
            self._waiting = os.open(self._hidden, flags | os.O_NOFOLLOW, dir_fd=self._target)
            undo.callback(os.close, self._waiting)
            self._release = undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def free_bytes(self) -> int:
        """Return what an ordinary user may still write on this disk."""
        with _mapped("the folder"):
            disk = os.fstatvfs(self._target)
        return disk.f_bavail * disk.f_frsize

    def create(self, name: str) -> io.BufferedWriter:
        """Begin a file that is to get this name."""
        with _mapped(name):
            try:
                there = os.stat(name, dir_fd=self._target, follow_symlinks=False)
            except FileNotFoundError:
                pass
            else:
                if not self._overwrite:
                    raise OutputExistsError(f"{quoted(name)} exists already")
                if not stat.S_ISREG(there.st_mode) and not stat.S_ISLNK(there.st_mode):
                    raise OutputError(f"{quoted(name)} exists and is not a file")
            waiting = _new(len(self._names))
            # Known before it is there: a Ctrl-C may come at any moment, and must not leave it behind.
            self._names.append(name)
            descriptor = os.open(waiting, _CREATE, 0o666, dir_fd=self._waiting)
        return io.BufferedWriter(_MappedFile(descriptor, name), _BUFFER_BYTES)

    def place(self) -> None:
        """Give every file its name; on a failure take all of them back."""
        with contextlib.ExitStack() as undo:
            for number, name in enumerate(self._names):
                with _mapped(name):
                    if self._overwrite:
                        self._set_aside(number, name, undo)
                    self._take_name(number, name, undo)
            undo.pop_all()

    def close(self) -> None:
        """Remove the hidden folder with whatever is in it; never raises."""
        for number in range(len(self._names)):
            for entry in (_new(number), _old(number)):
                with contextlib.suppress(OSError):
                    os.unlink(entry, dir_fd=self._waiting)
        with contextlib.suppress(OSError):
            self._release.close()

    def _take_name(self, number: int, name: str, undo: contextlib.ExitStack) -> None:
        """Fail if somebody has the name meanwhile: a rename alone would replace that file silently."""
        waiting = _new(number)
        try:
            os.link(waiting, name, src_dir_fd=self._waiting, dst_dir_fd=self._target, follow_symlinks=False)
            undo.callback(self._remove, name)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links, as many a memory stick has
            os.close(os.open(name, _CREATE, 0o600, dir_fd=self._target))
            undo.callback(self._remove, name)
            os.replace(waiting, name, src_dir_fd=self._waiting, dst_dir_fd=self._target)

    def _set_aside(self, number: int, name: str, undo: contextlib.ExitStack) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.rename(name, _old(number), src_dir_fd=self._target, dst_dir_fd=self._waiting)
            undo.callback(self._put_back, number, name)

    def _put_back(self, number: int, name: str) -> None:
        with contextlib.suppress(OSError):
            os.rename(_old(number), name, src_dir_fd=self._waiting, dst_dir_fd=self._target)

    def _remove(self, name: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=self._target)


class _MappedFile(io.FileIO):
    """A file whose failures to write, a full disk above all, are ours."""

    def __init__(self, descriptor: int, shown_name: str) -> None:
        super().__init__(descriptor, "wb")
        self._shown_name = shown_name

    def write(self, data: "ReadableBuffer", /) -> int:
        with _mapped(self._shown_name):
            return super().write(data)

    def close(self) -> None:
        with _mapped(self._shown_name):
            super().close()


@contextlib.contextmanager
def _mapped(name: str) -> Iterator[None]:
    try:
        yield
    except FileExistsError as cause:
        raise OutputExistsError(f"{quoted(name)} exists already") from cause
    except OSError as cause:
        raise OutputError(f"{quoted(name)} cannot be written: {cause.strerror}") from cause


def _new(number: int) -> str:
    return f"new-{number}"


def _old(number: int) -> str:
    return f"old-{number}"
