# SPDX-License-Identifier: MIT
"""Use case: encrypt what is in one container for other recipients (UC.Client.P.04 upstream).

Files stream from the opened container into the new one, so their content is never on a disk and
memory stays constant. The order: the output's place is taken, the old container is unlocked, shares
go to their servers, the payload is streamed, the old tag is checked, the new file gets its name. If
any step fails, the steps before it are undone.

Old records are not carried over: each holds the old file's key sealed for its recipient, the new file
has a new key, and nobody but a recipient's own key could seal that one for them. Who can open the old
file and not the new one is therefore always told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from osak.client.cancellation import Progress, counted
from osak.client.capsule_server.receipt import UploadedCapsule
from osak.client.configuration import Configuration
from osak.client.container import (
    Capsule,
    Compression,
    ContainerHeader,
    ContainerWriter,
    ECCapsule,
    ExtractedEntry,
    KeyServerCapsule,
    KeySharesCapsule,
    Limits,
    PasswordRecipient,
    PasswordUnlocker,
    Recipient,
    RecipientWriter,
    RSACapsule,
    SymmetricRecipient,
    SymmetricUnlocker,
    ThresholdSharesCapsule,
    Unlocker,
    extract,
    is_right_kek,
)
from osak.client.container.errors import ContainerError
from osak.client.errors import UsageError
from osak.client.inputs import AnyPath
from osak.client.inspection import RecordDescription, describe_record
from osak.client.keys import Keys
from osak.client.opening import open_container
from osak.client.outputs import output_path, writing
from osak.client.recipient_plan import PlannedRecipient
from osak.client.share_targets import ShareTarget, require_recipients
from osak.client.uploads import Uploads

if TYPE_CHECKING:
    from osak.client.capsule_server.recipient import CapsuleServerRecipient
    from osak.coordinator import Outcome


@dataclass(frozen=True, slots=True)
class Reencrypted:
    """A container that was written from another.

    Attributes:
        path: where it is; None where it went down a stream.
        container_bytes: its size.
        files: name and size of each file in it.
        recipients: how many records it has.
        left_out: records of the old container whose recipients cannot open the new one.
        outcomes: one a server: first those that were asked for shares, then those that store new ones.
        exceeds_java_ratio: whether the official Java client will refuse it for being packed too well.
        capsules: what capsule servers took.
        plan: what each recipient got, and why.
    """

    path: Path | None
    container_bytes: int
    files: tuple[ExtractedEntry, ...]
    recipients: int
    left_out: tuple[RecordDescription, ...]
    outcomes: "tuple[Outcome, ...]"
    exceeds_java_ratio: bool
    capsules: tuple[UploadedCapsule, ...] = ()
    plan: tuple[PlannedRecipient, ...] = ()


def reencrypt_file(
    container: AnyPath | BinaryIO,
    output: AnyPath | BinaryIO,
    keys: Keys,
    recipients: Sequence[RecipientWriter],
    targets: Sequence[ShareTarget],
    *,
    config: Configuration,
    served: "Sequence[CapsuleServerRecipient]" = (),
    trust_container_servers: bool = False,
    overwrite: bool = False,
    compression: Compression = Compression.FAST,
    progress: Progress | None = None,
) -> Reencrypted:
    """Write what is in ``container`` into a new one at ``output``.

    Args:
        container: the path of a CDOC2 file, or a binary stream.
        output: the new container's path, never that of the old one; or a binary stream.
        keys: the credential that opens the old one.
        recipients: those whose new records need no server.
        targets: those whose KEKs are shared among servers.
        config: timeouts, limits and groups.
        served: those whose capsules are kept by capsule servers.
        trust_container_servers: whether servers that only the old container names may be asked.
        overwrite: whether an existing output may be replaced.
        compression: how hard to pack.
        progress: told how many bytes of the old container are done, and of how many, if that is known.

    Raises:
        UsageError: no recipient, a person named twice, or both containers are the same file.
        ContainerError: the old one is damaged, hostile, or not for this credential.
        InvalidInputError: recipients or files that cannot go into a container.
        NotEnoughSharesError: too few servers returned a good share.
        UnknownServerError: the shares lie at servers that no configured group has.
        DistributionError: too few servers took their new share; nothing stays stored.
        CapsuleServerError: a capsule server did not take a capsule; no new share stays stored.
        OutputError: the output cannot be written; nothing of it stays.
    """
    require_recipients(recipients, targets, served)
    old, path = output_path(container), output_path(output)
    if old and path and path.exists() and old.exists() and old.samefile(path):
        raise UsageError(f"{path} is both input and output: write the new file beside it")
    limits = config.container_limits()
    with (
        Uploads(config) as uploads,
        writing(output, overwrite=overwrite) as file,
        open_container(
            container, keys, config=config, trust_container_servers=trust_container_servers
        ) as opened,
    ):
        count = counted(progress, opened.payload_bytes)
        stored = uploads.store(targets, served)
        records = [*recipients, *stored.records]
        with ContainerWriter(file, records, limits=limits, compression=compression) as new:
            files = extract(opened.source, opened.payload_keys, new, limits, count)
        size = file.tell()
        left_out = _left_out(opened.header, new.summary.recipients, recipients, limits)
    return Reencrypted(
        path,
        size,
        files,
        len(records),
        left_out,
        opened.outcomes + stored.outcomes,
        new.summary.exceeds_java_ratio,
        stored.capsules,
    )


def _left_out(
    old: ContainerHeader, new: Sequence[Recipient], writers: Sequence[RecipientWriter], limits: Limits
) -> tuple[RecordDescription, ...]:
    """Old records whose recipients got no new one."""
    owners = {_owner(record.capsule) for record in new} - {None}
    known = [record for writer in writers for record in _opened_by(writer, old, limits)]
    return tuple(
        describe_record(record)
        for record in old.recipients
        if _owner(record.capsule) not in owners and record not in known
    )


def _owner(capsule: Capsule) -> bytes | str | None:
    """Whose record this is, where the record says so."""
    match capsule:
        case ECCapsule() | RSACapsule() | KeyServerCapsule():
            return capsule.recipient_public_key
        case KeySharesCapsule() | ThresholdSharesCapsule():
            return capsule.recipient_id
        case _:
            return None


def _opened_by(writer: RecipientWriter, old: ContainerHeader, limits: Limits) -> list[Recipient]:
    """Old records of the same label that a new password or secret opens: a label alone proves nothing."""
    unlocker: Unlocker
    match writer:
        case PasswordRecipient():
            unlocker = PasswordUnlocker(writer.password, writer.label)
        case SymmetricRecipient():
            unlocker = SymmetricUnlocker(writer.secret, writer.label)
        case _:
            return []
    usable = [record for record in old.recipients if record.problem is None]
    try:
        return [
            candidate.recipient
            for candidate in unlocker.candidates(usable, limits)
            if is_right_kek(old, candidate.recipient, candidate.derive_kek())
        ]
    except ContainerError:
        # Too much work to find out: then they count as left out.
        return []
