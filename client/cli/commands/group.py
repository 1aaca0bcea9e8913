# SPDX-License-Identifier: MIT
"""``osak group``: look after the servers that keep shares."""

import asyncio
import os
import stat
from pathlib import Path
from typing import Any

import click

from osak.client.cli.failures import outcome_facts
from osak.client.cli.options import FILE, common_options
from osak.client.cli.terminal import Terminal, confirm_or_refuse
from osak.client.config import ClientConfig, load_client_config
from osak.client.config_file import CONFIG_FILE_NAME, config_path
from osak.client.errors import UsageError
from osak.client.group_file import ServerEntry, add_servers
from osak.client.output import atomic_output
from osak.coordinator import Coordinator, Group, NodeCheck, Server, Status, Timeouts, TLSSettings
from osak.coordinator.group import MAX_THRESHOLD
from osak.coordinator.transport.first_contact import read_pin
from osak.coordinator.transport.http import HTTPTransport
from osak.shares.configuration import load_settings
from osak.shares.errors import MessageError
from osak.shares.protocol.messages import NodeIdentity
from osak.shares.protocol.urls import ServerURL


@click.group(short_help="Check and extend groups of share servers.")
def group() -> None:
    """Look after the groups of share servers in the configuration."""


@group.command()
@click.argument("name", required=False)
@common_options
def check(terminal: Terminal, name: str | None) -> int:
    """Ask every server of group NAME (else the default group) who it is and whether it may be trusted.

    Exit code 0 when all answered as configured, 6 when some did not but enough did or not.
    """
    config = load_client_config(terminal.config)
    group_name, servers = config.group(name)
    checks = asyncio.run(_check(servers, config))
    good = sum(one.outcome.status is Status.OK for one in checks)
    facts = {
        "group": group_name,
        "threshold": servers.threshold,
        "usable": good,
        "servers": [_check_facts(one) for one in checks],
    }
    lines = [f"{group_name}: {servers.threshold} of {len(checks)} servers open a file; {good} are usable now"]
    lines += [f"  {one.outcome.status.value:<12} {one.outcome}  {one.server.url}" for one in checks]
    if good < servers.threshold:
        lines.append(f"  too few: files for this group can not be opened until {servers.threshold} answer")
    terminal.result(facts, "\n".join(lines))
    return 0 if good == len(checks) else 6


@group.command()
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.option(
    "--group", "name", default="default", show_default=True, help="The group to add to; made if new."
)
@click.option(
    "--threshold", type=click.IntRange(2, MAX_THRESHOLD), help="Of a new group: how many servers open a file."
)
@click.option("--ca-file", type=FILE, help="Trust this certificate authority as well as the server's key.")
@click.option("--yes", is_flag=True, help="Do not ask; you have compared the pins already.")
@common_options
def add(
    terminal: Terminal,
    urls: tuple[str, ...],
    *,
    name: str,
    threshold: int | None,
    ca_file: Path | None,
    yes: bool,
) -> None:
    """Read who the servers at URL... say they are, show it, and write them into the configuration.

    Compare organisation and pin with what the organisation published: whoever answers at the URL now
    is trusted from now on. A new group needs --threshold and at least that many servers.
    """
    path = config_path(terminal.config) or Path(CONFIG_FILE_NAME)
    if path.exists():
        load_client_config(path)  # its mistakes are told before any server is asked
    found = asyncio.run(_meet([_server_url(url) for url in urls], ca_file.resolve() if ca_file else None))
    for entry in found:
        terminal.note(f"{entry.url}\n  id            {entry.id}\n  organisation  {entry.organisation}")
        terminal.note(f"  pin           {entry.pin_sha256}")
    if not yes:
        confirm_or_refuse(f"Trust {'this server' if len(found) == 1 else f'these {len(found)} servers'}?")
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    changed = add_servers(text, name, found, threshold)
    load_settings(changed, ClientConfig, source=str(path), environment=os.environ, folder=path.parent)
    _replace(path.resolve(), changed.encode())
    servers = [{"id": entry.id, "url": entry.url, "pin_sha256": entry.pin_sha256} for entry in found]
    terminal.result(
        {"config": str(path), "group": name, "added": servers}, f"added to group {name} in {path}"
    )


def _replace(path: Path, content: bytes) -> None:
    """Write a file anew; one that only its owner may read stays so."""
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
    with atomic_output(path, overwrite=True) as file:
        if mode is not None:
            os.fchmod(file.fileno(), mode)
        file.write(content)


def _server_url(text: str) -> ServerURL:
    try:
        return ServerURL.parse(text)
    except MessageError as error:
        raise UsageError(str(error)) from error


async def _check(servers: Group, config: ClientConfig) -> tuple[NodeCheck, ...]:
    async with HTTPTransport(config.timeouts) as transport:
        coordinator = Coordinator(transport=transport, groups=config.groups, timeouts=config.timeouts)
        return await coordinator.check(servers)


async def _meet(urls: list[ServerURL], ca_file: Path | None) -> list[ServerEntry]:
    """What each server says of itself, over a connection bound to the key it showed."""
    async with HTTPTransport(Timeouts()) as transport:
        return list(await asyncio.gather(*(_meet_one(url, ca_file, transport) for url in urls)))


async def _meet_one(url: ServerURL, ca_file: Path | None, transport: HTTPTransport) -> ServerEntry:
    pin = await read_pin(url, Timeouts().connect_seconds)
    trust = TLSSettings(ca_file=ca_file, pin_sha256=pin)
    server = Server(id="new", organisation=url.host, url=url, tls=trust)
    identity: NodeIdentity = await transport.read_identity(server)
    kept = str(trust.ca_file) if trust.ca_file else None
    return ServerEntry(identity.id, identity.organisation, str(url), pin, kept)


def _check_facts(one: NodeCheck) -> dict[str, Any]:
    says = (
        None if one.identity is None else {"id": one.identity.id, "organisation": one.identity.organisation}
    )
    return {**outcome_facts(one.outcome), "url": str(one.server.url), "says": says}
