# SPDX-License-Identifier: MIT
"""The client as a library: functions that take what callers have and return what they want to know.

Each reads its recipients or credential, then does its use case; the command line goes the same way.
They block, so within an event loop they refuse; their twins in ``twins`` are to be awaited there.
"""

import sys
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, TypeAlias

from osak.client.batch import Batch, BatchResult
from osak.client.cancellation import Progress
from osak.client.configuration import Configuration, configuration_in_force
from osak.client.container import Compression
from osak.client.credential_keys import AnyCredential, keys_of
from osak.client.decryption import Decrypted, Listed, decrypt_file, list_file
from osak.client.encryption import Encrypted, encrypt_files
from osak.client.errors import RunningLoopError
from osak.client.inputs import AnyPath, File
from osak.client.inspection import RecordDescription, inspect_file
from osak.client.planning import plan_for
from osak.client.recipient_plan import PlannedRecipient
from osak.client.recipient_writers import writers_for
from osak.client.recipients import AnyRecipient
from osak.client.reencryption import Reencrypted, reencrypt_file

if TYPE_CHECKING:
    from osak.client.share_history import ShareHistory
    from osak.coordinator import Outcome, SigningRound

AnyConfiguration: TypeAlias = AnyPath | Configuration | None
CompressionName: TypeAlias = Compression | Literal["none", "fast", "best"]


def encrypt(
    files: AnyPath | File | Iterable[AnyPath | File],
    to: AnyRecipient | Iterable[AnyRecipient],
    output: AnyPath | BinaryIO,
    *,
    config: AnyConfiguration = None,
    overwrite: bool = False,
    compression: CompressionName = "fast",
    plain_labels: bool = False,
    progress: Progress | None = None,
    receipt: AnyPath | None = None,
) -> Encrypted:
    """Encrypt files into one container; everybody in ``to`` can open it alone.

    Args:
        files: paths, or ``File`` for content of other origin.
        to: who can open it; a ``str`` is the code of a ``Person``.
        output: the container's path, or a binary stream.
        config: groups, servers and limits, or the YAML's path; None for the file that the command uses too.
        overwrite: whether an existing output may be replaced.
        compression: how hard to pack.
        plain_labels: label recipients by bare names, without machine-readable fields.
        progress: told how many bytes are done, and of how many.
        receipt: a file to be made that takes the shares back with ``revoke``; never replaced, mode 0600.

    Raises:
        OsakError: any of ``osak.client.errors``, above all ``UsageError`` and ``InvalidInputError`` for what
            cannot be done, ``RecipientFileError`` for a certificate that cannot be used,
            ``DirectoryError`` for a directory that does not answer, ``DistributionError`` for too few servers
            that took a share, ``OutputError``. Nothing is left.
        OSError: a file that cannot be read.
    """
    _refuse_running_loop("encrypt")
    settings = configuration_in_force(config)
    planned = plan_for(to, settings, plain_labels=plain_labels)
    chosen = writers_for(planned, settings, plain_labels=plain_labels)
    done = encrypt_files(
        [files] if isinstance(files, str | PathLike | File) else list(files),
        output,
        chosen.writers,
        chosen.targets,
        config=settings,
        served=chosen.served,
        overwrite=overwrite,
        compression=Compression(compression),
        progress=progress,
        receipt=receipt,
    )
    return replace(done, plan=planned)


def revoke(receipt: AnyPath, *, config: AnyConfiguration = None) -> "tuple[Outcome, ...]":
    """Take back the shares of a container; one outcome a share. Safe to repeat.

    Args:
        receipt: what ``encrypt`` wrote.
        config: as in ``encrypt``.

    Raises:
        UsageError: it is no receipt.
    """
    # Imported here: it loads all that speaks to servers.
    from osak.client.revocation import revoke_file  # noqa: PLC0415 - see the line above

    _refuse_running_loop("revoke")
    return revoke_file(receipt, config=configuration_in_force(config))


