# SPDX-License-Identifier: MIT
"""Cards, Smart-ID and Mobile-ID over real nodes: one signature opens what three servers share."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from e2e.conftest import NAMES, Ran
from factories.people import TestCA
from factories.tokens import PIN, CardBox, softhsm_module
from simulator.phones_beside import eid_thread

from osak.client.cli.main import main
from osak.client.demo.servers import DemoServer, free_ports
from osak.client.simulator.people import MOBILE_ID_PERSON, SMART_ID_PERSON
from osak.client.simulator.phones import Behaviour, Phones
from osak.client.simulator.relying_party import RP_NAME
from osak.client.simulator.serving import people_in
from osak.client.simulator.smart_id_v3 import SCHEME

CARD_PERSON = "38001085718"
SMART_ID = ("--smart-id", SMART_ID_PERSON.removeprefix("PNOEE-"))
MOBILE_ID = ("--mobile-id", MOBILE_ID_PERSON[0], "--phone", MOBILE_ID_PERSON[1])
PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Country:
    """Three nodes and the eID services whose people they know."""

    servers: list[DemoServer]
    simulator: Phones
    config: Path
    version_3: dict[str, Any]


def believe_apps(config: Path) -> None:
    """Name the simulator's relying party in a node's configuration."""
    settings = yaml.safe_load(config.read_text())
    settings["trust"]["smart_id"] = {"relying_parties": [{"name": RP_NAME}], "scheme": SCHEME}
    config.write_text(yaml.safe_dump(settings))


@pytest.fixture(scope="module")
def running_country(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Country]:
    """Set up with the real commands, once; stopped at the end whatever happens."""
    folder = tmp_path_factory.mktemp("country")
    simulator = people_in(folder)
    ports = free_ports(2 * len(NAMES))
    servers = [
        DemoServer(name, f"Asutus {name}", folder / name, ports[2 * number], ports[2 * number + 1])
        for number, name in enumerate(NAMES)
    ]
    config = folder / "osak.yaml"
    try:
        with eid_thread(simulator, folder) as address:
            for server in servers:
                server.set_up(address.anchors)
                believe_apps(server.folder / "node.yaml")
                server.start()
            urls = [server.url for server in servers]
            options = ("--group", "eesti", "--threshold", "2", "--yes", "--config", str(config))
            assert main(["group", "add", *urls, *options]) == 0
            settings = yaml.safe_load(config.read_text())
            settings["credentials"] = {
                name: address.settings(name, display_text="Ava {file}") for name in ("smart_id", "mobile_id")
            }
            config.write_text(yaml.safe_dump(settings))
            yield Country(servers, simulator, config, address.version_3())
    finally:
        for server in servers:
            server.stop()


@pytest.fixture
def country(running_country: Country) -> Iterator[Country]:
    """The country, whole and with people who answer."""
    running_country.simulator.behaviour = Behaviour()
    running_country.simulator.questions.clear()
    running_country.simulator.polled.clear()
    yield running_country
    for server in running_country.servers:
        if not server.pids:
            server.start()


Osak = Callable[..., Ran]


@pytest.fixture
def osak(capsys: pytest.CaptureFixture[str], country: Country) -> Osak:
    def run(*arguments: str | Path) -> Ran:
        capsys.readouterr()
        code = main([*map(str, arguments), "--json", "--config", str(country.config)])
        out, err = capsys.readouterr()
        return Ran(code, json.loads(out) if out else {}, err)

    return run


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "kiri õäöü.txt"
    path.write_bytes(b"Tere! " * 1000)
    return path


def sealed(osak: Osak, letter: Path, code: str, *options: str) -> Path:
    box = letter.with_suffix(".cdoc2")
    made = osak("encrypt", letter, "-o", box, "--to", code, *options)
    assert made.code == 0, made.errors
    return box


def opened(osak: Osak, box: Path, *credential: str | Path) -> Ran:
    done = osak("decrypt", box, "-o", box.parent / "out", *credential)
    assert (box.parent / "out").exists() == (done.code == 0)
    return done


@pytest.mark.parametrize("scheme", [(), ("--n-of-n",)], ids=["2 of 3", "3 of 3"])
@pytest.mark.parametrize("credential", [SMART_ID, MOBILE_ID], ids=["Smart-ID", "Mobile-ID"])
def test_one_signature(
    osak: Osak, country: Country, letter: Path, credential: tuple[str, ...], scheme: tuple[str, ...]
) -> None:
    """The phone asks once for all servers; the code is on the terminal, the file's name on the phone."""
    box = sealed(osak, letter, credential[1], *scheme)
    done = opened(osak, box, *credential)
    assert done.code == 0, done.errors
    assert (letter.parent / "out" / letter.name).read_bytes() == letter.read_bytes()
    (question,) = country.simulator.questions
    assert "verification code: " in done.errors
    assert box.name in json.dumps(question, ensure_ascii=False)


