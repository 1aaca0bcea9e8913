# SPDX-License-Identifier: MIT
"""``osak inspect``: who can open a container, and how. Needs no key and asks no server."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

import osak.client
from osak.client.cli.options import FILE, common_options
from osak.client.cli.terminal import Terminal, counted

if TYPE_CHECKING:
    from osak.client import RecordDescription


@click.command(short_help="Show who can open a container, and how.")
@click.argument("container", type=FILE)
@common_options
def inspect(terminal: Terminal, container: Path) -> None:
    """Show who can open CONTAINER, and how.

    It is what the file claims: only opening it proves that nobody changed the list.
    """
    records = osak.client.inspect(container, config=terminal.config)
    facts = [
        {
            "kind": record.kind,
            "who": record.who,
            "label": record.label,
            "label_fields": record.label_fields,
            "problem": record.problem,
            **record.details,
        }
        for record in records
    ]
    lines = [f"{container}: {counted(len(records), 'recipient')}"]
    lines += [line for number, record in enumerate(records, start=1) for line in _lines(number, record)]
    terminal.result({"recipients": facts}, "\n".join(lines))


def _lines(number: int, record: "RecordDescription") -> list[str]:
    return [f"  {number}. {record.line}", *(f"       {remark}" for remark in record.remarks)]
