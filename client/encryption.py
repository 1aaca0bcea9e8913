# SPDX-License-Identifier: MIT
"""Use case: encrypt files for any mix of recipients (BUC.04 of the product's use cases).

The order is chosen so that nothing is lost or left half-done: inputs are checked, the output's place
is taken, shares go to all servers at once, the container is written, and only then does it get its
name. If anything fails after shares were stored, they are revoked again.
"""

import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from osak.client.configuration import Configuration
from osak.client.container import Compression, Entry, RecipientWriter, write_container
from osak.client.container.errors import InvalidInputError
from osak.client.errors import UsageError
from osak.client.output import atomic_output
from osak.client.share_targets import ShareTarget, require_recipients
from osak.client.share_uploads import ShareUploads

if TYPE_CHECKING:
    from osak.coordinator import Outcome


@dataclass(frozen=True, slots=True)
class Encrypted:
    """A container that was written.

    Attributes:
        path: where it is.
        container_bytes: its size.
        files: how many files are in it.
        recipients: how many records it has.
        outcomes: one a server, for every share recipient in turn.
        exceeds_java_ratio: whether the official Java client will refuse it for being packed too well.
    """

    path: Path
    container_bytes: int
    files: int
    recipients: int
    outcomes: "tuple[Outcome, ...]"
    exceeds_java_ratio: bool


def encrypt_files(
    files: Sequence[Path],
    output: Path,
    recipients: Sequence[RecipientWriter],
    targets: Sequence[ShareTarget],
    *,
    config: Configuration,
    overwrite: bool = False,
    compression: Compression = Compression.FAST,
    progress: Callable[[int], None] | None = None,
) -> Encrypted:
    """Write ``files`` into a container at ``output``.

    Args:
        files: regular files; a container holds them by their last name.
        output: the container's path.
        recipients: those whose records need no server.
        targets: those whose KEKs are shared among servers.
        config: timeouts, limits and groups.
        overwrite: whether an existing output may be replaced.
        compression: how hard to pack.
        progress: told of every further number of plaintext bytes done.

    Raises:
        UsageError: no recipient, a person named twice, or the output is one of the inputs.
        InvalidInputError: a file that cannot go into a container.
        OSError: a file that cannot be read; it is named.
        DistributionError: too few servers took their share; nothing stays stored.
        OutputError: the output cannot be written; nothing of it stays.
    """
    _check_request(files, output, recipients, targets)
    entries = [_entry(path) for path in files]
    with ShareUploads(config) as shares, atomic_output(output, overwrite=overwrite) as file:
        uploads = shares.store(targets)
        summary = write_container(
            file,
            entries,
            [*recipients, *(upload.record for upload in uploads)],
            limits=config.container_limits(),
            compression=compression,
            progress=progress,
        )
        size = file.tell()
    outcomes = tuple(outcome for upload in uploads for outcome in upload.distribution.outcomes)
    return Encrypted(
        output, size, len(entries), len(summary.recipients), outcomes, summary.exceeds_java_ratio
    )


def _check_request(
    files: Sequence[Path], output: Path, recipients: Sequence[RecipientWriter], targets: Sequence[ShareTarget]
) -> None:
    require_recipients(recipients, targets)
    if output.exists() and any(path.exists() and path.samefile(output) for path in files):
        raise UsageError(f"{output} is both input and output")


def _entry(path: Path) -> Entry:
    if not path.is_file():
        reason = "is not a regular file" if path.exists() else "does not exist"
        raise InvalidInputError(f"{path} {reason}")
    # Opened once now: what cannot be read is told before any server keeps a share for it.
    with _InputFile(path) as file:
        size = os.fstat(file.fileno()).st_size
    return Entry(path.name, size, lambda: _InputFile(path))


class _InputFile(io.FileIO):
    """A file to encrypt; a failure to read it names it."""

    def read(self, size: int | None = -1, /) -> bytes:
        try:
            return super().read(size) or b""
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.name)) from error
