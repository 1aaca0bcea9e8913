# SPDX-License-Identifier: MIT
"""Opens records of a container that need servers: a capsule server's, then a person's key shares.

Imported only when nothing in the container opened without them, so that programs without servers never
load what speaks to any. One record that is of no use says nothing about the next; a signature that was
refused does. Only the first ``MAX_RECORDS`` of each kind are tried: a stranger's container could name a
person hundreds of times, and each time the person would be asked to sign, and servers to answer.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Final

from cryptography import x509

from osak.client.capsule_server.records import capsule_records, open_record
from osak.client.configuration import Configuration
from osak.client.container import (
    ContainerHeader,
    KekUnlocker,
    KeySharesCapsule,
    PayloadKeys,
    Recipient,
    ThresholdSharesCapsule,
    is_right_kek,
    unlock,
)
from osak.client.errors import CapsuleServerError, UsageError
from osak.client.event_loop import run
from osak.client.identity.files import PersonalKey, PrivateKey
from osak.client.share_records import ShareQuest, quest_for
from osak.coordinator import (
    Collected,
    Coordinator,
    Credential,
    InvalidPlacementError,
    LoneSigner,
    NotEnoughSharesError,
    Outcome,
    Server,
    UnknownServerError,
    server_named_by_container,
)
from osak.coordinator.transport.http import HTTPTransport
from osak.shares.errors import MessageError

_NEXT_RECORD = (
    NotEnoughSharesError,
    UnknownServerError,
    InvalidPlacementError,
    MessageError,
    UsageError,
    CapsuleServerError,
)

MAX_RECORDS: Final = 4
"""An honest container has one record a person and kind; two kinds of shares make two."""

Unlocked = tuple[PayloadKeys, tuple[Outcome, ...]]


@dataclass(frozen=True, slots=True)
class ServedRecords:
    """The records of one container that servers complete for one person.

    Attributes:
        header: the container's.
        config: groups, capsule servers, timeouts.
        credential: signs tickets for share servers; None where there is none.
        private_key: opens what a capsule server returns; None where there is none.
        certificate: of that key.
        trust_container_servers: whether share servers that only the container names may be asked.
    """

    header: ContainerHeader
    config: Configuration
    credential: Credential | None = field(repr=False)
    private_key: PrivateKey | None = field(repr=False)
    certificate: x509.Certificate | None = field(repr=False)
    trust_container_servers: bool

    def unlock(self) -> Unlocked | None:
        """Open one of them; None if there is none.

        Raises:
            UsageError: a capsule server is needed and is not configured, or has to see a certificate.
            NotEnoughSharesError: too few servers returned a good share; names each server's outcome.
            UnknownServerError: the shares lie at servers that no configured group has.
            InvalidPlacementError: what a record says about its shares cannot be.
            CapsuleServerError: the capsule server gave nothing that opens the container.
        """
        failure: Exception | None = None
        for attempt in [*self._capsule_attempts(), *self._share_attempts()]:
            try:
                return attempt()
            except _NEXT_RECORD as error:
                failure = failure or error
        if failure is not None:
            raise failure
        return None

    def _capsule_attempts(self) -> Iterator[Callable[[], Unlocked]]:
        """One for every record that a capsule server keeps for this key."""
        if self.private_key is not None:
            for record in islice(capsule_records(self.header, self.private_key), MAX_RECORDS):
                yield partial(self._fetch_capsule, record, self.private_key)

    def _fetch_capsule(self, record: Recipient, key: PrivateKey) -> Unlocked:
        if self.certificate is None:
            raise UsageError(
                "the key to this file is kept by a capsule server, which wants to see your certificate:"
                " give --certificate too"
            )
        person, config = PersonalKey(key, self.certificate), self.config
        return open_record(self.header, record, person, config.capsule_servers, config.timeouts), ()

    def _share_attempts(self) -> Iterator[Callable[[], Unlocked]]:
        """One for every record of shares that are this person's."""
        if self.credential is not None:
            for record, quest in share_records(self.header, self.credential):
                yield partial(self._collect_shares, record, quest, self.credential)

    def _collect_shares(self, record: Recipient, quest: ShareQuest, credential: Credential) -> Unlocked:
        extra = list(servers_named(quest)) if self.trust_container_servers else []
        collected = run(_collect(self.header, record, quest, credential, self.config, extra=extra))
        return unlock(self.header, KekUnlocker(record, collected.kek)), collected.outcomes


def servers_named(quest: ShareQuest) -> Iterator[Server]:
    """The servers of a record, for somebody who trusts the container; what is no URL stays unknown."""
    for placement in quest.placements:
        try:
            yield server_named_by_container(placement)
        except UnknownServerError:
            continue


def share_records(header: ContainerHeader, credential: Credential) -> Iterator[tuple[Recipient, ShareQuest]]:
    """Usable share records for this person, t-of-n before n-of-n: they need fewer servers. A few at most."""
    found = [
        (recipient, quest_for(recipient.capsule))
        for recipient in header.recipients
        if recipient.problem is None
        and isinstance(recipient.capsule, KeySharesCapsule | ThresholdSharesCapsule)
    ]
    mine = [item for item in found if item[1].recipient_id == credential.recipient_id]
    yield from islice(sorted(mine, key=lambda item: item[1].scheme != "t-of-n"), MAX_RECORDS)


async def _collect(
    header: ContainerHeader,
    record: Recipient,
    quest: ShareQuest,
    credential: Credential,
    config: Configuration,
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
            LoneSigner(credential),
            scheme=quest.scheme,
            salt=quest.salt,
            is_secret=lambda kek: is_right_kek(header, record, kek),
            group=quest.group,
        )
