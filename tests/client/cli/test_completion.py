# SPDX-License-Identifier: MIT
"""``osak completion`` in a real bash; what the scripts of the other shells must hold."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from osak.client.cli.main import main, osak

# What readline would do for the Tab key, with the words in the arguments.
_TAB = """
eval "$(osak completion bash)"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_osak_completion osak "${COMP_WORDS[COMP_CWORD]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def completed(*words: str) -> list[str]:
    """What bash offers for the last of the words."""
    command = ["bash", "--norc", "-euc", _TAB, "bash", *words]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(command, env={"PATH": path}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["osak", "re"], ["reencrypt", "revoke"]),
        (["osak", "encrypt", "--pass"], ["--password", "--password-file"]),
        (["osak", "encrypt", "--compress", ""], ["none", "fast", "best"]),
        (["osak", "group", "a"], ["add"]),
        (["osak", "node", "i"], ["init"]),
        (["osak", "completion", "f"], ["fish"]),
    ],
)
def test_bash_offers_what_there_is(words: list[str], offered: list[str]) -> None:
    """Commands, options and choices, also of groups and of commands that another package brings."""
    assert completed(*words) == offered


def test_all_commands_without_importing_any() -> None:
    """The list of commands comes from a table: one that is not installed does not stop it."""
    runner = CliRunner(env={"_OSAK_COMPLETE": "bash_complete", "COMP_WORDS": "osak ", "COMP_CWORD": "1"})
    done = runner.invoke(osak, prog_name="osak")
    assert [line.removeprefix("plain,") for line in done.stdout.splitlines()] == [
        *(
            "encrypt",
            "decrypt",
            "reencrypt",
            "inspect",
            "revoke",
            "audit",
            "group",
            "demo",
            "dev",
            "completion",
            "node",
        ),
    ]


@pytest.mark.parametrize(("shell", "mark"), [("zsh", "compdef _osak_completion osak"), ("fish", "complete ")])
def test_other_shells(capsys: pytest.CaptureFixture[str], shell: str, mark: str) -> None:
    """Their scripts ask osak in the way that its answers are for."""
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert f"_OSAK_COMPLETE={shell}_complete" in script
    assert mark in script
