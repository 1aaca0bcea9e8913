# SPDX-License-Identifier: MIT
"""Options that every command takes, and the one object they fill in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from osak.client.cli.terminal import Terminal

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
FILE = click.Path(path_type=Path, dir_okay=False)
# The coordinator's MAX_THRESHOLD, written out so that the help needs not load it; a test compares.
THRESHOLD = click.IntRange(2, 64)


def common_options(command: CommandT) -> CommandT:
    """Add ``--config``, ``--json`` and ``--quiet``; the command's first argument is the Terminal."""
    for option in (
        click.option(
            "--quiet",
            is_flag=True,
            expose_value=False,
            callback=_store("quiet"),
            help="Print the result, and what fails or gets lost; no notes, no progress.",
        ),
        click.option(
            "--json", is_flag=True, expose_value=False, callback=_store("json"), help="Print one JSON object."
        ),
        click.option(
            "--config",
            type=FILE,
            expose_value=False,
            callback=_store("config"),
            help="Configuration (else $OSAK_CONFIG, ./osak.yaml, the user's own).",
        ),
    ):
        command = option(command)
    return click.pass_obj(command)  # type: ignore[return-value]  # click types its decorators loosely


def compress_option(command: CommandT) -> CommandT:
    """Add ``--compress``, how hard a new container is packed."""
    return click.option(
        "--compress",
        "compression",
        type=click.Choice(["none", "fast", "best"]),
        default="fast",
        show_default=True,
        help="Pack quickly, or smaller and much slower, or not at all.",
    )(command)


def _store(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def callback(context: click.Context, _parameter: click.Parameter, value: Any) -> None:
        if value:
            setattr(context.ensure_object(Terminal), name, value)

    return callback
