# SPDX-License-Identifier: MIT
"""``osak encrypt``: files in, one container out, any mix of recipients."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import osak.client
from osak.client.cli.failures import outcome_facts
from osak.client.cli.options import FILE, common_options, compress_option
from osak.client.cli.recipients import read_recipients, recipient_options
from osak.client.cli.reports import capsule_facts, note_outcomes, warn_of_java_ratio
from osak.client.cli.terminal import Terminal, counted

if TYPE_CHECKING:
    from osak.client import Encrypted
    from osak.client.library import CompressionName


@click.command(short_help="Encrypt files into one CDOC2 container.")
@click.argument("files", nargs=-1, required=True, type=FILE)
@click.option("-o", "--output", required=True, type=FILE, help="The container to write, e.g. letter.cdoc2.")
@recipient_options
@compress_option
@click.option("--overwrite", is_flag=True, help="Replace the output if it exists.")
@common_options
def encrypt(
    terminal: Terminal,
    files: tuple[Path, ...],
    *,
    output: Path,
    plain_labels: bool,
    compression: "CompressionName",
    overwrite: bool,
    **recipients: Any,
) -> None:
    """Encrypt FILES into one CDOC2 container for any mix of recipients; every one can open it alone.

    \b
    osak encrypt letter.pdf -o letter.cdoc2 --to 38001085718
    osak encrypt a.txt b.txt -o both.cdoc2 --cert colleague.pem --password archive
    """  # noqa: D301 - \b is click's mark, a character, before lines to leave as they are
    chosen = read_recipients(**recipients)
    with terminal.progress("encrypting") as progress:
        done = osak.client.encrypt(
            files,
            chosen,
            output,
            config=terminal.config,
            overwrite=overwrite,
            compression=compression,
            plain_labels=plain_labels,
            progress=progress,
        )
    note_outcomes(terminal, done.outcomes)
    if done.exceeds_java_ratio:
        warn_of_java_ratio(terminal)
    terminal.result(
        _facts(done),
        f"wrote {output} ({done.container_bytes:,} bytes, {counted(done.recipients, 'recipient')})",
    )


def _facts(done: "Encrypted") -> dict[str, Any]:
    return {
        "container": str(done.path),
        "bytes": done.container_bytes,
        "files": done.files,
        "recipients": done.recipients,
        "exceeds_java_ratio": done.exceeds_java_ratio,
        "outcomes": [outcome_facts(outcome) for outcome in done.outcomes],
        "capsules": capsule_facts(done.capsules),
    }
