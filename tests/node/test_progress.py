# SPDX-License-Identifier: MIT
"""A long command says how far it is, on a terminal alone."""

import io
from collections.abc import Iterator

import pytest

from osak.node.progress import Progress


class Terminal(io.StringIO):
    """Says that somebody looks at it."""

    def isatty(self) -> bool:
        return True


def clock() -> Iterator[float]:
    """A tenth of a second passes between two looks."""
    yield from (number / 10 for number in range(100, 10_000))


def test_on_a_terminal() -> None:
    """Rows are counted and shown now and then, anew for each part, and nothing stays behind."""
    terminal, times = Terminal(), clock()
    with Progress(terminal, lambda: next(times)) as progress:
        progress.begin("checking")
        for _ in range(12):
            progress(1000)
        progress.begin("restoring")
        progress(5)
    shown = [line.rstrip() for line in terminal.getvalue().replace("\x1b[K", "").split("\r") if line]
    assert shown[0] == "checking: 1,000 rows"
    assert 2 < len(shown) < 12
    assert shown[-1] == "restoring: 5 rows"
    assert terminal.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize("rows", [0, 10])
def test_elsewhere(rows: int) -> None:
    """A file or a pipe gets nothing."""
    stream = io.StringIO()
    with Progress(stream) as progress:
        progress.begin("checking")
        progress(rows)
    assert stream.getvalue() == ""
