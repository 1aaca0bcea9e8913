# SPDX-License-Identifier: MIT
"""Opens a container with one credential, as far as its payload: what decrypting and re-encrypting share.

A record that the credential opens on its own is tried first, without any network. Otherwise the
person's shares are collected with one signature. Nothing of the payload is read here.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from osak.client.config import ClientConfig
from osak.client.container import (
    ContainerHeader,
    KekUnlocker,
    KeySharesCapsule,
    PayloadKeys,
    Recipient,
    ThresholdSharesCapsule,
    Unlocker,
    is_right_kek,
    read_header,
    unlock,
)
from osak.client.container.errors import NoRecipientError
from osak.client.errors import UsageError
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
class OpenContainer:
    """A container whose header was proved right and whose payload is next in the stream.

    Attributes:
        source: stands at the payload.
        header: every recipient record.
        payload_keys: open the payload.
        outcomes: one a server, if shares were collected.
    """

    source: BinaryIO = field(repr=False)
    header: ContainerHeader
    payload_keys: PayloadKeys
    outcomes: tuple[Outcome, ...]


@contextmanager
def open_container(
    container: Path, keys: Keys, *, config: ClientConfig, trust_container_servers: bool
) -> Iterator[OpenContainer]:
    """Unlock ``container``; the stream is closed when the block ends.

    Raises:
        UsageError: there is no such file.
        ContainerError: damaged, hostile, or not for this credential.
        NotEnoughSharesError: too few servers returned a good share; names each server's outcome.
        UnknownServerError: the shares lie at servers that no configured group has.
    """
    if not container.is_file():
        raise UsageError(f"there is no file {container}")
    with container.open("rb") as source:
        header = read_header(source, config.container_limits())
        payload_keys, outcomes = _unlock(
            header, keys, config, trust_container_servers=trust_container_servers
        )
        yield OpenContainer(source, header, payload_keys, outcomes)


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
