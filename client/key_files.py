# SPDX-License-Identifier: MIT
"""Reads small files that people name: keys, certificates, passwords. Knows nothing of what is in them."""

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

from osak.client.errors import CredentialFileError, UsageError

_MAX_BYTES = 64 * 2**10


def read_small_file(path: Path) -> bytes:
    """Contents of a key, certificate or password file.

    Raises:
        UsageError: it cannot be read, or is larger than any such file.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > _MAX_BYTES:
        raise UsageError(f"{path} is too large for a key, certificate or password")
    return data


@contextmanager
def named(source: object, kind: type[CredentialFileError] | None = None) -> Iterator[None]:
    """Put the name of a file before what is wrong with it: of several keys, which one?

    Raises:
        CredentialFileError: what the block raises, or ``kind`` in its stead.
    """
    try:
        yield
    except CredentialFileError as error:
        text = f"{source}: {error}" if isinstance(source, str | PathLike) else str(error)
        raise (kind or type(error))(text) from error
