# SPDX-License-Identifier: MIT
"""``osak node backup`` and ``osak node restore``: files, keys and stores put together, over the other files.

The report goes to stderr for a backup, whose output may be stdout, and to stdout for a restore.
"""

import asyncio
import os
import secrets
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from osak import __version__
from osak.node.audit.acts import Acts
from osak.node.audit.keys import AuditKeys
from osak.node.audit.record import Event
from osak.node.backup.chunks import SALT_BYTES
from osak.node.backup.file import BackupFile, open_backup
from osak.node.backup.output import backup_output
from osak.node.backup.records import Begin
from osak.node.backup.restoration import Restoration, RestoreReport
from osak.node.backup.revocations import choose_logs, revoked_since
from osak.node.backup.taking import Backup, BackupReport
from osak.node.command_errors import SystemCommandError, exit_codes
from osak.node.command_options import config_option
from osak.node.config import NodeConfig, load_node_config
from osak.node.key_ring import NodeKeyRing, read_ring
from osak.node.progress import Progress
from osak.node.role_stores import open_role_stores
from osak.node.seal_check import refuse_to_seal
from osak.shares.errors import ConfigurationError
from osak.shares.protocol.times import time_text


@click.command()
@config_option
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The backup; - for standard output.",
)
@click.option("--overwrite", is_flag=True, help="Replace a file of that name.")
def backup(*, config_file: Path, output: Path, overwrite: bool) -> None:
    """Write all shares and capsules into one file that is useless without the node key; the node may run."""
    with exit_codes():
        report = asyncio.run(_back_up(load_node_config(config_file, os.environ), output, overwrite=overwrite))
    click.echo(f"in the backup: {_counts(report.shares, report.capsules)}", err=True)
    if report.damaged:
        raise SystemCommandError(
            f"the backup lacks rows that do not open with the node's keys: {report.damaged}"
        )


@click.command()
@config_option
@click.argument("file", metavar="BACKUP", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--audit",
    "audit_folders",
    multiple=True,
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="An audit log of this node that tells what was revoked since. Repeatable: one for each process. "
    "Default: that of the YAML.",
)
@click.option(
    "--accept-revoked", is_flag=True, help="No audit log is left: also bring back what was revoked since."
)
def restore(*, config_file: Path, file: Path, audit_folders: tuple[Path, ...], accept_revoked: bool) -> None:
    """Put back what a backup holds and the storage lacks; nothing is written before all of it was checked.

    BACKUP is a file, or - for standard input.
    """
    if audit_folders and accept_revoked:
        raise click.UsageError("--audit and --accept-revoked exclude each other")
    with exit_codes():
        config = load_node_config(config_file, os.environ)
        folders = None if accept_revoked else audit_folders
        report = asyncio.run(_restore(config, file, folders))
    click.echo(str(report))
    if report.lost:
        raise SystemCommandError("not every row is in the storage: start again, and look at the storage")


async def _back_up(config: NodeConfig, output: Path, *, overwrite: bool) -> BackupReport:
    _refuse_memory(config)
    ring = read_ring(config.sealing)
    salt = secrets.token_bytes(SALT_BYTES)
    with backup_output(output, overwrite=overwrite) as stream, Progress(sys.stderr) as progress:
        progress.begin("backing up")
        async with open_role_stores(config) as stores:
            begin = Begin(config.id, int(time.time()), __version__)
            making = Backup(stores, ring.sealer(refuse_to_seal), begin, progress)
            await making.write(stream, ring.active, salt)
        report = making.report
        # Before the file gets its name: no backup that the log does not know.
        await _acts(config, ring).note(
            Event.BACKUP, backup=salt.hex(), shares=report.shares, capsules=report.capsules
        )
    return report


async def _restore(config: NodeConfig, path: Path, folders: Sequence[Path] | None) -> RestoreReport:
    _refuse_memory(config)
    ring = read_ring(config.sealing)
    with open_backup(path, ring.keys) as file, Progress(sys.stderr) as progress:
        begin = file.begin()
        began = time_text(datetime.fromtimestamp(begin.time, UTC))
        click.echo(f"backup of {begin.node_id}, begun {began} by osak {begin.version}")
        revoked = _revoked(config, ring, begin, folders)
        async with open_role_stores(config) as stores:
            sealer = ring.sealer(refuse_to_seal)
            restoration = Restoration(
                file, stores, sealer, now=int(time.time()), revoked=revoked, progress=progress
            )
            progress.begin("checking the backup")
            await restoration.check()
            await _note_restore(_acts(config, ring), file, restoration.report, accepted=folders is None)
            progress.begin("restoring")
            await restoration.write()
            # Once more: a node that runs may have revoked meanwhile what was written just now.
            await restoration.take_back(_revoked(config, ring, begin, folders))
            progress.begin("verifying")
            await restoration.verify()
    click.echo(f"in the backup: {_counts(restoration.report.shares, restoration.report.capsules)}")
    return restoration.report


def _revoked(
    config: NodeConfig, ring: NodeKeyRing, begin: Begin, folders: Sequence[Path] | None
) -> frozenset[str]:
    """What must not be there; with None for ``folders`` nobody minds.

    Raises:
        BackupError: nothing tells what was revoked.
        AuditError: a log was changed, or does not reach back to the backup.
    """
    if folders is None:
        return frozenset()
    logs = choose_logs(folders, None if config.audit is None else config.audit.folder)
    return frozenset().union(*(revoked_since(log, ring.keys, begin.time) for log in logs))


async def _note_restore(acts: Acts, file: BackupFile, report: RestoreReport, *, accepted: bool) -> None:
    await acts.note(
        Event.RESTORE,
        backup=file.header.salt.hex(),
        shares=report.shares,
        capsules=report.capsules,
        revoked=report.revoked,
        revoked_unknown=accepted,
    )


def _acts(config: NodeConfig, ring: NodeKeyRing) -> Acts:
    return Acts(None if config.audit is None else config.audit.folder, AuditKeys(ring.active))


def _refuse_memory(config: NodeConfig) -> None:
    if config.storage.kind == "memory":
        raise ConfigurationError(
            "storage.kind", ["memory belongs to one process: nobody else can read or fill it"]
        )


def _counts(shares: int, capsules: int) -> str:
    return f"shares: {shares}, capsules: {capsules}"
