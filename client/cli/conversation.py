# SPDX-License-Identifier: MIT
"""The conversation with the owner of a phone: the code to compare, and how long the phone has been silent.

Both go to stderr. The code is shown even with ``--quiet`` and ``--json``: nobody should enter a PIN without.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from osak.client.cli.terminal import Terminal


class TerminalConversation:
    """A ``Conversation`` at the terminal."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def show_code(self, service: str, code: str) -> None:
        """Print the code and what to do with it."""
        self._terminal.tell(f"{service} verification code: {code}")
        self._terminal.note("enter your PIN1 only if the phone shows the same code")

    @contextmanager
    def waiting(self, service: str) -> Iterator[None]:
        """A line that counts the seconds, on a terminal; else one note."""
        text = f"waiting for {service} on your phone"
        if self._terminal.quiet or self._terminal.json or not sys.stderr.isatty():
            self._terminal.note(text)
            yield
            return
        from rich.console import Console  # noqa: PLC0415 - heavy, and only people who wait need it
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - as above

        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as line:
            line.add_task(text, total=None)
            yield
