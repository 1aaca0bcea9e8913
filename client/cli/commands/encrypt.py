# SPDX-License-Identifier: MIT
"""``osak encrypt``: files in, one container out, any mix of recipients."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import osak.client
from osak.client.cli.failures import outcome_facts
from osak.client.cli.options import FILE, common_options, compress_option
from osak.client.cli.plans import doubt_lines, plan_facts, plan_lines, plan_table, recipients_text
from osak.client.cli.recipients import read_recipients, recipient_options
from osak.client.cli.reports import capsule_facts, note_outcomes, warn_of_java_ratio
from osak.client.cli.terminal import Terminal
from osak.client.errors import UsageError

if TYPE_CHECKING:
    from osak.client import Encrypted, PlannedRecipient
    from osak.client.library import CompressionName


@click.command(short_help="Encrypt files into one CDOC2 container.")
@click.argument("files", nargs=-1, type=FILE)
@click.option("-o", "--output", type=FILE, help="The container to write, e.g. letter.cdoc2.")
@recipient_options
@compress_option
@click.option(
    "--dry-run",
    is_flag=True,
    help="Look people up and tell what each recipient would get, and why; store and write nothing.",
)
@click.option(
    "--receipt",
    type=FILE,
    help="Also write the receipt that takes shares back (osak revoke); keep it to yourself.",
)
@click.option("--overwrite", is_flag=True, help="Replace the output if it exists.")
@common_options
def encrypt(
    terminal: Terminal,
    files: tuple[Path, ...],
    *,
    output: Path | None,
    dry_run: bool,
    plain_labels: bool,
    compression: "CompressionName",
    receipt: Path | None,
    overwrite: bool,
    **recipients: Any,
) -> None:
    """Encrypt FILES into one CDOC2 container for any mix of recipients; every one can open it alone.

    \b
    osak encrypt letter.pdf -o letter.cdoc2 --to 38001085718
    osak encrypt a.txt b.txt -o both.cdoc2 --cert colleague.pem --password archive
    osak encrypt --dry-run --to 38001085718 --to 60001019906
    """  # noqa: D301 - \b is click's mark, a character, before lines to leave as they are
    chosen = read_recipients(**recipients)
    if dry_run:
        _tell(terminal, osak.client.plan(chosen, config=terminal.config))
        return
    if not files or output is None:
        raise UsageError("name the files to encrypt, and the container to write with -o")
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
            receipt=receipt,
        )
    for line in plan_lines(done.plan):
        terminal.note(line)
    for line in doubt_lines(done.plan):
        terminal.warning(line)
    note_outcomes(terminal, done.outcomes)
    if done.exceeds_java_ratio:
        warn_of_java_ratio(terminal)
    terminal.result(
        _facts(done),
        f"wrote {output} ({done.container_bytes:,} bytes, {recipients_text(done.plan, done.recipients)})",
    )


def _tell(terminal: Terminal, planned: "Sequence[PlannedRecipient]") -> None:
    for line in doubt_lines(planned):
        terminal.warning(line)
    columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    terminal.result({"dry_run": True, "plan": plan_facts(planned)}, plan_table(planned, columns))


def _facts(done: "Encrypted") -> dict[str, Any]:
    return {
        "container": str(done.path),
        "bytes": done.container_bytes,
        "files": done.files,
        "recipients": done.recipients,
        "exceeds_java_ratio": done.exceeds_java_ratio,
        "outcomes": [outcome_facts(outcome) for outcome in done.outcomes],
        "capsules": capsule_facts(done.capsules),
        "plan": plan_facts(done.plan),
    }
