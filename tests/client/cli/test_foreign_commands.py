# SPDX-License-Identifier: MIT
"""Mistakes in commands that other packages bring end like ours, in JSON if asked for."""

import json
from pathlib import Path

import pytest

from osak.client.cli.main import main


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["node", "run", "-c", "missing.yaml"], 6),
        (["node", "init", "there", "--id", "a", "--organisation", "A", "--url", "https://a.example"], 2),
        (["node", "init", "new", "--id", "A B", "--organisation", "A", "--url", "https://a.example"], 2),
        (["node", "init", "new", "--id", "a", "--organisation", "A", "--url", "http://a.example"], 2),
    ],
)
def test_mistakes_of_the_node(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
) -> None:
    """2 for configuration, 6 for files; never a traceback."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "node.yaml").touch()
    assert main(arguments) == code
    errors = capsys.readouterr().err
    assert errors.startswith("osak: error: ")


def test_a_mistake_in_the_command_line_is_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    """Programs that ask for JSON get it, also when an option does not exist."""
    assert main(["decrypt", "--json", "--nonsense", "x"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["exit_code"] == 2
