# SPDX-License-Identifier: MIT
"""What recipients get, told: a table for people, members of JSON for programs, a line after the work."""

import io
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from osak.client.cli.terminal import counted

if TYPE_CHECKING:
    from osak.client import PlannedRecipient, PlannedRecord
    from osak.client.directory.means import Found, Means

_ESTONIAN: Final = "etsi/PNOEE-"
_PIPE_COLUMNS: Final = 1000
"""Wide enough that no line of a usual table is broken where no terminal says how wide it is."""


def plan_table(planned: "Sequence[PlannedRecipient]", columns: int | None) -> str:
    """Everybody, what was found, what they get, and why; ``columns`` is the terminal's width."""
    from rich.console import Console  # noqa: PLC0415 - heavy, and only a dry run needs it
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("PERSON", no_wrap=True)
    for heading in ("FOUND", "SCHEME", "WHY"):
        table.add_column(heading, overflow="fold")
    for recipient in planned:
        schemes = [f"{one.scheme}: {one.opens_with}, {one.where}" for one in recipient.records]
        reasons = [one.why for one in recipient.records]
        who = [recipient.who.removeprefix(_ESTONIAN)]
        for cells in zip_longest(who, _found_lines(recipient), schemes, reasons, fillvalue=""):
            # As text: rich would take brackets in a stranger's name for markup.
            table.add_row(*map(Text, cells))
    written = io.StringIO()
    Console(file=written, width=columns or _PIPE_COLUMNS, color_system=None).print(table)
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines())


def plan_facts(planned: "Iterable[PlannedRecipient]") -> list[dict[str, Any]]:
    """The same as JSON members."""
    return [
        {
            "who": recipient.who,
            "directory": recipient.lookup,
            **_found_facts(recipient.found),
            "records": [_record_facts(record) for record in recipient.records],
        }
        for recipient in planned
    ]


def plan_lines(planned: "Iterable[PlannedRecipient]") -> list[str]:
    """A line for each person: what the sender did not choose, but the policy did."""
    return [_line(recipient) for recipient in planned if recipient.lookup is not None]


def doubt_lines(planned: "Iterable[PlannedRecipient]") -> list[str]:
    """A line for each certificate that is used although nobody could tell whether it was revoked."""
    doubts = dict.fromkeys(record.doubt for recipient in planned for record in recipient.records)
    return [f"{doubt}; mode soft encrypts to it all the same" for doubt in doubts if doubt is not None]


def recipients_text(planned: "Sequence[PlannedRecipient]", records: int) -> str:
    """How many recipients a container has; and how many records, if some have several."""
    recipients = counted(len(planned), "recipient")
    return recipients if records == len(planned) else f"{recipients}, {counted(records, 'record')}"


def _line(recipient: "PlannedRecipient") -> str:
    records = "; ".join(f"{record.opens_with}, {record.where}" for record in recipient.records)
    return f"{recipient.who.removeprefix(_ESTONIAN)}: {records} ({recipient.records[-1].why})"


def _found_lines(recipient: "PlannedRecipient") -> list[str]:
    if recipient.lookup is None:
        return []
    if recipient.found is None:
        return ["not looked up"]
    lines = [f"{means.kind} until {means.ends:%Y-%m-%d}" for means in recipient.found.means]
    lines += [f"not used: {one.kind}, {one.why}" for one in recipient.found.passed_over]
    if not recipient.found.is_whole:
        lines.append("part of the directory lies elsewhere and was not asked")
    return lines or ["nothing"]


def _found_facts(found: "Found | None") -> dict[str, Any]:
    if found is None:
        return {}
    return {
        "found": [_means_facts(means) for means in found.means],
        "passed_over": [{"kind": one.kind, "why": one.why} for one in found.passed_over],
        "directory_is_whole": found.is_whole,
    }


def _means_facts(means: "Means") -> dict[str, Any]:
    from osak.client.directory.means import fingerprint  # noqa: PLC0415 - there are means, so it is loaded
    from osak.shares.protocol.times import time_text  # noqa: PLC0415 - most commands need it not

    return {"kind": means.kind, "ends": time_text(means.ends), "sha256": fingerprint(means.certificate)}


def _record_facts(record: "PlannedRecord") -> dict[str, Any]:
    facts = {
        "scheme": record.scheme,
        "opens_with": record.opens_with,
        "where": record.where,
        "why": record.why,
        "capsule_server": record.server,
        "group": record.group,
        "needed": record.needed,
        "servers": record.servers,
        "doubt": record.doubt,
    }
    return {name: value for name, value in facts.items() if value is not None}
