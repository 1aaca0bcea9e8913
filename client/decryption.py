# SPDX-License-Identifier: MIT
"""Use case: open a container with one credential (BUC.05 of the product's use cases).

Files appear under their names only after the payload's tag was checked; after a failure nothing
stays. Names are told only after the same check.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from osak.client.configuration import Configuration
from osak.client.container import ExtractedEntry, extract, list_entries
from osak.client.opening import Keys, open_container
from osak.client.output import DirectorySink

if TYPE_CHECKING:
    from osak.coordinator import Outcome


@dataclass(frozen=True, slots=True)
class Decrypted:
    """Files that were written.

    Attributes:
        folder: where they are.
        files: name and size of each.
        outcomes: one a server, if shares were collected.
    """

    folder: Path
    files: tuple[ExtractedEntry, ...]
    outcomes: "tuple[Outcome, ...]"


@dataclass(frozen=True, slots=True)
class Listed:
    """What a container holds.

    Attributes:
        files: name and size of each.
        outcomes: one a server, if shares were collected.
    """

    files: tuple[ExtractedEntry, ...]
    outcomes: "tuple[Outcome, ...]"


def decrypt_file(
    container: Path,
    folder: Path,
    keys: Keys,
    *,
    config: Configuration,
    trust_container_servers: bool = False,
    only: Collection[str] | None = None,
    overwrite: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Decrypted:
    """Open ``container`` and write its files into ``folder``.

    Args:
        container: a CDOC2 file.
        folder: where the files go; made if it is not there.
        keys: the credential.
        config: groups, timeouts and limits.
        trust_container_servers: whether servers that only the container names may be asked.
        only: names of the files to write; all of them if None. The rest is checked all the same.
        overwrite: whether existing files may be replaced.
        progress: told of every further number of container bytes done.

    Raises:
        ContainerError: damaged, hostile, or not for this credential; or it has no file of ``only``.
        NotEnoughSharesError: too few servers returned a good share; names each server's outcome.
        UnknownServerError: the shares lie at servers that no configured group has.
        OutputError: the files cannot be written.
        UsageError: there is no such container.
    """
    limits = config.container_limits()
    sink = DirectorySink(folder, overwrite=overwrite, min_free_disk_bytes=limits.min_free_disk_bytes)
    with open_container(
        container, keys, config=config, trust_container_servers=trust_container_servers
    ) as opened:
        files = extract(opened.source, opened.payload_keys, sink, limits, progress, only=only)
    return Decrypted(folder, files, opened.outcomes)


def list_file(
    container: Path,
    keys: Keys,
    *,
    config: Configuration,
    trust_container_servers: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Listed:
    """Tell what is in ``container`` and write nothing; it is read and checked to its end all the same.

    Args:
        container: a CDOC2 file.
        keys: the credential.
        config: groups, timeouts and limits.
        trust_container_servers: whether servers that only the container names may be asked.
        progress: told of every further number of container bytes done.

    Raises:
        Exception: the errors of ``decrypt_file``, less those of writing.
    """
    with open_container(
        container, keys, config=config, trust_container_servers=trust_container_servers
    ) as opened:
        files = list_entries(opened.source, opened.payload_keys, config.container_limits(), progress)
    return Listed(files, opened.outcomes)
