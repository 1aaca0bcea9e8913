# SPDX-License-Identifier: MIT
"""Nodes that want people to have logged in: through an auth server a file opens, without one none does."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from simulator.phones_beside import eid_thread

from osak.client.cli.main import main
from osak.client.demo.servers import DemoServer, free_ports
from osak.client.simulator.auth_server import ISSUER
from osak.client.simulator.people import MOBILE_ID_PERSON, SMART_ID_PERSON
from osak.client.simulator.phones import Behaviour, Phones
from osak.client.simulator.serving import people_in

SMART_ID = ("--smart-id", SMART_ID_PERSON.removeprefix("PNOEE-"))
MOBILE_ID = ("--mobile-id", MOBILE_ID_PERSON[0], "--phone", MOBILE_ID_PERSON[1])


@dataclass(frozen=True)
class Place:
    """Two nodes that require sessions, and two configurations of one client."""

    simulator: Phones
    with_sessions: Path
    without: Path


def require_sessions(config: Path, keys_file: Path) -> None:
    """Let a node take nobody who has not logged in at the simulator's auth server."""
    settings = yaml.safe_load(config.read_text())
    settings["sessions"] = {
        "auth_servers": [{"issuer": ISSUER, "keys_file": str(keys_file)}],
        "required": True,
    }
    config.write_text(yaml.safe_dump(settings))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Set up with the real commands, once."""
    folder = tmp_path_factory.mktemp("sessions")
    simulator, ports = people_in(folder), free_ports(4)
    servers = [
        DemoServer(name, f"Asutus {name}", folder / name, ports[2 * number], ports[2 * number + 1])
        for number, name in enumerate(("ria", "smit"))
    ]
    config = folder / "osak.yaml"
    try:
        with eid_thread(simulator, folder, [server.url for server in servers]) as address:
            for server in servers:
                server.set_up(address.anchors)
                require_sessions(server.folder / "node.yaml", address.keys_file)
                server.start()
            urls = [server.url for server in servers]
            options = ("--group", "eesti", "--threshold", "2", "--yes", "--config", str(config))
            assert main(["group", "add", *urls, *options]) == 0
            settings = yaml.safe_load(config.read_text())
            settings["credentials"] = {name: address.settings(name) for name in ("smart_id", "mobile_id")}
            config.write_text(yaml.safe_dump(settings))
            settings["credentials"]["auth_server"] = address.log_in_settings()
            newer = folder / "with-sessions.yaml"
            newer.write_text(yaml.safe_dump(settings))
            yield Place(simulator, newer, config)
    finally:
        for server in servers:
            server.stop()


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "kiri.txt"
    path.write_bytes(b"Tere! " * 1000)
    return path


def opened(place: Place, letter: Path, credential: tuple[str, ...], config: Path) -> int:
    """Encrypt for the credential's owner and open; the exit code."""
    place.simulator.questions.clear()
    place.simulator.behaviour = Behaviour()
    box = letter.with_suffix(".cdoc2")
    made = ["encrypt", str(letter), "-o", str(box), "--to", credential[1], "--config", str(config)]
    assert main(made) == 0
    out = letter.parent / "out"
    return main(["decrypt", str(box), "-o", str(out), *credential, "--config", str(config), "--json"])


@pytest.mark.parametrize("credential", [SMART_ID, MOBILE_ID], ids=["Smart-ID", "Mobile-ID"])
def test_who_has_logged_in_opens(
    place: Place, letter: Path, credential: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Two questions: one to log in, one for the ticket; each with its code on the terminal first."""
    assert opened(place, letter, credential, place.with_sessions) == 0
    assert (letter.parent / "out" / letter.name).read_bytes() == letter.read_bytes()
    assert len(place.simulator.questions) == 2
    assert "identifier" in place.simulator.questions[0]
    assert capsys.readouterr().err.count("verification code: ") == 2


def test_without_an_auth_server(place: Place, letter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody's phone rings, and each server's answer says what is missing: exit code 4."""
    assert opened(place, letter, SMART_ID, place.without) == 4
    said = capsys.readouterr().out
    facts: Any = json.loads(said[said.index("{") :])
    outcomes = json.dumps(facts["error"]["outcomes"])
    assert outcomes.count("session") >= 1
    assert "credentials.auth_server" in facts["error"]["hint"]
    assert place.simulator.questions == []


def test_nobody_logs_in_for_unknown_servers(
    place: Place, letter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no configured group has the file's servers no phone rings, to open it or to ask about it."""
    assert opened(place, letter, SMART_ID, place.with_sessions) == 0
    settings = yaml.safe_load(place.with_sessions.read_text())
    for number, server in enumerate(settings["groups"]["eesti"]["servers"]):
        server |= {"id": f"muu{number}", "url": f"https://muu{number}.example"}
    elsewhere = tmp_path / "elsewhere.yaml"
    elsewhere.write_text(yaml.safe_dump(settings))
    place.simulator.questions.clear()
    box = str(letter.with_suffix(".cdoc2"))
    for command in (["decrypt", box, "-o", str(tmp_path / "second")], ["audit", box]):
        assert main([*command, *SMART_ID, "--config", str(elsewhere)]) == 2
        assert "not in any configured group" in capsys.readouterr().err
    assert place.simulator.questions == []
