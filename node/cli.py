# SPDX-License-Identifier: MIT
"""``osak node``: make a node's folder, run a node. A thin skin over ``init`` and ``server``.

Results go to stdout, the node's log to stderr. Errors leave as click exceptions with the exit codes
of every osak command: 2 for usage and configuration, 6 for files, ports and the store.
"""

import asyncio
import gc
import os
import re
from pathlib import Path

import click
import uvloop

from osak.node.audit.acts import acts_folder
from osak.node.audit.keys import AuditKeys, resolve
from osak.node.audit.record import Position
from osak.node.audit.segments import Verdict, verify_log
from osak.node.backup.commands import backup, restore
from osak.node.command_errors import SystemCommandError, exit_codes
from osak.node.command_options import config_option
from osak.node.config import load_node_config
from osak.node.health import ask_health
from osak.node.init import CONFIG_NAME, CreatedNode, create_node
from osak.node.key_commands import key
from osak.node.key_ring import read_ring
from osak.node.migration import migrate as move_everything
from osak.node.migration import source_of
from osak.node.process_limits import set_process_limits
from osak.node.server import serve
from osak.shares.errors import ConfigurationError

_SHARE_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_NOTED = re.compile(r"([0-9]{1,12}):([0-9a-f]{64})", re.ASCII)


@click.group()
def node() -> None:
    """Run one organisation's share server."""


@node.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--id", "node_id", required=True, help="Short name, for example ria.")
@click.option("--organisation", required=True, help="Who runs this node, for people.")
@click.option("--url", required=True, help="Where clients will reach it: https://HOST[:PORT].")
@click.option("--listen", metavar="HOST:PORT", help="Default: all addresses of IPv4, at the URL's port.")
@click.option("--admin", metavar="HOST:PORT", help="Health and metrics. Default: 127.0.0.1:9443.")
@click.option(
    "--redis", metavar="HOST:PORT", help="Keep shares in this Redis (or unix:/PATH). Default: an SQLite file."
)
@click.option("--dev-tls", is_flag=True, help="Make a self-signed certificate, to try things out.")
@click.option(
    "--trust",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="CA certificates (PEM) whose people may fetch shares. Repeatable.",
)
@click.option("--keep", is_flag=True, help="Do nothing if DIR holds a node already.")
def init(
    *,
    folder: Path,
    node_id: str,
    organisation: str,
    url: str,
    listen: str | None,
    admin: str | None,
    redis: str | None,
    dev_tls: bool,
    trust: tuple[Path, ...],
    keep: bool,
) -> None:
    """Write a new node's configuration and keys into DIR."""
    if keep and (folder / CONFIG_NAME).is_file():
        click.echo(f"{folder} holds a node already; it is left as it is")
        return
    with exit_codes():
        created = create_node(
            folder,
            node_id=node_id,
            organisation=organisation,
            url=url,
            listen=listen,
            admin=admin,
            redis=redis,
            dev_tls=dev_tls,
            trust=trust,
        )
    _print_next_steps(created, node_id, trusts=bool(trust))


@node.command()
@config_option
def run(config_file: Path) -> None:
    """Serve shares until SIGTERM or SIGINT; log JSON lines to stderr."""
    with exit_codes():
        config = load_node_config(config_file, os.environ)
        gc.freeze()  # modules and settings stay: the collector need not look through them again and again
        set_process_limits()
        uvloop.run(serve(config))


@node.command()
@config_option
def health(config_file: Path) -> None:
    """Ask the node that runs with this YAML whether it is ready; exit code 0 if it is, 6 if not."""
    with exit_codes():
        click.echo(ask_health(load_node_config(config_file, os.environ).admin.listen))


@node.command()
@click.option(
    "--from",
    "source_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The node's YAML with the storage where everything is. Default: moving_from of the other.",
)
@click.option(
    "--to",
    "target_file",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The same with the storage where it shall be.",
)
def migrate(*, source_file: Path | None, target_file: Path) -> None:
    """Copy all that a node keeps into another storage and verify it; repeatable, and the node may run."""
    with exit_codes():
        target = load_node_config(target_file, os.environ)
        source = source_of(target) if source_file is None else load_node_config(source_file, os.environ)
        report = asyncio.run(move_everything(source, target))
    click.echo(str(report))
    if not report.whole:
        raise SystemCommandError("not everything arrived: keep the old storage")