def decrypt(
    container: AnyPath | BinaryIO,
    credential: AnyCredential,
    output: AnyPath | None = None,
    *,
    only: Collection[str] | None = None,
    config: AnyConfiguration = None,
    overwrite: bool = False,
    trust_container_servers: bool = False,
    progress: Progress | None = None,
) -> Decrypted:
    """Open a container; its files come out when all of it was checked, or none does.

    Args:
        container: a path, or a binary stream.
        credential: what to open it with.
        output: the folder for the files, made if it is not there; None keeps them in memory.
        only: names of the files to take; all of them if None.
        config: as in ``encrypt``.
        overwrite: whether existing files may be replaced.
        trust_container_servers: whether share servers that only the container names may be asked.
        progress: told how many bytes are done, and of how many, if that is known.

    Raises:
        OsakError: any of ``osak.client.errors``, above all ``WrongKeyError``, ``NoRecipientError``,
            ``DamagedContainerError``, ``NotEnoughSharesError``, ``OutputError``. Nothing is left.
    """
    _refuse_running_loop("decrypt")
    settings = configuration_in_force(config)
    return decrypt_file(
        container,
        output,
        keys_of(credential),
        config=settings,
        trust_container_servers=trust_container_servers,
        only=[only] if isinstance(only, str) else only,
        overwrite=overwrite,
        progress=progress,
    )


def decrypt_many(
    containers: Iterable[AnyPath],
    credential: AnyCredential,
    output: AnyPath,
    *,
    config: AnyConfiguration = None,
    overwrite: bool = False,
    trust_container_servers: bool = False,
    progress: Progress | None = None,
    on_signature: "Callable[[SigningRound], object] | None" = None,
) -> tuple[BatchResult[Decrypted], ...]:
    """Open several containers with as few signatures as possible, mostly one; one result each, in order.

    What fails with one container is its result's error and nobody else's. Each container's files go into a
    folder of their own within ``output``, named as the container without ``.cdoc2``.

    Args:
        containers: their paths.
        credential: what to open them with.
        output: the folder for their folders, made if it is not there.
        config: as in ``encrypt``.
        overwrite: whether existing files may be replaced.
        trust_container_servers: whether share servers that only a container names may be asked.
        progress: told how many bytes of all containers are done, and of how many.
        on_signature: told before each signature is asked for: which, of how many, for how many containers.

    Raises:
        UsageError: a container is named twice, or a file of the credential cannot be read.
        CredentialFileError: a key file that cannot be used.
    """
    _refuse_running_loop("decrypt_many")
    batch = Batch(
        containers=[Path(path) for path in containers],
        keys=keys_of(credential),
        config=configuration_in_force(config),
        trust_container_servers=trust_container_servers,
        progress=progress,
        on_signature=on_signature or (lambda _: None),
    )
    return batch.decrypt(Path(output), overwrite=overwrite)


def list_files_many(
    containers: Iterable[AnyPath],
    credential: AnyCredential,
    *,
    config: AnyConfiguration = None,
    trust_container_servers: bool = False,
    progress: Progress | None = None,
    on_signature: "Callable[[SigningRound], object] | None" = None,
) -> tuple[BatchResult[Listed], ...]:
    """Names and sizes of the files in several containers, as ``decrypt_many`` would write them.

    Raises:
        UsageError: as ``decrypt_many``.
        CredentialFileError: as ``decrypt_many``.
    """
    _refuse_running_loop("list_files_many")
    batch = Batch(
        containers=[Path(path) for path in containers],
        keys=keys_of(credential),
        config=configuration_in_force(config),
        trust_container_servers=trust_container_servers,
        progress=progress,
        on_signature=on_signature or (lambda _: None),
    )
    return batch.list_files()


def list_files(
    container: AnyPath | BinaryIO,
    credential: AnyCredential,
    *,
    config: AnyConfiguration = None,
    trust_container_servers: bool = False,
    progress: Progress | None = None,
) -> Listed:
    """Names and sizes of the files in a container, after all of it was checked; writes nothing.

    Raises:
        OsakError: as ``decrypt``.
    """
    _refuse_running_loop("list_files")
    settings = configuration_in_force(config)
    return list_file(
        container,
        keys_of(credential),
        config=settings,
        trust_container_servers=trust_container_servers,
        progress=progress,
    )


