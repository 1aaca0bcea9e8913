# SPDX-License-Identifier: MIT
"""``osak encrypt``: files in, one container out, any mix of recipients."""

from pathlib import Path
from typing import Any

import click

from osak.client.cli.failures import outcome_facts
from osak.client.cli.options import FILE, common_options, compress_option, warn_of_java_ratio
from osak.client.cli.recipients import read_recipients, recipient_options
from osak.client.cli.terminal import Terminal
from osak.client.config import load_client_config
from osak.client.container.compression import Compression
from osak.client.encryption import Encrypted, encrypt_files
from osak.coordinator import Status


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
    compression: Compression,
    overwrite: bool,
    **recipients: Any,
) -> None:
    """Encrypt FILES into one CDOC2 container for any mix of recipients; every one can open it alone.

    \b
    osak encrypt letter.pdf -o letter.cdoc2 --to 38001085718
    osak encrypt a.txt b.txt -o both.cdoc2 --cert colleague.pem --password archive
    """  # noqa: D301 - \b is click's mark, a character, before lines to leave as they are
    config = load_client_config(terminal.config)
    chosen = read_recipients(config, **recipients)
    with terminal.progress("encrypting") as progress:
        done = encrypt_files(
            files,
            output,
            chosen.writers,
            chosen.targets,
            config=config,
            overwrite=overwrite,
            compression=compression,
            progress=progress,
        )
    for outcome in done.outcomes:
        if outcome.status is not Status.OK:
            terminal.note(f"warning: {outcome}")
    if done.exceeds_java_ratio:
        warn_of_java_ratio(terminal)
    terminal.result(
        {**_facts(done), "capsules": chosen.capsule_facts()},
        f"wrote {output} ({done.container_bytes:,} bytes, {done.recipients} recipients)",
    )


def _facts(done: Encrypted) -> dict[str, Any]:
    return {
        "container": str(done.path),
        "bytes": done.container_bytes,
        "files": done.files,
        "recipients": done.recipients,
        "exceeds_java_ratio": done.exceeds_java_ratio,
        "outcomes": [outcome_facts(outcome) for outcome in done.outcomes],
    }
