# SPDX-License-Identifier: MIT
"""``osak reencrypt``: one container and one credential in, a container for other recipients out."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import osak.client
from osak.client.cli.credentials import credential_options, read_credential, split_credential
from osak.client.cli.failures import outcome_facts
from osak.client.cli.options import FILE, common_options, compress_option
from osak.client.cli.plans import doubt_lines, plan_facts, plan_lines, recipients_text
from osak.client.cli.recipients import read_recipients, recipient_options
from osak.client.cli.reports import capsule_facts, note_outcomes, warn_of_java_ratio
from osak.client.cli.terminal import Terminal
from osak.client.errors import UsageError

if TYPE_CHECKING:
    from osak.client import Configuration, Reencrypted
    from osak.client.library import CompressionName


@click.command(short_help="Encrypt what is in a container for other recipients.")
@click.argument("container", type=FILE)
@click.option("-o", "--output", required=True, type=FILE, help="The new container to write.")
@credential_options("open-")
@recipient_options
@compress_option
@click.option("--keep-recipients", is_flag=True, help="Impossible: tells why, and who would be lost.")
@click.option("--overwrite", is_flag=True, help="Replace the output if it exists.")
@common_options
def reencrypt(
    terminal: Terminal,
    container: Path,
    *,
    output: Path,
    plain_labels: bool,
    compression: "CompressionName",
    keep_recipients: bool,
    overwrite: bool,
    trust_container_servers: bool,
    **options: Any,
) -> None:
    """Open CONTAINER with one credential and write its files into a new one for other recipients.

    The files never touch the disk. Recipients of the old container must be named again; those who
    are not are told.

    \b
    osak reencrypt old.cdoc2 -o new.cdoc2 --p12 me.p12 --to 38001085718
    osak reencrypt old.cdoc2 -o new.cdoc2 --open-password --cert colleague.pem
    """  # noqa: D301 - \b is click's mark, a character, before lines to leave as they are
    config = osak.client.configuration_in_force(terminal.config)
    if keep_recipients:
        _refuse_to_keep(container, config)
    opening, recipients = split_credential(options)
    chosen = read_recipients(**recipients)
    credential = read_credential(terminal, config, container, **opening)
    with terminal.progress("re-encrypting") as progress:
        done = osak.client.reencrypt(
            container,
            credential,
            chosen,
            output,
            config=config,
            overwrite=overwrite,
            compression=compression,
            plain_labels=plain_labels,
            trust_container_servers=trust_container_servers,
            progress=progress,
        )
    for line in plan_lines(done.plan):
        terminal.note(line)
    for line in doubt_lines(done.plan):
        terminal.warning(line)
    note_outcomes(terminal, done.outcomes)
    for record in done.left_out:
        terminal.warning(f"not carried over: {record.line}")
    if done.exceeds_java_ratio:
        warn_of_java_ratio(terminal)
    text = f"wrote {output} ({done.container_bytes:,} bytes, {recipients_text(done.plan, done.recipients)})"
    terminal.result(_facts(done), text)


def _refuse_to_keep(container: Path, config: "Configuration") -> None:
    """Say why old recipients cannot be kept, and who they are.

    Raises:
        UsageError: always.
    """
    people = "".join(f"\n  {record.line}" for record in osak.client.inspect(container, config=config))
    raise UsageError(
        "the recipients of a container cannot be kept: the new file has a new key, and it can be sealed for a"
        " recipient only with that recipient's own certificate, code, password or secret."
        f" Name again whoever shall open the new file; these would be lost:{people}"
    )


def _facts(done: "Reencrypted") -> dict[str, Any]:
    return {
        "container": str(done.path),
        "bytes": done.container_bytes,
        "files": [{"name": file.name, "bytes": file.size} for file in done.files],
        "recipients": done.recipients,
        "exceeds_java_ratio": done.exceeds_java_ratio,
        "left_out": [
            {"kind": record.kind, "who": record.who, "label": record.label} for record in done.left_out
        ],
        "outcomes": [outcome_facts(outcome) for outcome in done.outcomes],
        "capsules": capsule_facts(done.capsules),
        "plan": plan_facts(done.plan),
    }