node.add_command(key)
node.add_command(backup)
node.add_command(restore)


@node.group()
def audit() -> None:
    """Check and read a node's audit log."""


@audit.command()
@config_option
@click.option(
    "--noted", metavar="NUMBER:HASH", help="An end that was printed before and must still be there."
)
@click.option("--noted-acts", metavar="NUMBER:HASH", help="The same of the log of acts by command.")
@click.option(
    "--public-key",
    "public_keys",
    multiple=True,
    metavar="HEX",
    help="An older key of checkpoints. Repeatable.",
)
def verify(
    *, config_file: Path, noted: str | None, noted_acts: str | None, public_keys: tuple[str, ...]
) -> None:
    """Check that no line was changed, taken out or moved; print the end, to be kept elsewhere."""
    with exit_codes():
        folder, keys = _audit_of(config_file)
        known = frozenset({*public_keys, *(each.public_key for each in keys)})
        _print_verdict("", verify_log(folder, known, _position(noted)))
        acts = acts_folder(folder)
        if acts.is_dir() or noted_acts is not None:
            _print_verdict("acts: ", verify_log(acts, known, _position(noted_acts), may_be_empty=True))
    for number, each in enumerate(keys):
        click.echo(f"public key: {each.public_key}{'' if number == 0 else ' (not in use)'}")


@audit.command()
@config_option
@click.argument("names", metavar="PSEUDONYM|ID...", nargs=-1, required=True)
def who(*, config_file: Path, names: tuple[str, ...]) -> None:
    """Tell who or which share a pseudonym is, and the pseudonym of a person (etsi/PNOEE-...) or share id."""
    with exit_codes():
        _, keys = _audit_of(config_file)
        for name in names:
            if "/" in name or _SHARE_ID.fullmatch(name):
                for each in keys:  # one pseudonym for the time of each
                    click.echo(f"{name} {each.pseudonym(name)}")
            else:
                click.echo(f"{name} {resolve(name, keys)}")


def _print_verdict(of: str, verdict: Verdict) -> None:
    click.echo(f"{of}whole: {verdict.end.number} lines, signed up to line {verdict.checkpoint.number}")
    if verdict.torn:
        click.echo(f"{of}unfinished lines after a crash, cut off: {verdict.torn}")
    click.echo(f"{of}end: {verdict.end.number}:{verdict.end.chain}")


def _audit_of(config_file: Path) -> tuple[Path, list[AuditKeys]]:
    config = load_node_config(config_file, os.environ)
    if config.audit is None:
        raise ConfigurationError(str(config_file), ["has no section audit"])
    return config.audit.folder, [AuditKeys(each) for each in read_ring(config.sealing).keys]


def _position(text: str | None) -> Position | None:
    if text is None:
        return None
    found = _NOTED.fullmatch(text)
    if found is None:
        raise ConfigurationError("--noted", ["expected NUMBER:HASH as `osak node audit verify` prints it"])
    return Position(int(found[1]), found[2])


def _print_next_steps(created: CreatedNode, node_id: str, *, trusts: bool) -> None:
    for file in created.files:
        click.echo(f"created {file}")
    if created.pin_sha256:
        click.echo(f"certificate pin (pin_sha256): {created.pin_sha256}")
    click.echo("next:")
    click.echo(
        f"  keep a copy of {created.folder / 'node.key'} elsewhere: without it the stored shares are lost"
    )
    if not created.pin_sha256:
        click.echo(f"  put the certificate and key for {created.public_url} into {created.folder / 'tls'}/")
    if not trusts:
        click.echo(f"  name CA certificates in {created.files[0]} under trust.anchors")
    click.echo(f"  start it: osak node run -c {created.files[0]}")
    click.echo(f"  clients add it with: osak group add {created.public_url}  (id {node_id})")