def reencrypt(
    container: AnyPath | BinaryIO,
    credential: AnyCredential,
    to: AnyRecipient | Iterable[AnyRecipient],
    output: AnyPath | BinaryIO,
    *,
    config: AnyConfiguration = None,
    overwrite: bool = False,
    compression: CompressionName = "fast",
    plain_labels: bool = False,
    trust_container_servers: bool = False,
    progress: Progress | None = None,
) -> Reencrypted:
    """Encrypt what is in a container for other recipients; its content never touches a disk.

    Args:
        container: a path, or a binary stream.
        credential: what to open it with.
        to: who can open the new one; recipients of the old one must be named again.
        output: the new container's path, or a binary stream.
        config: as in ``encrypt``.
        overwrite: whether an existing output may be replaced.
        compression: how hard to pack.
        plain_labels: label recipients by bare names, without machine-readable fields.
        trust_container_servers: whether share servers that only the old container names may be asked.
        progress: told how many bytes of the old container are done, and of how many, if that is known.

    Raises:
        OsakError: those of ``decrypt`` and of ``encrypt``. Nothing is left.
    """
    _refuse_running_loop("reencrypt")
    settings = configuration_in_force(config)
    keys = keys_of(credential)
    planned = plan_for(to, settings, plain_labels=plain_labels)
    chosen = writers_for(planned, settings, plain_labels=plain_labels)
    done = reencrypt_file(
        container,
        output,
        keys,
        chosen.writers,
        chosen.targets,
        config=settings,
        served=chosen.served,
        trust_container_servers=trust_container_servers,
        overwrite=overwrite,
        compression=Compression(compression),
        progress=progress,
    )
    return replace(done, plan=planned)


def plan(
    to: AnyRecipient | Iterable[AnyRecipient], *, config: AnyConfiguration = None
) -> tuple[PlannedRecipient, ...]:
    """What ``encrypt`` would give everybody in ``to``, and why; stores nothing and writes nothing.

    Certificates and keys are read and people are looked up in the directory, so what is wrong with them is
    told; no share server is asked, and no password is asked for.

    Raises:
        OsakError: as ``encrypt``, above all ``DirectoryError``.
    """
    _refuse_running_loop("plan")
    return plan_for(to, configuration_in_force(config), plain_labels=False)


def audit(
    container: AnyPath | BinaryIO,
    credential: AnyCredential,
    *,
    config: AnyConfiguration = None,
    trust_container_servers: bool = False,
) -> "tuple[ShareHistory, ...]":
    """Ask all servers how often they gave this person's shares of a container out, and when.

    One signature for each record of shares; nothing is opened. Each server is a witness, and may lie.

    Args:
        container: a path, or a binary stream.
        credential: a card, a phone, or a key file with its certificate.
        config: as in ``encrypt``.
        trust_container_servers: whether share servers that only the container names may be asked.

    Raises:
        OsakError: above all ``NoAnswerError``, ``UnknownServerError`` and ``CredentialError``.
    """
    # Imported here: it loads all that speaks to servers.
    from osak.client.share_history import ask_history  # noqa: PLC0415 - see the line above

    _refuse_running_loop("audit")
    return ask_history(
        container,
        keys_of(credential),
        config=configuration_in_force(config),
        trust_container_servers=trust_container_servers,
    )


def inspect(
    container: AnyPath | BinaryIO, *, config: AnyConfiguration = None
) -> tuple[RecordDescription, ...]:
    """Who can open a container, and how; needs no key and asks no server.

    It is what the file claims: only opening it proves that nobody changed the list.

    Raises:
        OsakError: above all ``DamagedContainerError``: it is no container.
    """
    _refuse_running_loop("inspect")
    return inspect_file(container, config=configuration_in_force(config))


def _refuse_running_loop(name: str) -> None:
    # Not imported: where nobody has loaded asyncio, no loop runs.
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RunningLoopError(f"{name} would block the event loop: await {name}_async instead")
