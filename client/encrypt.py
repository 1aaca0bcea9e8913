# SPDX-License-Identifier: MIT
"""Use case: encrypt files for any mix of recipients (BUC.04 of the product's use cases).

The order is chosen so that nothing is lost or left half-done: inputs are checked, the output's place
is taken, shares go to all servers at once, the container is written, and only then does it get its
name. If anything fails after shares were stored, they are revoked again.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from osak.client.config import ClientConfig
from osak.client.container import (
    Entry,
    KekRecipient,
    RecipientWriter,
    key_label,
    key_schedule,
    write_container,
)
from osak.client.container.errors import InvalidInputError
from osak.client.errors import UsageError
from osak.client.output import atomic_output
from osak.client.share_records import capsule_for
from osak.coordinator import Coordinator, Distribution, Group, Outcome, Scheme
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
    """

    recipient_id: str
    group_name: str
    group: Group
    scheme: Scheme


@dataclass(frozen=True, slots=True)
class Encrypted:
    """A container that was written.

    Attributes:
        path: where it is.
        container_bytes: its size.
        files: how many files are in it.
        recipients: how many records it has.
        outcomes: one a server, for every share recipient in turn.
    """

    path: Path
    container_bytes: int
    files: int
    recipients: int
    outcomes: tuple[Outcome, ...]


def encrypt_files(
    files: Sequence[Path],
    output: Path,
    recipients: Sequence[RecipientWriter],
    targets: Sequence[ShareTarget],
    *,
    config: ClientConfig,
    overwrite: bool = False,
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
        progress: told of every further number of plaintext bytes done.

    Raises:
        UsageError: no recipient, a person named twice, or the output is one of the inputs.
        InvalidInputError: a file that cannot go into a container.
        DistributionError: too few servers took their share; nothing stays stored.
        OutputError: the output cannot be written; nothing of it stays.
    """
    _check_request(files, output, recipients, targets)
    entries = [_entry(path) for path in files]
    with atomic_output(output, overwrite=overwrite) as file:
        uploads = asyncio.run(_upload(targets, config)) if targets else []
        try:
            write_container(
                file,
                entries,
                [*recipients, *(upload.record for upload in uploads)],
                limits=config.container_limits(),
                progress=progress,
            )
            size = file.tell()
        except BaseException:
            asyncio.run(_take_back([upload.distribution for upload in uploads], config))
            raise
    outcomes = tuple(outcome for upload in uploads for outcome in upload.distribution.outcomes)
    return Encrypted(output, size, len(entries), len(recipients) + len(targets), outcomes)


@dataclass(frozen=True, slots=True)
class _Upload:
    """One person's shares as they lie now, and the record that leads to them."""

    distribution: Distribution
    record: KekRecipient


def _check_request(
    files: Sequence[Path], output: Path, recipients: Sequence[RecipientWriter], targets: Sequence[ShareTarget]
) -> None:
    if not recipients and not targets:
        raise UsageError(
            "nobody could open this file: name a recipient with --to, --cert, --password or --secret"
        )
    people = [target.recipient_id for target in targets]
    if len(set(people)) != len(people):
        raise UsageError("the same person is named twice with --to")
    for path in files:
        if output.exists() and path.exists() and path.samefile(output):
            raise UsageError(f"{output} is both input and output")


def _entry(path: Path) -> Entry:
    if not path.is_file():
        reason = "is not a regular file" if path.exists() else "does not exist"
        raise InvalidInputError(f"{path} {reason}")
    return Entry(path.name, path.stat().st_size, lambda: path.open("rb"))


async def _upload(targets: Sequence[ShareTarget], config: ClientConfig) -> list[_Upload]:
    """Share a fresh KEK for every target, all at once; all or nothing."""
    async with HTTPTransport(config.timeouts) as transport:
        coordinator = Coordinator(transport=transport, groups=config.groups, timeouts=config.timeouts)
        results = await asyncio.gather(
            *(_upload_one(target, coordinator) for target in targets), return_exceptions=True
        )
        failures = [result for result in results if isinstance(result, BaseException)]
        uploads = [result for result in results if isinstance(result, _Upload)]
        if failures:
            for upload in uploads:
                await coordinator.revoke(upload.distribution.receipts)
            raise failures[0]
        return uploads


async def _upload_one(target: ShareTarget, coordinator: Coordinator) -> _Upload:
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
    capsule = capsule_for(distribution, target.recipient_id, target.group_name, target.scheme)
    return _Upload(distribution, KekRecipient(capsule, key_label.for_person(target.recipient_id), kek))


async def _take_back(distributions: Sequence[Distribution], config: ClientConfig) -> None:
    """Revoke shares whose container was never finished; what cannot be revoked expires on its own."""
    if not distributions:
        return
    async with HTTPTransport(config.timeouts) as transport:
        coordinator = Coordinator(transport=transport, groups=config.groups, timeouts=config.timeouts)
        for distribution in distributions:
            await coordinator.revoke(distribution.receipts)
