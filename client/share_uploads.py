# SPDX-License-Identifier: MIT
"""Shares on their way to servers, for a container that is not finished yet.

``ShareUploads`` is entered before the output is begun and stores when told to, so that whatever fails
until the container has its name, its shares are taken back.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from osak.client.config import ClientConfig
from osak.client.container import KekRecipient, RecipientWriter, key_label, key_schedule
from osak.client.errors import UsageError
from osak.client.share_records import capsule_for
from osak.coordinator import Coordinator, Distribution, Group, Scheme
from osak.coordinator.transport.http import HTTPTransport

_SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class ShareTarget:
    """A recipient whose KEK is shared among servers.

    Attributes:
        recipient_id: ``etsi/PNOEE-…``.
        group_name: the group's name, written into the container as a hint.
        group: the servers and the threshold.
        scheme: ``t-of-n``, or ``n-of-n`` for the official programs.
        plain_label: label the record with the bare id.
    """

    recipient_id: str
    group_name: str
    group: Group
    scheme: Scheme
    plain_label: bool = False


@dataclass(frozen=True, slots=True)
class Upload:
    """One person's shares as they lie now, and the record that leads to them."""

    distribution: Distribution
    record: KekRecipient


class ShareUploads:
    """Uploads for one container; a ``with`` block that fails takes them back."""

    def __init__(self, config: ClientConfig) -> None:
        """Keep how long to wait for servers, and which there are."""
        self._config = config
        self._distributions: list[Distribution] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and self._distributions:
            asyncio.run(self._take_back())

    def store(self, targets: Sequence[ShareTarget]) -> list[Upload]:
        """Share a fresh KEK for every target, all at once; all or nothing.

        Raises:
            DistributionError: too few servers took their share; nothing stays stored.
        """
        return asyncio.run(self._upload(targets)) if targets else []

    async def _upload(self, targets: Sequence[ShareTarget]) -> list[Upload]:
        async with HTTPTransport(self._config.timeouts) as transport:
            coordinator = self._coordinator(transport)
            # All are waited for, so that whatever was stored is known when one fails.
            results = await asyncio.gather(
                *(self._upload_one(target, coordinator) for target in targets), return_exceptions=True
            )
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return [result for result in results if isinstance(result, Upload)]

    async def _upload_one(self, target: ShareTarget, coordinator: Coordinator) -> Upload:
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
        return Upload(distribution, KekRecipient(capsule, label, kek))

    async def _take_back(self) -> None:
        """Revoke what was stored; what cannot be revoked expires on its own."""
        async with HTTPTransport(self._config.timeouts) as transport:
            coordinator = self._coordinator(transport)
            for distribution in self._distributions:
                await coordinator.revoke(distribution.receipts)

    def _coordinator(self, transport: HTTPTransport) -> Coordinator:
        return Coordinator(transport=transport, groups=self._config.groups, timeouts=self._config.timeouts)


def require_recipients(recipients: Sequence[RecipientWriter], targets: Sequence[ShareTarget]) -> None:
    """Refuse a container for nobody, and a person who is named twice.

    Raises:
        UsageError: so it is.
    """
    if not recipients and not targets:
        raise UsageError(
            "nobody could open this file: name a recipient with --to, --cert, --password or --secret"
        )
    people = [target.recipient_id for target in targets]
    if len(set(people)) != len(people):
        raise UsageError("the same person is named twice with --to")
