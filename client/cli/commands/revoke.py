# SPDX-License-Identifier: MIT
"""``osak revoke``: a receipt in, every server's answer out."""

from pathlib import Path

import click

import osak.client
from osak.client.cli.failures import outcome_facts
from osak.client.cli.options import FILE, common_options
from osak.client.cli.terminal import Terminal, counted

# A server tells a share that it never had like one that is gone: whoever repeats the command is done.
_DONE = frozenset(("ok", "gone"))


@click.command(short_help="Take back the shares of a container that you sent.")
@click.option("--receipt", type=FILE, required=True, help="What osak encrypt --receipt wrote.")
@common_options
def revoke(terminal: Terminal, receipt: Path) -> int:
    """Delete the shares that a receipt stands for, at every server; then they open the file for nobody.

    What was given out before stays given out, and records for certificates, keys and passwords stay in the
    file. It is safe to repeat, and to be repeated until every server has answered: exit code 0.

    \b
    osak encrypt letter.pdf -o letter.cdoc2 --to 38001085718 --receipt letter.receipt
    osak revoke --receipt letter.receipt
    """  # noqa: D301 - \b is click's mark, a character, before lines to leave as they are
    outcomes = osak.client.revoke(receipt, config=terminal.config)
    missing = [outcome for outcome in outcomes if outcome.status.value not in _DONE]
    facts = {"servers": [outcome_facts(outcome) for outcome in outcomes], "missing": len(missing)}
    terminal.result(facts, "\n".join(map(str, outcomes)))
    if missing:
        text = f"{counted(len(missing), 'share')} of {len(outcomes)} could not be taken back"
        terminal.complain(text, "run the same command again when those servers answer")
    return 6 if missing else 0
