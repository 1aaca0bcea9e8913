# SPDX-License-Identifier: MIT
"""``osak audit``: how often did servers give my shares of a container out?"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import osak.client
from osak.client.cli.credentials import credential_options, read_credential
from osak.client.cli.failures import outcome_facts
from osak.client.cli.options import FILE, common_options
from osak.client.cli.terminal import Terminal

if TYPE_CHECKING:
    from osak.client import ShareHistory, Testimony

_SHOWN_TIMES = 5


@click.command(short_help="Ask servers who keep your shares how often they gave them out.")
@click.argument("container", type=FILE)
@credential_options()
@common_options
def audit(terminal: Terminal, container: Path, *, trust_container_servers: bool, **credential: Any) -> None:
    """Ask the servers that keep your shares of CONTAINER how often they gave them out, and when.

    Did anybody open this before you? You sign once; nothing is opened. Each server is a witness, and may lie.

    \b
    osak audit letter.cdoc2 --id-card
    osak audit letter.cdoc2 --smart-id 38001085718
    """  # noqa: D301 - \b is click's mark, a character, before lines to leave as they are
    config = osak.client.configuration_in_force(terminal.config)
    given = read_credential(terminal, config, container, **credential)
    histories = osak.client.audit(
        container, given, config=config, trust_container_servers=trust_container_servers
    )
    lines = [line for history in histories for line in _lines(history)]
    facts = [_facts(history) for history in histories]
    terminal.result({"container": str(container), "shares": facts}, "\n".join([f"{container}:", *lines]))


def _lines(history: "ShareHistory") -> list[str]:
    count = len(history.testimonies)
    verdict = (
        "too few servers gave their share out for anybody to have opened it"
        if history.was_surely_not_opened
        else "it may have been opened: compare the times with your own"
    )
    return [
        f"  shares of {history.recipient_id}, {history.needed} of {count} open it:",
        *(f"    {_line(said)}" for said in history.testimonies),
        f"  {verdict}",
    ]


def _line(said: "Testimony") -> str:
    outcome = said.outcome
    who = f"{outcome.server_id} ({outcome.organisation})" if outcome.organisation else outcome.server_id
    if said.releases is None:
        return str(outcome)
    since = f"since {said.releases.since:%Y-%m-%d %H:%M} UTC"
    if not said.releases.count:
        return f"{who}: not given out {since}"
    times = [f"{time:%Y-%m-%d %H:%M:%S}" for time in reversed(said.releases.times[-_SHOWN_TIMES:])]
    more = " …" if said.releases.count > len(times) else ""
    often = "once" if said.releases.count == 1 else f"{said.releases.count} times"
    return f"{who}: given out {often} {since}: {', '.join(times)}{more}"


def _facts(history: "ShareHistory") -> dict[str, Any]:
    # Imported here: only an answer has times.
    from osak.shares.protocol.times import time_text  # noqa: PLC0415 - see the line above

    return {
        "recipient_id": history.recipient_id,
        "needed": history.needed,
        "was_surely_not_opened": history.was_surely_not_opened,
        "servers": [
            {
                **outcome_facts(said.outcome),
                "releases": None
                if said.releases is None
                else {
                    "since": time_text(said.releases.since),
                    "count": said.releases.count,
                    "times": [time_text(time) for time in said.releases.times],
                },
            }
            for said in history.testimonies
        ],
    }
