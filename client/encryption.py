# SPDX-License-Identifier: MIT
"""Use case: encrypt files for any mix of recipients (BUC.04 of the product's use cases).

The order is chosen so that nothing is lost or left half-done: inputs are checked, the output's place
is taken, shares go to all servers at once, the container is written, and only then does it get its
name. If anything fails after shares were stored, they are revoked again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from osak.client.cancellation import Progress, counted
from osak.client.capsule_server.receipt import UploadedCapsule
from osak.client.configuration import Configuration
from osak.client.container import Compression, RecipientWriter, write_container
from osak.client.errors import UsageError
from osak.client.inputs import AnyPath, File, as_path, entries_of
from osak.client.outputs import output_path, writing
from osak.client.receipts import ReceiptFile
from osak.client.recipient_plan import PlannedRecipient
from osak.client.share_targets import ShareTarget, require_recipients
from osak.client.uploads import Uploads

if TYPE_CHECKING:
    from osak.client.capsule_server.recipient import CapsuleServerRecipient
    from osak.coordinator import Outcome


@dataclass(frozen=True, slots=True)
class Encrypted:
    """A container that was written.

    Attributes:
        path: where it is; None where it went down a stream.
        container_bytes: its size.
        files: how many files are in it.
        recipients: how many records it has.
        outcomes: one a server, for every share recipient in turn.
        exceeds_java_ratio: whether the official Java client will refuse it for being packed too well.
        capsules: what capsule servers took.
        plan: what each recipient got, and why.
    """

    path: Path | None
    container_bytes: int
    files: int
    recipients: int
    outcomes: "tuple[Outcome, ...]"
    exceeds_java_ratio: bool
    capsules: tuple[UploadedCapsule, ...] = ()
    plan: tuple[PlannedRecipient, ...] = ()


def encrypt_files(
    files: Sequence[AnyPath | File],
    output: AnyPath | BinaryIO,
    recipients: Sequence[RecipientWriter],
    targets: Sequence[ShareTarget],
    *,
    config: Configuration,
    served: "Sequence[CapsuleServerRecipient]" = (),
    overwrite: bool = False,
    compression: Compression = Compression.FAST,
    progress: Progress | None = None,
    receipt: AnyPath | None = None,
) -> Encrypted:
    """Write ``files`` into a container at ``output``.

    Args:
        files: regular files, which the container holds by their last name, and content of other origin.
        output: the container's path, or a binary stream.
        recipients: those whose records need no server.
        targets: those whose KEKs are shared among servers.
        config: timeouts, limits and groups.
        served: those whose capsules are kept by capsule servers.
        overwrite: whether an existing output may be replaced.
        compression: how hard to pack.
        progress: told how many plaintext bytes are done, and of how many.
        receipt: where what takes the shares back is written, for its owner alone; None forgets it.

    Raises:
        UsageError: no recipient, a receipt for no shares, a person named twice, or the output is one of
            the inputs.
        InvalidInputError: a file or recipient that cannot go into a container.
        OSError: a file that cannot be read; it is named.
        DistributionError: too few servers took their share; nothing stays stored.
        CapsuleServerError: a capsule server did not take a capsule; no share stays stored.
        OutputError: the output cannot be written; nothing of it stays.
    """
    require_recipients(recipients, targets, served)
    if receipt is not None and not targets:
        raise UsageError("there is nothing to revoke: a receipt is for recipients whose key is shared")
    _refuse_own_input(files, output)
    kept = ReceiptFile(receipt)
    entries = entries_of(files)
    with (
        Uploads(config) as uploads,
        kept.kept(),
        writing(output, overwrite=overwrite) as file,
        kept.writing() as keep,
    ):
        stored = uploads.store(targets, served)
        keep(stored.receipts)
        summary = write_container(
            file,
            entries,
            [*recipients, *stored.records],
            limits=config.container_limits(),
            compression=compression,
            progress=counted(progress, sum(entry.size for entry in entries)),
        )
        size = file.tell()
    return Encrypted(
        output_path(output),
        size,
        len(entries),
        len(summary.recipients),
        stored.outcomes,
        summary.exceeds_java_ratio,
        stored.capsules,
    )


def _refuse_own_input(files: Sequence[AnyPath | File], output: AnyPath | BinaryIO) -> None:
    path = output_path(output)
    inputs = [as_path(file) for file in files if not isinstance(file, File)]
    if path is not None and path.exists() and any(file.exists() and file.samefile(path) for file in inputs):
        raise UsageError(f"{path} is both input and output")
