# SPDX-License-Identifier: MIT
"""``osak decrypt``: one container and one credential in, files or their names out."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import osak.client
from osak.client.cli.credentials import credential_options, read_credential
from osak.client.cli.failures import outcome_facts
from osak.client.cli.options import FILE, common_options
from osak.client.cli.reports import note_outcomes
from osak.client.cli.terminal import Terminal, counted
from osak.client.errors import UsageError

if TYPE_CHECKING:
    from osak.client import Decrypted, Listed


@click.command(short_help="Open a container and write its files.")
@click.argument("container", type=FILE)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The folder for the files.")
@click.option("--list", "only_list", is_flag=True, help="Show names and sizes of the files; write nothing.")
@click.option("--only", multiple=True, metavar="NAME", help="Write this file and no other.")
@credential_options()
@click.option("--overwrite", is_flag=True, help="Replace files that exist.")
@common_options
def decrypt(
    terminal: Terminal,
    container: Path,
    *,
    output: Path | None,
    only_list: bool,
    only: tuple[str, ...],
    trust_container_servers: bool,
    overwrite: bool,
    **credential: Any,
) -> None:
    """Open CONTAINER with one credential and write its files into the output folder.

    Nothing appears in the folder before the whole container was checked.

    \b
    osak decrypt letter.cdoc2 -o letter --id-card
    osak decrypt letter.cdoc2 -o letter --smart-id 38001085718
    osak decrypt letter.cdoc2 -o letter --p12 me.p12
    osak decrypt both.cdoc2 --list --password
    osak decrypt both.cdoc2 -o both --only a.txt --password
    """  # noqa: D301 - \b is click's mark, a character, before lines to leave as they are
    if only_list and (output is not None or only or overwrite):
        raise UsageError("--list writes nothing: leave --output, --only and --overwrite out")
    if output is None and not only_list:
        raise UsageError("where to? Name a folder with --output, or only --list the files")
    config = osak.client.configuration_in_force(terminal.config)
    given = read_credential(terminal, config, container, **credential)
    asked: dict[str, Any] = {"config": config, "trust_container_servers": trust_container_servers}
    with terminal.progress("reading" if only_list else "decrypting") as progress:
        done = (
            osak.client.list_files(container, given, progress=progress, **asked)
            if output is None
            else osak.client.decrypt(
                container, given, output, only=only or None, overwrite=overwrite, progress=progress, **asked
            )
        )
    note_outcomes(terminal, done.outcomes)
    names = "".join(f"\n  {file.name}  ({file.size:,} bytes)" for file in done.files)
    if output is None:
        text, place = (
            f"{container} holds {counted(len(done.files), 'file')}:{names}",
            {"container": str(container)},
        )
    else:
        text, place = f"wrote {counted(len(done.files), 'file')} to {output}:{names}", {"folder": str(output)}
    terminal.result({**place, **_facts(done)}, text)


def _facts(done: "Decrypted | Listed") -> dict[str, Any]:
    return {
        "files": [{"name": file.name, "bytes": file.size} for file in done.files],
        "outcomes": [outcome_facts(outcome) for outcome in done.outcomes],
    }
