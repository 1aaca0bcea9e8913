# SPDX-License-Identifier: MIT
"""Opens a container with one credential, as far as its payload: what decrypting and re-encrypting share.

A record that the credential opens on its own is tried first, without any network. Then records that a
capsule server completes; then the person's shares are collected with one signature. Nothing of the
payload is read here.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO

from cryptography import x509

from osak.client.capsule_server.records import capsule_records, open_record
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
from osak.client.errors import CapsuleServerError, UsageError
from osak.client.identity.files import PersonalKey, PrivateKey
from osak.client.share_records import ShareQuest, quest_for
from osak.coordinator import (
    Collected,
    Coordinator,
    Credential,
    InvalidPlacementError,
    NotEnoughSharesError,
    Outcome,
    Server,
    UnknownServerError,
    server_named_by_container,
)
from osak.coordinator.transport.http import HTTPTransport
from osak.shares.errors import MessageError


@dataclass(frozen=True, slots=True)
class Keys:
    """What a recipient opens with.

    Attributes:
        unlocker: opens records that need no server.
        credential: signs tickets for share servers; None where the means cannot.
        private_key: opens records that a capsule server completes; None where the means cannot.
        certificate: of that key; capsule servers want to see it.
    """

    unlocker: Unlocker = field(repr=False)
    credential: Credential | None = field(default=None, repr=False)
    private_key: PrivateKey | None = field(default=None, repr=False)
    certificate: x509.Certificate | None = field(default=None, repr=False)


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


# One record that is of no use says nothing about the next. A signature that was refused does.
_NEXT_RECORD = (
    NotEnoughSharesError,
    UnknownServerError,
    InvalidPlacementError,
    MessageError,
    UsageError,
    CapsuleServerError,
)

_Unlocked = tuple[PayloadKeys, tuple[Outcome, ...]]


@contextmanager
def open_container(
    container: Path, keys: Keys, *, config: ClientConfig, trust_container_servers: bool
) -> Iterator[OpenContainer]:
    """Unlock ``container``; the stream is closed when the block ends.

    Raises:
        UsageError: there is no such file; or a capsule server is needed and is not configured, or has to
            see a certificate that was not given.
        ContainerError: damaged, hostile, or not for this credential.
        NotEnoughSharesError: too few servers returned a good share; names each server's outcome.
        UnknownServerError: the shares lie at servers that no configured group has.
        InvalidPlacementError: what a record says about its shares cannot be.
        CapsuleServerError: the capsule server gave nothing that opens the container.
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
) -> _Unlocked:
    try:
        return unlock(header, keys.unlocker, config.container_limits()), ()
    except NoRecipientError:
        attempts = [
            *_capsule_attempts(header, keys, config),
            *_share_attempts(header, keys, config, trust_container_servers=trust_container_servers),
        ]
        if not attempts:
            raise
    failure: Exception | None = None
    for attempt in attempts:
        try:
            return attempt()
        except _NEXT_RECORD as error:
            failure = failure or error
    assert failure is not None, "there was at least one attempt"
    raise failure


def _capsule_attempts(
    header: ContainerHeader, keys: Keys, config: ClientConfig
) -> Iterator[Callable[[], _Unlocked]]:
    """One for every record that a capsule server keeps for this key."""

    def attempt(record: Recipient, key: PrivateKey) -> _Unlocked:
        if keys.certificate is None:
            raise UsageError(
                "the key to this file is kept by a capsule server, which wants to see your certificate:"
                " give --certificate too"
            )
        person = PersonalKey(key, keys.certificate)
        return open_record(header, record, person, config.capsule_servers, config.timeouts), ()

    if keys.private_key is not None:
        for record in capsule_records(header, keys.private_key):
            yield partial(attempt, record, keys.private_key)


def _share_attempts(
    header: ContainerHeader, keys: Keys, config: ClientConfig, *, trust_container_servers: bool
) -> Iterator[Callable[[], _Unlocked]]:
    """One for every record of shares that are this person's."""

    def attempt(record: Recipient, quest: ShareQuest, credential: Credential) -> _Unlocked:
        extra = list(_servers_named(quest)) if trust_container_servers else []
        collected = asyncio.run(_collect(header, record, quest, credential, config, extra=extra))
        return unlock(header, KekUnlocker(record, collected.kek)), collected.outcomes

    if keys.credential is not None:
        for record, quest in _share_records(header, keys.credential):
            yield partial(attempt, record, quest, keys.credential)


def _servers_named(quest: ShareQuest) -> Iterator[Server]:
    """The servers of a record, for somebody who trusts the container; what is no URL stays unknown."""
    for placement in quest.placements:
        try:
            yield server_named_by_container(placement)
        except UnknownServerError:
            continue


def _share_records(header: ContainerHeader, credential: Credential) -> Iterator[tuple[Recipient, ShareQuest]]:
    """Usable share records for this person, t-of-n before n-of-n: they need fewer servers."""
    found = [
        (recipient, quest_for(recipient.capsule))
        for recipient in header.recipients
        if recipient.problem is None
        and isinstance(recipient.capsule, KeySharesCapsule | ThresholdSharesCapsule)
    ]
    mine = [item for item in found if item[1].recipient_id == credential.recipient_id]
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
