# SPDX-License-Identifier: MIT
"""Opens records of containers that need servers: a capsule server's, then a person's key shares.

Imported only when something in a container did not open without them, so that programs without servers never
load what speaks to any. One record that is of no use says nothing about the next, nor one container about
another; a PIN that was wrong or a signature that was refused does. The shares of all containers are fetched
with as few signatures as their tickets take. Of one container only the first ``MAX_RECORDS`` of each kind are
tried: a stranger's could name a person hundreds of times, and each time the person would be asked to sign,
and servers to answer.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeVar

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
from osak.client.identity.errors import PINError
from osak.client.identity.files import PersonalKey
from osak.client.identity.logged_in import sessions_of
from osak.client.keys import Keys
from osak.client.share_records import ShareQuest, quest_for
from osak.coordinator import (
    Collected,
    Coordinator,
    Credential,
    CredentialError,
    InvalidPlacementError,
    NodeTransport,
    NotEnoughSharesError,
    Outcome,
    Server,
    SigningRound,
    SigningTable,
    UnknownServerError,
    server_named_by_container,
)
from osak.coordinator.transport.http import HTTPTransport
from osak.coordinator.trust import resolve_known
from osak.errors import OsakError
from osak.shares.errors import MessageError
from osak.shares.protocol.ticket import MAX_TICKET_CHARACTERS, MAX_TICKET_CHARACTERS_OFFICIAL

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
_ShareRecords = Sequence[tuple[Recipient, ShareQuest]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ServedRecords:
    """The way to records that servers complete for one person.

    Attributes:
        keys: the person's.
        config: groups, capsule servers, timeouts.
        trust_container_servers: whether share servers that only a container names may be asked.
        on_signature: told before each signature is asked for.
    """

    keys: Keys
    config: Configuration
    trust_container_servers: bool
    on_signature: Callable[[SigningRound], object] = lambda _: None

    def unlock(self, headers: Sequence[ContainerHeader]) -> "list[Unlocked | OsakError | None]":
        """Open a record of each container; None where it has none for this person.

        What a container's own error can be:

        - UsageError: a capsule server is needed and is not configured, or has to see a certificate.
        - NotEnoughSharesError: too few servers returned a good share; names each server's outcome.
        - UnknownServerError: the shares lie at servers that no configured group has.
        - InvalidPlacementError: what a record says about its shares cannot be.
        - CapsuleServerError: the capsule server gave nothing that opens the container.
        - CredentialError: what the person has did not decrypt or sign.
        """
        found: list[Unlocked | OsakError | None] = [None] * len(headers)
        for number, header in enumerate(headers):
            try:
                found[number] = self._fetch_capsule(header)
            except PINError as error:  # whatever uses the card next would send a PIN again
                return [one if isinstance(one, tuple) else error for one in found]
            except (*_NEXT_RECORD, CredentialError) as error:
                found[number] = error
        closed = {number: headers[number] for number, one in enumerate(found) if not isinstance(one, tuple)}
        for number, result in self._collect_shares(closed).items():
            # The first failure is told: that of the record which was best.
            if isinstance(result, tuple) or found[number] is None:
                found[number] = result
        return found

    def _fetch_capsule(self, header: ContainerHeader) -> Unlocked | None:
        """Open a record that a capsule server keeps for this key; None if there is none."""
        key, failure = self.keys.private_key, None
        for record in [] if key is None else islice(capsule_records(header, key), MAX_RECORDS):
            try:
                return self._open_capsule(header, record)
            except _NEXT_RECORD as error:
                failure = failure or error
        if failure is not None:
            raise failure
        return None

    def _open_capsule(self, header: ContainerHeader, record: Recipient) -> Unlocked:
        key, certificate = self.keys.private_key, self.keys.certificate
        if key is None or certificate is None:
            raise UsageError(
                "the key to this file is kept by a capsule server, which wants to see your certificate:"
                " give --certificate too"
            )
        person, config = PersonalKey(key, certificate), self.config
        return open_record(header, record, person, config.capsule_servers, config.timeouts), ()

    def _collect_shares(self, headers: Mapping[int, ContainerHeader]) -> dict[int, Unlocked | OsakError]:
        """Open records of shares that are this person's; containers without any are left out."""
        credential = self.keys.credential
        if credential is None:
            return {}
        found = {number: list(share_records(header, credential)) for number, header in headers.items()}
        numbers = [number for number, records in found.items() if records]
        if not numbers:
            return {}
        openings = [(headers[number], found[number]) for number in numbers]
        return dict(zip(numbers, run(self._collect_all(openings, credential)), strict=True))

    async def _collect_all(
        self, openings: Sequence[tuple[ContainerHeader, _ShareRecords]], credential: Credential
    ) -> list[Unlocked | OsakError]:
        quests = [quest for _, records in openings for _, quest in records]
        try:
            # Nobody logs in for files whose servers nobody here knows.
            sessions = await sessions_of(credential) if any(map(self._has_servers, quests)) else {}
        except CredentialError as error:  # who has not logged in gets nothing from any server
            return [error] * len(openings)
        async with (
            HTTPTransport(self.config.timeouts, sessions) as transport,
            SigningTable(credential, self.on_signature) as table,
        ):
            return await _all(self._collect_one(*opening, transport, table) for opening in openings)

    def _has_servers(self, quest: ShareQuest) -> bool:
        """Whether enough of a record's shares lie at servers that may be asked."""
        if self.trust_container_servers:
            return True
        known = resolve_known(quest.placements, self.config.groups, group=quest.group)
        return len(known) >= quest.needed

    async def _collect_one(
        self, header: ContainerHeader, records: _ShareRecords, transport: NodeTransport, table: SigningTable
    ) -> Unlocked | OsakError:
        """Open the first record that opens; the error is that of the first."""
        failures: list[OsakError] = []
        for record, quest in records:
            try:
                collected = await self._collect(header, record, quest, transport, table)
                return unlock(header, KekUnlocker(record, collected.kek)), collected.outcomes
            except CredentialError as error:
                return error
            except _NEXT_RECORD as error:
                failures.append(error)
        return failures[0]

    async def _collect(
        self,
        header: ContainerHeader,
        record: Recipient,
        quest: ShareQuest,
        transport: NodeTransport,
        table: SigningTable,
    ) -> Collected:
        coordinator = Coordinator(
            transport=transport,
            groups=self.config.groups,
            extra_servers=list(servers_named(quest)) if self.trust_container_servers else [],
            timeouts=self.config.timeouts,
        )
        servers = coordinator.servers_of(quest.placements, group=quest.group)
        # The official scheme may lie at official servers.
        longest = MAX_TICKET_CHARACTERS if quest.scheme == "t-of-n" else MAX_TICKET_CHARACTERS_OFFICIAL
        async with table.seat([server.url for server in servers], max_characters=longest) as seat:
            return await coordinator.collect(
                quest.placements,
                quest.needed,
                seat,
                scheme=quest.scheme,
                salt=quest.salt,
                is_secret=lambda kek: is_right_kek(header, record, kek),
                group=quest.group,
            )


async def _all(calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Await all of them; should one raise, the others end with it."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


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
