# SPDX-License-Identifier: MIT
"""Use case: open a container with one credential (BUC.05 of the product's use cases).

A record that the credential opens on its own is tried first, without any network. Otherwise the
person's shares are collected with one signature. Files appear under their names only after the
payload's tag was checked; after a failure nothing stays.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from osak.client.config import ClientConfig
from osak.client.container import (
    ContainerHeader,
    ExtractedEntry,
    KekUnlocker,
    KeySharesCapsule,
    PayloadKeys,
    Recipient,
    ThresholdSharesCapsule,
    Unlocker,
    extract,
    is_right_kek,
    read_header,
    unlock,
)
from osak.client.container.errors import NoRecipientError
from osak.client.errors import UsageError
from osak.client.output import DirectorySink
from osak.client.share_records import ShareQuest, quest_for
from osak.coordinator import (
    Collected,
    Coordinator,
    Credential,
    NotEnoughSharesError,
    Outcome,
    Server,
    UnknownServerError,
    server_named_by_container,
)
from osak.coordinator.transport.http import HTTPTransport


@dataclass(frozen=True, slots=True)
class Keys:
    """What a recipient opens with.

    Attributes:
        unlocker: opens records that need no server.
        credential: signs tickets for share servers; None where the means cannot.
    """

    unlocker: Unlocker = field(repr=False)
    credential: Credential | None = field(default=None, repr=False)


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
    outcomes: tuple[Outcome, ...]


def decrypt_file(
    container: Path,
    folder: Path,
    keys: Keys,
    *,
    config: ClientConfig,
    trust_container_servers: bool = False,
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
        overwrite: whether existing files may be replaced.
        progress: told of every further number of container bytes done.

    Raises:
        ContainerError: damaged, hostile, or not for this credential.
        NotEnoughSharesError: too few servers returned a good share; names each server's outcome.
        UnknownServerError: the shares lie at servers that no configured group has.
        OutputError: the files cannot be written.
    """
    if not container.is_file():
        raise UsageError(f"there is no file {container}")
    limits = config.container_limits()
    sink = DirectorySink(folder, overwrite=overwrite, min_free_disk_bytes=limits.min_free_disk_bytes)
    with container.open("rb") as source:
        header = read_header(source, limits)
        payload_keys, outcomes = _unlock(
            header, keys, config, trust_container_servers=trust_container_servers
        )
        files = extract(source, payload_keys, sink, limits, progress)
    return Decrypted(folder, files, outcomes)


def _unlock(
    header: ContainerHeader, keys: Keys, config: ClientConfig, *, trust_container_servers: bool
) -> tuple[PayloadKeys, tuple[Outcome, ...]]:
    try:
        return unlock(header, keys.unlocker, config.container_limits()), ()
    except NoRecipientError:
        records = list(_share_records(header, keys.credential))
        if keys.credential is None or not records:
            raise
    failure: Exception | None = None
    for record, quest in records:
        extra: list[Server] = []
        if trust_container_servers:
            extra = [server_named_by_container(placement) for placement in quest.placements]
        try:
            collected = asyncio.run(_collect(header, record, quest, keys.credential, config, extra=extra))
        except (NotEnoughSharesError, UnknownServerError) as error:
            failure = failure or error
        else:
            return unlock(header, KekUnlocker(record, collected.kek)), collected.outcomes
    assert failure is not None, "there was at least one record"
    raise failure


def _share_records(
    header: ContainerHeader, credential: Credential | None
) -> Iterator[tuple[Recipient, ShareQuest]]:
    """Share records for this person, t-of-n before n-of-n: they need fewer servers."""
    found = [
        (recipient, quest_for(recipient.capsule))
        for recipient in header.recipients
        if isinstance(recipient.capsule, KeySharesCapsule | ThresholdSharesCapsule)
    ]
    mine = [
        item for item in found if credential is not None and item[1].recipient_id == credential.recipient_id
    ]
    yield from sorted(mine, key=lambda item: item[1].scheme != "t-of-n")


async def _collect(
    header: ContainerHeader,
    record: Recipient,
    quest: ShareQuest,
    credential: Credential,
    config: ClientConfig,
    *,
    extra: Sequence[Server],
) -> Collected:
    async with HTTPTransport(config.timeouts) as transport:
        coordinator = Coordinator(
            transport=transport, groups=config.groups, extra_servers=extra, timeouts=config.timeouts
        )
        return await coordinator.collect(
            quest.placements,
            quest.needed,
            credential,
            scheme=quest.scheme,
            salt=quest.salt,
            is_secret=lambda kek: is_right_kek(header, record, kek),
            group=quest.group,
        )