def test_version_3_of_smart_id(osak: Osak, country: Country, letter: Path) -> None:
    """What the app signs through version 3 opens at nodes that know the relying party, with one lost too."""
    box = sealed(osak, letter, SMART_ID[1])
    settings = yaml.safe_load(country.config.read_text())
    settings["credentials"]["smart_id"] = country.version_3
    newer = letter.parent / "v3.yaml"
    newer.write_text(yaml.safe_dump(settings))
    country.servers[1].kill()
    code = main(["decrypt", str(box), "-o", str(letter.parent / "out"), *SMART_ID, "--config", str(newer)])
    assert code == 0
    assert (letter.parent / "out" / letter.name).read_bytes() == letter.read_bytes()
    (question,) = country.simulator.questions
    assert question["signatureProtocol"] == "ACSP_V2"


@pytest.mark.parametrize("credential", [SMART_ID, MOBILE_ID], ids=["Smart-ID", "Mobile-ID"])
def test_a_server_is_lost(osak: Osak, country: Country, letter: Path, credential: tuple[str, ...]) -> None:
    """With one server gone the same one signature opens the file."""
    box = sealed(osak, letter, credential[1])
    country.servers[0].kill()
    done = opened(osak, box, *credential)
    assert done.code == 0, done.errors
    assert len(country.simulator.questions) == 1


def test_a_card(
    osak: Osak, country: Country, letter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ID-card signs the ticket with its P-384 key (ES384)."""
    box = sealed(osak, letter, CARD_PERSON)
    cards = CardBox(tmp_path / "cards", softhsm_module())
    cards.use(monkeypatch)
    key = ec.generate_private_key(ec.SECP384R1())
    cards.add("ID-card", TestCA.twin(country.simulator.authority).issue(f"PNOEE-{CARD_PERSON}", key=key))
    pin = tmp_path / "pin"
    pin.write_text(PIN)
    options = ("--id-card", "--pkcs11-module", cards.module, "--pin-file", pin)
    done = opened(osak, box, *options)
    assert done.code == 0, done.errors


@pytest.mark.parametrize(
    ("credential", "refusal"),
    [
        (SMART_ID, ("USER_REFUSED", "refused")),
        (SMART_ID, ("WRONG_VC", "wrong-code")),
        (MOBILE_ID, ("TIMEOUT", "timeout")),
    ],
)
def test_refused(
    osak: Osak, country: Country, letter: Path, credential: tuple[str, ...], refusal: tuple[str, str]
) -> None:
    """Whoever refuses opens nothing: exit code 3, one sentence, one reason, one question."""
    box = sealed(osak, letter, credential[1])
    country.simulator.behaviour = Behaviour(result=refusal[0])
    done = opened(osak, box, *credential)
    assert done.code == 3
    assert done.facts["error"]["reason"] == refusal[1]
    assert len(country.simulator.questions) == 1


def test_a_service_that_fails(osak: Osak, country: Country, letter: Path) -> None:
    """A service's own failure is one of the network: exit code 6."""
    box = sealed(osak, letter, SMART_ID[1])
    country.simulator.behaviour = Behaviour(status=580)
    done = opened(osak, box, *SMART_ID)
    assert (done.code, done.facts["error"]["kind"]) == (6, "identity-service")


def test_a_file_for_somebody_else_asks_nobody(osak: Osak, country: Country, letter: Path) -> None:
    """Without a record for this person no phone rings."""
    done = opened(osak, sealed(osak, letter, CARD_PERSON), *SMART_ID)
    assert done.code == 3
    assert country.simulator.questions == []


def test_too_few_servers_ask_nobody(osak: Osak, country: Country, letter: Path) -> None:
    """With too few servers to open the file the phone is left in peace."""
    box = sealed(osak, letter, SMART_ID[1])
    for server in country.servers[:2]:
        server.kill()
    assert opened(osak, box, *SMART_ID).code == 4
    assert country.simulator.questions == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--smart-id", "30303039915"), "not a valid"),
        (("--mobile-id", "60001017869"), "go together"),
        (("--phone", "+37268000769"), "go together"),
        (("--mobile-id", "60001017869", "--phone", "68000769"), "begins with +"),
        ((*SMART_ID, *MOBILE_ID), "one credential"),
    ],
)
def test_refusals(osak: Osak, country: Country, letter: Path, options: tuple[str, ...], said: str) -> None:
    """What makes no sense is refused before anybody is asked: exit code 2."""
    done = osak("decrypt", letter, "--list", *options)
    assert done.code == 2
    assert said in done.errors
    assert country.simulator.questions == []


