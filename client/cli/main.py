# SPDX-License-Identifier: MIT
"""The ``osak`` command: finds the sub-command, runs it, turns errors into exit codes. Nothing else.

Commands are imported when they are called, so that ``osak --help`` stays quick. Groups that other
packages bring (``osak node``) are found through the entry points ``osak.commands``: the client never
imports the node.

What its exit codes promise stands in its help.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from osak import __version__
from osak.client.cli.failures import Failure, describe_failure
from osak.client.cli.interruption import Interruption
from osak.client.cli.terminal import Terminal

_COMMANDS = {
    "encrypt": "Encrypt files into one CDOC2 container.",
    "decrypt": "Open a container and write its files.",
    "reencrypt": "Encrypt what is in a container for other recipients.",
    "inspect": "Show who can open a container, and how.",
    "revoke": "Take back the shares of a container that you sent.",
    "audit": "Ask servers who keep your shares how often they gave them out.",
    "group": "Check and extend groups of share servers.",
    "demo": "See five servers lose two and still open a file.",
    "dev": "Tools to try osak out without a contract or a card.",
    "completion": "Print a script that completes commands and options in your shell.",
}
_FOREIGN = {"node": "Set up and run a share server of your own."}
_EXTENSIONS = "osak.commands"


class _LazyGroup(click.Group):
    """A group whose commands are imported only when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return [*_COMMANDS, *_FOREIGN]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        if cmd_name in _COMMANDS:
            return _as_command(getattr(import_module(f"osak.client.cli.commands.{cmd_name}"), cmd_name))
        return _foreign_command(cmd_name)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands by their table: click would import them all, also those that are not installed."""
        if incomplete.startswith("-"):
            return super(click.Group, self).shell_complete(ctx, incomplete)
        commands = {**_COMMANDS, **_FOREIGN}
        return [
            CompletionItem(name, help=text) for name, text in commands.items() if name.startswith(incomplete)
        ]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        with formatter.section("Commands"):
            formatter.write_dl([*_COMMANDS.items(), *_FOREIGN.items()])


def _foreign_command(name: str) -> click.Command | None:
    """A command that another package brings; None if none does."""
    # Imported here: it takes a third of the time of osak --help.
    from importlib.metadata import entry_points  # noqa: PLC0415 - see the line above

    found = entry_points(group=_EXTENSIONS, name=name)
    if not found:
        return None
    try:
        return _as_command(next(iter(found)).load())
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{error.name} is missing: install osak[{name}] for this command") from error


def _as_command(found: Any) -> click.Command:
    if not isinstance(found, click.Command):
        raise TypeError(f"{found!r} is no click command")
    return found


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Every command explains itself with --help.",
)
@click.version_option(__version__, prog_name="osak")
def osak() -> None:
    """Encrypt files so that any t of n independent servers open them together with the recipient.

    Results go to stdout, all else to stderr; with --json stdout carries one JSON object, also after a
    failure. A command that fails or is stopped leaves nothing behind. Passwords and PINs are typed or
    read from files, never given as arguments.

    Groups of servers, timeouts and limits stand in a YAML file: the one named with --config, else
    $OSAK_CONFIG, else ./osak.yaml, else the user's own (~/.config/osak/osak.yaml on Linux). What needs no
    server works without any.

    \b
    Exit codes:
      0  done
      1  anything else; stopped by Ctrl-C
      2  usage or configuration
      3  no recipient record, or a wrong credential
      4  not enough shares; each server's outcome is listed
      5  damaged or hostile container
      6  network, server or file system
      128 + n  stopped by another signal n
    """  # noqa: D301 - \b is click's mark, a character, before lines to leave as they are


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # Looked for before parsing, so that a mistake in the command line is answered in JSON as well.
    terminal = Terminal(json="--json" in arguments)
    interruption = Interruption()
    try:
        with interruption.watched():
            status = osak.main(arguments, prog_name="osak", standalone_mode=False, obj=terminal)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.UsageError as error:
        context = error.ctx.command_path if error.ctx else "osak"
        return _fail(terminal, Failure(2, "usage", error.format_message(), f"see {context} --help"))
    except click.ClickException as error:  # of commands that other packages bring
        return _fail(terminal, Failure(error.exit_code, "failed", error.format_message()))
    except (click.Abort, KeyboardInterrupt):
        text = "stopped; nothing half-written was left behind"
        return _fail(terminal, Failure(interruption.exit_code, "interrupted", text))
    except Exception as error:
        # The one place where errors end; those without a meaning for people keep their traceback.
        failure = describe_failure(error)
        if failure is None:
            raise
        return _fail(terminal, failure)
    return status if isinstance(status, int) else 0


def _fail(terminal: Terminal, failure: Failure) -> int:
    terminal.error(failure.text, failure.hint, failure.facts())
    return failure.exit_code


if __name__ == "__main__":
    sys.exit(main())
