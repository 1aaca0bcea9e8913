# SPDX-License-Identifier: MIT
"""How osak speaks to people and programs.

The rules are:

- Results go to stdout; everything else (notes, progress, prompts, errors) goes to stderr.
- With ``--json`` stdout carries exactly one JSON object, also when the command fails.
- A progress bar appears only for long work, on a terminal, without ``--quiet``.
- Secrets are typed at a prompt or read from a file; they never stand in argv and are never echoed.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from osak.client.cli.interruption import stoppable
from osak.client.errors import UsageError
from osak.client.key_files import read_small_file

_PROGRESS_FROM_BYTES = 32 * 2**20


def counted(count: int, noun: str) -> str:
    """A number with its noun: 1 file, 2 files."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


@dataclass(slots=True)
class Terminal:
    """Where a command writes and asks; filled in by the common options."""

    json: bool = False
    quiet: bool = False
    config: Path | None = None

    def result(self, facts: Mapping[str, Any], text: str) -> None:
        """The command's result: ``facts`` for programs, ``text`` for people."""
        click.echo(json.dumps(facts, ensure_ascii=False, indent=2) if self.json else text)

    def note(self, text: str) -> None:
        """Something worth knowing that is not the result."""
        if not self.quiet:
            click.echo(text, err=True)

    def tell(self, text: str) -> None:
        """Something the person has to act on now; said even with ``--quiet``."""
        click.echo(text, err=True)

    def warning(self, text: str) -> None:
        """Something that is lost or refused elsewhere; said even with ``--quiet``."""
        click.echo(f"warning: {text}", err=True)

    def error(self, text: str, hint: str, facts: Mapping[str, Any]) -> None:
        """Why the command failed and what to do next."""
        self.complain(text, hint)
        if self.json:
            click.echo(json.dumps({"error": facts}, ensure_ascii=False, indent=2))

    def complain(self, text: str, hint: str) -> None:
        """Why a part of the work failed; the command's result says so too."""
        click.echo(f"osak: error: {text}", err=True)
        if hint:
            click.echo(f"hint: {hint}", err=True)

    @contextmanager
    def progress(self, label: str) -> Iterator[Callable[[int, int | None], None] | None]:
        """A callback for bytes done and bytes in all, or None where no bar is wanted.

        The bar appears with the first call, and only for long work: before that somebody may be asked
        for a PIN in its place.
        """
        if self.quiet or self.json or not sys.stderr.isatty():
            yield None
            return
        with ExitStack() as shown:
            move: Callable[[int], None] | None = None

            def show(done: int, total: int | None) -> None:
                nonlocal move
                if move is None and total is not None and total >= _PROGRESS_FROM_BYTES:
                    move = shown.enter_context(_bar(label, total))
                if move is not None:
                    move(done)

            yield show


@contextmanager
def _bar(label: str, total_bytes: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, gone at the end; takes bytes done so far."""
    from rich.console import Console  # noqa: PLC0415 - heavy, and only long work needs it
    from rich.progress import Progress  # noqa: PLC0415 - as above

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total_bytes)
        yield lambda done: bar.update(task, completed=done)


def read_secret_text(path: Path | None, prompt: str, *, confirm: bool = False) -> str:
    """A password from the first line of ``path``, or typed at the terminal.

    Raises:
        UsageError: the file is empty or unreadable, or there is neither file nor terminal.
    """
    if path is not None:
        try:
            text = read_small_file(path).decode("utf-8")
        except UnicodeDecodeError as error:
            raise UsageError(f"{path} is not UTF-8 text") from error
        first_line = text.split("\n", 1)[0].removesuffix("\r")
        if not first_line:
            raise UsageError(f"{path} holds no password in its first line")
        return first_line
    if not sys.stdin.isatty():
        raise UsageError(f"no terminal to ask for the {prompt.lower()}: give it in a file instead")
    return ask_secret(prompt, confirm=confirm)


def ask_secret(prompt: str, *, confirm: bool = False) -> str:
    """A secret typed at the terminal, not echoed; Ctrl-C ends the command, whatever else is going on."""
    with stoppable():
        return str(click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True))


def confirm_or_refuse(question: str) -> None:
    """Ask a yes/no question on the terminal.

    Raises:
        UsageError: the answer is no, or nobody can be asked.
    """
    if not sys.stdin.isatty():
        raise UsageError("no terminal to ask for confirmation: check the values above and use --yes")
    if not click.confirm(question, err=True):
        raise UsageError("not confirmed; nothing was changed")
