# SPDX-License-Identifier: MIT
"""Three real node processes and one person, for every test of this folder."""

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from factories.containers import Engine, engine, make_images
from factories.node_log import assert_tells_nothing

from osak.client.cli.main import main
from osak.client.demo.people import DemoPerson, make_person
from osak.client.demo.servers import DemoServer, free_ports

NAMES = ("ria", "pank", "ylikool")


@dataclass(frozen=True, slots=True)
class Ran:
    """What one command line did: exit code, its JSON, and what it said on stderr."""

    code: int
    facts: dict[str, Any]
    errors: str


Osak = Callable[..., Ran]


@dataclass(frozen=True, slots=True)
class Group:
    """Three servers, 2-of-3, and somebody to encrypt for."""

    servers: list[DemoServer]
    person: DemoPerson
    config_file: Path

    @property
    def credential(self) -> list[str]:
        """The person's options for decrypt."""
        return ["--p12", str(self.person.p12_file), "--p12-password-file", str(self.person.password_file)]


@pytest.fixture(scope="session")
def running_group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    """Set up with the real commands, once; stopped at the end whatever happens."""
    folder = tmp_path_factory.mktemp("group")
    person = make_person(folder)
    ports = free_ports(2 * len(NAMES))
    servers = [
        DemoServer(name, f"Asutus {name}", folder / name, ports[2 * number], ports[2 * number + 1])
        for number, name in enumerate(NAMES)
    ]
    config = folder / "osak.yaml"
    try:
        for server in servers:
            server.set_up(person.authority_file)
            server.start()
        urls = [server.url for server in servers]
        command = [
            "group",
            "add",
            *urls,
            "--group",
            "eesti",
            "--threshold",
            "2",
            "--yes",
            "--config",
            str(config),
        ]
        assert main(command) == 0
        yield Group(servers, person, config)
    finally:
        for server in servers:
            server.stop()
    for server in servers:
        assert_tells_nothing(server.folder / "node.log")


@pytest.fixture
def group(running_group: Group) -> Iterator[Group]:
    """The group, whole at the start of the test and made whole again after it."""
    yield running_group
    for server in running_group.servers:
        if not server.pids:
            server.start()


@pytest.fixture
def osak(capsys: pytest.CaptureFixture[str], group: Group) -> Osak:
    """Run one command line in this process, with the group's configuration and ``--json``."""

    def run(*arguments: str | Path, config: Path | None = None) -> Ran:
        capsys.readouterr()
        code = main([*map(str, arguments), "--json", "--config", str(config or group.config_file)])
        out, err = capsys.readouterr()
        return Ran(code, json.loads(out) if out else {}, err)

    return run


@pytest.fixture(scope="session")
def running() -> Iterator[Engine]:
    """A Docker engine with the images; a short path, since it has a socket in it."""
    with tempfile.TemporaryDirectory(prefix="osak-") as name, engine(Path(name)) as found:
        make_images(found, Path(name))
        yield found
