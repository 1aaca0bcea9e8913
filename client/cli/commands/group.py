# SPDX-License-Identifier: MIT
"""``osak group``: look after the servers that keep shares."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import osak.client
from osak.client.cli.failures import outcome_facts
from osak.client.cli.options import FILE, THRESHOLD, common_options
from osak.client.cli.terminal import Terminal, confirm_or_refuse
from osak.client.config_file import CONFIG_FILE_NAME, config_path

if TYPE_CHECKING:
    from osak.coordinator import NodeCheck


@click.group(short_help="Check and extend groups of share servers.")
def group() -> None:
    """Look after the groups of share servers in the configuration."""


@group.command()
@click.argument("name", required=False)
@common_options
def check(terminal: Terminal, name: str | None) -> int:
    """Ask every server of group NAME (else the default group) who it is and whether it may be trusted.

    Exit code 0 when all answered as configured, 6 when any did not, even if enough did.
    """
    from osak.client.group_servers import check_servers  # noqa: PLC0415 - what speaks to servers, only now

    config = osak.client.configuration_in_force(terminal.config)
    group_name, servers = config.group(name)
    checks = check_servers(servers, config)
    good = sum(one.outcome.status.value == "ok" for one in checks)
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
    "--group",
    "name",
    metavar="NAME",
    default="default",
    show_default=True,
    help="The group to add to; made if new.",
)
@click.option(
    "--threshold",
    metavar="T",
    type=THRESHOLD,
    help="Of a new group: how many servers open a file.",
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
    from osak.client.group_servers import meet_servers, write_servers  # noqa: PLC0415 - as above

    path = config_path(terminal.config) or Path(CONFIG_FILE_NAME)
    if path.exists():
        osak.client.configuration_in_force(path)  # its mistakes are told before any server is asked
    found = meet_servers(urls, ca_file.resolve() if ca_file else None)
    for entry in found:
        terminal.note(f"{entry.url}\n  id            {entry.id}\n  organisation  {entry.organisation}")
        terminal.note(f"  pin           {entry.pin_sha256}")
    if not yes:
        confirm_or_refuse(f"Trust {'this server' if len(found) == 1 else f'these {len(found)} servers'}?")
    write_servers(path, name, found, threshold)
    servers = [{"id": entry.id, "url": entry.url, "pin_sha256": entry.pin_sha256} for entry in found]
    terminal.result(
        {"config": str(path), "group": name, "added": servers}, f"added to group {name} in {path}"
    )


def _check_facts(one: "NodeCheck") -> dict[str, Any]:
    says = (
        None if one.identity is None else {"id": one.identity.id, "organisation": one.identity.organisation}
    )
    return {**outcome_facts(one.outcome), "url": str(one.server.url), "says": says}
