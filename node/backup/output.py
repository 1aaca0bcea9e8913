# SPDX-License-Identifier: MIT
"""Where a backup goes: a file that appears whole or not at all, for its owner only, or standard output.

The file is written under a hidden name beside its place, synced, and linked to its name, which fails if
somebody has it; only ``overwrite`` takes a name away. What cannot be finished is removed.
"""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from osak.node.folder_sync import sync_folder
from osak.shares.errors import ConfigurationError

STANDARD_OUTPUT: Final = Path("-")


@contextmanager
def backup_output(path: Path, *, overwrite: bool) -> Iterator[BinaryIO]:
    """A stream whose content gets the name ``path`` when the block ends without an error.

    Raises:
        ConfigurationError: the name is taken, or bytes would go to a terminal.
        OSError: the file cannot be written or placed.
    """
    if path == STANDARD_OUTPUT:
        if sys.stdout.isatty():
            raise ConfigurationError("--output", ["a backup is bytes that no terminal can show"])
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if os.path.lexists(path) and not overwrite:
        raise _taken(path)
    hidden = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        _place(hidden, path, overwrite=overwrite)
    finally:
        with suppress(FileNotFoundError):
            hidden.unlink()


def _place(hidden: Path, path: Path, *, overwrite: bool) -> None:
    if overwrite:
        hidden.replace(path)
    else:
        try:
            path.hardlink_to(hidden)
        except FileExistsError as error:
            raise _taken(path) from error
        except OSError:  # a file system without hard links, as many a memory stick has
            _place_without_links(hidden, path)
    sync_folder(path.parent)


def _place_without_links(hidden: Path, path: Path) -> None:
    """Take the name first, so that nobody else's file is replaced."""
    try:
        path.touch(0o600, exist_ok=False)
    except FileExistsError as error:
        raise _taken(path) from error
    hidden.replace(path)


def _taken(path: Path) -> ConfigurationError:
    return ConfigurationError(str(path), ["is there already; choose another name, or say --overwrite"])
