# SPDX-License-Identifier: MIT
"""``osak node key``: see a node's keys, and make the next one."""

import asyncio
import os
from pathlib import Path

import click

from osak.node.command_errors import SystemCommandError, exit_codes
from osak.node.command_options import config_option
from osak.node.config import load_node_config
from osak.node.key_files import make_next_key, make_secret, seal_key
from osak.node.key_ring import shown_id
from osak.node.key_status import count_by_key


@click.group()
def key() -> None:
    """See a node's keys, and make the next one."""


@key.command()
@config_option
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
def new(*, config_file: Path, file: Path) -> None:
    """Write a key that can follow the node's into FILE, which must not exist."""
    with exit_codes():
        key_id = make_next_key(load_node_config(config_file, os.environ), file)
    named = os.path.relpath(file, config_file.parent)  # as the YAML names files
    click.echo(f"created {file}: node key {key_id}")
    click.echo("next, on every process of this node in turn:")
    click.echo(f"  1. add to sealing:  next: {{key_file: {named}}}   and restart them all")
    click.echo("  2. put it in key_file, the key before under old, take next out, and restart them all")
    click.echo("  3. when `osak node key status` counts nothing under the old key, take it out")


@key.command()
@config_option
def secret(*, config_file: Path) -> None:
    """Let the token that the YAML names make the secret that seals key files; it never leaves the token."""
    with exit_codes():
        make_secret(load_node_config(config_file, os.environ))
    click.echo("made; next: `osak node key seal` seals a key file with it")


@key.command()
@config_option
@click.argument("plain", metavar="PLAIN", type=click.Path(path_type=Path))
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
def seal(*, config_file: Path, plain: Path, file: Path) -> None:
    """Write the key in PLAIN into FILE, sealed by the token that the YAML names."""
    with exit_codes():
        key_id = seal_key(load_node_config(config_file, os.environ), plain, file)
    click.echo(f"created {file}: node key {key_id}")
    click.echo(
        f"next: name it as key_file, see that the node starts, then keep {plain} offline or destroy it"
    )


@key.command()
@config_option
def status(*, config_file: Path) -> None:
    """Go through the storage and count what lies under each key; exit code 6 if a key is missing."""
    with exit_codes():
        found = asyncio.run(count_by_key(load_node_config(config_file, os.environ)))
    click.echo(str(found))
    if found.missing:
        raise SystemCommandError(
            f"something lies under a key that this node has not: {', '.join(map(shown_id, found.missing))}"
        )
