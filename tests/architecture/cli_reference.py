# SPDX-License-Identifier: MIT
"""``make reference``: write ``docs/cli.md`` anew from the commands themselves, after options have changed."""

import re
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click

from osak.client.cli.main import osak

FILE = Path(__file__).parents[2] / "docs" / "cli.md"

_HEAD = """\
# The commands

Written by `make reference` from what `osak --help` says; do not edit it. For programs in Python there is
[the library](library.md).
"""
_OPTION = re.compile(r"(?<![\w`$-])--[a-z][a-z0-9-]*")


def reference() -> str:
    """The whole file: every command, in the order of the help."""
    root = click.Context(osak, info_name="osak", **osak.context_settings)
    index = [
        f"- [`{context.command_path}`](#{_anchor(context)}): {_short(context)}" for context in _all(root)
    ]
    sections = ["\n".join(_section(context)) for context in _all(root)]
    return "\n".join([_HEAD, *index, "", *sections])


def main() -> None:
    """Write it."""
    FILE.write_text(reference(), encoding="utf-8")


def _all(context: click.Context) -> Iterator[click.Context]:
    """A command, and those under it."""
    yield context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            assert command is not None
            yield from _all(click.Context(command, info_name=name, parent=context))


def _section(context: click.Context) -> Iterator[str]:
    command = context.command
    yield f"## {context.command_path}\n"
    yield f"```text\n{context.command_path} {' '.join(command.collect_usage_pieces(context))}\n```\n"
    for paragraph in cleandoc(command.help or "").split("\n\n"):
        yield f"{_paragraph(paragraph)}\n"
    for parameter in command.get_params(context):
        names, text = parameter.get_help_record(context) or ("", "")
        # Every command takes --help; it is told once. Arguments are told in the prose.
        if text and (context.parent is None or "--help" not in parameter.opts):
            again = " May be given again." if getattr(parameter, "multiple", False) else ""
            yield f"- **`{names}`**: {_marked(text)}{again}"
    yield ""


def _paragraph(text: str) -> str:
    """Prose in one line; what begins with click's mark as it stands."""
    if not text.startswith("\b"):
        return _marked(" ".join(text.split()))
    lines = text.removeprefix("\b\n")
    language = "sh" if lines.startswith(("osak", "eval")) else "text"
    return f"```{language}\n{lines.rstrip()}\n```"


def _marked(text: str) -> str:
    """Options in code letters."""
    return _OPTION.sub(lambda found: f"`{found[0]}`", text)


def _short(context: click.Context) -> str:
    return _marked(context.command.get_short_help_str(limit=200))


def _anchor(context: click.Context) -> str:
    return context.command_path.replace(" ", "-")


if __name__ == "__main__":
    main()
