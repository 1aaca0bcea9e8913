# SPDX-License-Identifier: MIT
"""The front door of the client: what it promises is there, and costs nothing before it is asked for."""

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from factories.shell import key_files

import osak.client
from osak.client import OsakError
from osak.client.cli.options import THRESHOLD, compress_option
from osak.client.container.compression import Compression
from osak.coordinator.group import MAX_THRESHOLD

_HEAVY = ("aiohttp", "asyncio", "cryptography", "pydantic", "yaml", "rich", "osak.coordinator", "osak.node")


def loaded(code: str, *arguments: str | Path, folder: Path) -> set[str]:
    """Which modules a fresh interpreter has loaded when it is through with the code."""
    told = "\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    environment |= {"XDG_CONFIG_HOME": str(folder), "OSAK_CONFIG": ""}
    done = subprocess.run(
        [sys.executable, "-c", code + told, *map(str, arguments)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_everything_promised_is_there_and_says_what_it_is() -> None:
    """Each name has one home and is listed by ``dir``; each class and function is documented."""
    promised = osak.client.__all__
    assert sorted(promised) == sorted(osak.client._HOME_OF)
    assert set(promised) <= set(dir(osak.client))
    found = [getattr(osak.client, name) for name in promised]
    things = [thing for thing in found if inspect.isclass(thing) or inspect.isfunction(thing)]
    assert len(things) > 50
    assert [thing.__name__ for thing in things if not inspect.getdoc(thing)] == []


def test_every_error_belongs_to_one_tree() -> None:
    """One ``except OsakError`` catches whatever is promised to be raised."""
    errors = [getattr(osak.client, name) for name in osak.client.__all__ if name.endswith("Error")]
    assert [error.__name__ for error in errors if not issubclass(error, OsakError)] == []


def test_other_names_are_refused() -> None:
    """A misspelt name is an AttributeError, as of any module."""
    with pytest.raises(AttributeError, match="no attribute 'encript'"):
        _ = osak.client.encript  # type: ignore[attr-defined]  # that is the point


def test_every_function_has_its_twin() -> None:
    """Same arguments, same documentation, and a name that says it is to be awaited."""
    for name in ("encrypt", "decrypt", "list_files", "reencrypt", "inspect"):
        function, twin = getattr(osak.client, name), getattr(osak.client, f"{name}_async")
        assert inspect.iscoroutinefunction(twin)
        assert inspect.signature(twin) == inspect.signature(function)
        assert (twin.__name__, twin.__doc__) == (f"{name}_async", function.__doc__)


def test_the_door_alone_loads_nothing(tmp_path: Path) -> None:
    """Importing the package loads none of the libraries it may need."""
    assert loaded("import osak.client", folder=tmp_path).intersection(_HEAVY) == set()


def test_work_without_servers_loads_nothing_that_speaks_to_any(tmp_path: Path) -> None:
    """To a certificate and back: no event loop, no HTTP, no settings; the command starts as quickly."""
    public, private = key_files(tmp_path, ec.generate_private_key(ec.SECP384R1()))
    (tmp_path / "a.txt").write_text("Tere!\n")
    code = """
import sys
from osak.client.cli.main import main
assert main(["encrypt", "a.txt", "-o", "a.cdoc2", "--cert", sys.argv[1]]) == 0
assert main(["inspect", "a.cdoc2"]) == 0
assert main(["decrypt", "a.cdoc2", "-o", "out", "--private-key", sys.argv[2]]) == 0
"""
    found = loaded(code, public, private, folder=tmp_path)
    assert found.intersection(_HEAVY) == {"cryptography"}
    assert (tmp_path / "out" / "a.txt").read_text() == "Tere!\n"


@pytest.mark.parametrize("command", ["encrypt", "decrypt", "reencrypt", "inspect", "group", "completion"])
def test_help_and_completion_load_no_cryptography(command: str, tmp_path: Path) -> None:
    """What a command takes is known without what it does."""
    code = f"""
from osak.client.cli.main import main
assert main(["{command}", "--help"]) == 0
"""
    assert loaded(code, folder=tmp_path).intersection(_HEAVY) == set()


def test_the_command_takes_every_threshold() -> None:
    """The option's range, which is written out to load nothing, is that of the coordinator."""
    assert (THRESHOLD.min, THRESHOLD.max) == (2, MAX_THRESHOLD)


def test_the_command_offers_every_compression() -> None:
    """The option's words, which are written out to load nothing, are those of the container."""

    @compress_option
    def command() -> None:
        """Take the option."""

    (option,) = command.__click_params__  # type: ignore[attr-defined]  # where click keeps them
    assert list(option.type.choices) == [choice.value for choice in Compression]
