# SPDX-License-Identifier: MIT
"""What the owner of a phone sees at the terminal."""

import pytest

from osak.client.cli.conversation import TerminalConversation
from osak.client.cli.terminal import Terminal


@pytest.mark.parametrize("terminal", [Terminal(), Terminal(quiet=True), Terminal(json=True)])
def test_the_code_is_always_shown(terminal: Terminal, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody should enter a PIN without the code: no option hides it, and stdout stays for results."""
    TerminalConversation(terminal).show_code("Smart-ID", "0042")
    out, err = capsys.readouterr()
    assert out == ""
    assert "Smart-ID verification code: 0042\n" in err


def test_waiting(capsys: pytest.CaptureFixture[str]) -> None:
    """Where nobody watches, waiting is one line; with ``--quiet`` it is none."""
    with TerminalConversation(Terminal()).waiting("Mobile-ID"):
        pass
    assert capsys.readouterr().err == "waiting for Mobile-ID on your phone\n"
    with TerminalConversation(Terminal(quiet=True)).waiting("Mobile-ID"):
        pass
    assert capsys.readouterr().err == ""