def test_without_a_contract(osak: Osak, letter: Path, tmp_path: Path, capsys: Any) -> None:
    """A configuration without the service says where it belongs."""
    config = tmp_path / "empty.yaml"
    config.write_text("groups: {}\n")
    for options, place in ((SMART_ID, "credentials.smart_id"), (MOBILE_ID, "credentials.mobile_id")):
        assert main(["decrypt", str(letter), "--list", *options, "--config", str(config)]) == 2
        assert place in capsys.readouterr().err


def test_ctrl_c(osak: Osak, country: Country, letter: Path) -> None:
    """Stopped while the phone is waited for: nothing is left, and nothing hangs."""
    box = sealed(osak, letter, SMART_ID[1])
    out = letter.parent / "out"
    country.simulator.behaviour = Behaviour(running=10**9)
    command = ["decrypt", str(box), "-o", str(out), *SMART_ID, "--config", str(country.config)]
    process = subprocess.Popen(
        [sys.executable, "-m", "osak.client.cli.main", *command], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    while "waiting for Smart-ID" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 1
    assert "stopped; nothing half-written was left behind" in errors
    assert not out.exists()


def test_pin_at_a_terminal(
    osak: Osak, country: Country, letter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The PIN is asked for at a real terminal, once, not shown; Ctrl-C there ends the command."""
    box = sealed(osak, letter, CARD_PERSON)
    cards = CardBox(tmp_path / "cards", softhsm_module())
    cards.use(monkeypatch)
    key = ec.generate_private_key(ec.SECP384R1())
    cards.add("ID-card", TestCA.twin(country.simulator.authority).issue(f"PNOEE-{CARD_PERSON}", key=key))
    out = letter.parent / "out"
    card = ("--id-card", "--pkcs11-module", str(cards.module), "--config", str(country.config))
    command = ["decrypt", str(box), "-o", str(out), *card]
    code, said = at_terminal(command, "PIN of TESTNUMBER,OK (ID-card): ", b"\x03")
    assert code == 1
    assert "nothing half-written was left behind" in said
    assert not out.exists()
    code, said = at_terminal(command, "PIN of TESTNUMBER,OK (ID-card): ", f"{PIN}\n".encode())
    assert code == 0, said
    assert said.count("PIN of") == 1
    assert PIN not in said


def at_terminal(command: list[str], question: str, answer: bytes) -> tuple[int, str]:
    """Run a command at a terminal of its own and answer its one question; its exit code and all it said."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "osak.client.cli.main", *command],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=lambda: os.login_tty(theirs),  # noqa: PLW1509 - the child has one thread
    )
    os.close(theirs)
    said = b""
    while question.encode() not in said:
        said += os.read(ours, 4096)
    os.write(ours, answer)
    while True:
        try:
            data = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not data:
            break
        said += data
    os.close(ours)
    return process.wait(PATIENCE_SECONDS), said.decode()
