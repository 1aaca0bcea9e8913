# SPDX-License-Identifier: MIT
"""Shares of fresh KEKs and capsules to their servers, and shares back again: the calls behind ``uploads``.

Imported only when there is something to store, so that programs without servers never load what speaks
to any.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from osak.client.capsule_server.recipient import CapsuleServerRecipient, StoredCapsule
from osak.client.configuration import Configuration
from osak.client.container import KekRecipient, key_label, key_schedule
from osak.client.event_loop import run
from osak.client.share_records import capsule_for
from osak.client.share_targets import ShareTarget
from osak.client.stored_records import Stored
from osak.coordinator import Coordinator, Distribution
from osak.coordinator.transport.http import HTTPTransport

_SALT_BYTES = 32
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Shared:
    """One person's shares as they lie now, and the record that leads to them."""

    distribution: Distribution
    record: KekRecipient


class ServerStorage:
    """The servers, and what was stored at them for one container."""

    def __init__(self, config: Configuration) -> None:
        """Keep how long to wait for servers, and which there are."""
        self._config = config
        self._distributions: list[Distribution] = []

    def store(self, targets: Sequence[ShareTarget], served: Sequence[CapsuleServerRecipient]) -> Stored:
        """Share a fresh KEK for every target and store every capsule, all at once; all or nothing.

        Raises:
            DistributionError: too few servers took their share; no share stays stored.
            CapsuleServerError: a capsule server did not take a capsule; likewise.
        """
        return run(self._upload(targets, served))

    def take_back(self) -> None:
        """Revoke what was stored; what cannot be revoked expires on its own."""
        if self._distributions:
            run(self._take_back(), is_undo=True)

    async def _upload(
        self, targets: Sequence[ShareTarget], served: Sequence[CapsuleServerRecipient]
    ) -> Stored:
        async with HTTPTransport(self._config.timeouts) as transport:
            coordinator = self._coordinator(transport)
            # All are waited for, so that whatever was stored is known when one fails.
            shared, capsules = await asyncio.gather(
                _all(self._share_one(target, coordinator) for target in targets),
                _all(recipient.upload() for recipient in served),
            )
        for result in (*shared, *capsules):
            if isinstance(result, BaseException):
                raise result
        uploads = [result for result in shared if isinstance(result, _Shared)]
        kept = [result for result in capsules if isinstance(result, StoredCapsule)]
        return Stored(
            (*(one.record for one in uploads), *(one.record for one in kept)),
            tuple(outcome for one in uploads for outcome in one.distribution.outcomes),
            tuple(one.receipt for one in kept),
            tuple(receipt for one in uploads for receipt in one.distribution.receipts),
        )

    async def _share_one(self, target: ShareTarget, coordinator: Coordinator) -> _Shared:
        salt = secrets.token_bytes(_SALT_BYTES)
        kek = key_schedule.shares_kek(secrets.token_bytes(32), salt, target.recipient_id)
        life = target.group.expires_after
        distribution = await coordinator.store(
            kek,
            target.group,
            target.recipient_id,
            scheme=target.scheme,
            salt=salt,
            expires_at=None if life is None else datetime.now(UTC) + life,
        )
        # At once: whoever waits for all may be cancelled before it hears of this one.
        self._distributions.append(distribution)
        capsule = capsule_for(distribution, target.recipient_id, target.group_name, target.scheme)
        label = target.recipient_id if target.plain_label else key_label.for_person(target.recipient_id)
        return _Shared(distribution, KekRecipient(capsule, label, kek))

    async def _take_back(self) -> None:
        async with HTTPTransport(self._config.timeouts) as transport:
            coordinator = self._coordinator(transport)
            for distribution in self._distributions:
                await coordinator.revoke(distribution.receipts)

    def _coordinator(self, transport: HTTPTransport) -> Coordinator:
        return Coordinator(transport=transport, groups=self._config.groups, timeouts=self._config.timeouts)


async def _all(work: Iterable[Awaitable[T]]) -> list[T | BaseException]:
    """What each became, failures among them."""
    return await asyncio.gather(*work, return_exceptions=True)
