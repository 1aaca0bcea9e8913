# SPDX-License-Identifier: MIT
"""The whole way of a key capsule: our client against a node of both roles, in processes of their own."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from factories.offices import SERVER_ID, Office, running_office
from factories.people import Person, TestCA
from factories.tokens import PIN, CardBox, nss_card, softhsm_module

from osak.client.cli.main import main
from osak.shares.protocol.times import parse_time

CA = TestCA()
PEOPLE = {
    "rsa": CA.issue(key=rsa.generate_private_key(65537, 2048)),
    "p256": CA.issue(key=ec.generate_private_key(ec.SECP256R1())),
    "p384": CA.issue(key=ec.generate_private_key(ec.SECP384R1())),
    "p521": CA.issue(key=ec.generate_private_key(ec.SECP521R1())),
}


@dataclass(frozen=True, slots=True)
class Ran:
    """What one command line did."""

    code: int
    facts: dict[str, Any]
    errors: str


Osak = Callable[..., Ran]


@pytest.fixture(scope="module")
def module_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One node for all tests of this file."""
    with running_office(tmp_path_factory.mktemp("office"), CA) as running:
        yield running


@pytest.fixture
def office(module_office: Office) -> Iterator[Office]:
    """The office, running at the start of the test and again after it."""
    yield module_office
    if not module_office.server.pids:
        module_office.server.start()


@pytest.fixture
def osak(capsys: pytest.CaptureFixture[str], office: Office, tmp_path: Path) -> Osak:
    """Run one command line in this process, with ``--json`` and a configuration that a test may change."""

    def run(*arguments: str | Path, **changes: object) -> Ran:
        settings = json.loads(json.dumps(office.config))
        settings["capsule_servers"][SERVER_ID] |= changes
        (tmp_path / "osak.yaml").write_text(yaml.safe_dump(settings))
        capsys.readouterr()
        code = main([*map(str, arguments), "--json", "--config", str(tmp_path / "osak.yaml")])
        out, err = capsys.readouterr()
        return Ran(code, json.loads(out) if out else {}, err)

    return run


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    """Something to encrypt."""
    path = tmp_path / "kiri õäöü.txt"
    path.write_bytes(b"Tere! " * 1000)
    return path


def files_of(person: Person, folder: Path) -> dict[str, Path]:
    """A person's certificate, key and PKCS#12 as files."""
    folder.mkdir(exist_ok=True)
    contents = {"crt": person.certificate_pem, "key": person.key_pem, "p12": person.p12(), "pw": b"passwd\n"}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in contents}


def sealed(osak: Osak, letter: Path, person: Person, folder: Path, **changes: object) -> tuple[Path, Ran]:
    """A container for this person through the capsule server."""
    box = folder / "a.cdoc2"
    files = files_of(person, folder / "person")
    return box, osak("encrypt", letter, "-o", box, "--cert", files["crt"], "--server", SERVER_ID, **changes)


@pytest.mark.parametrize("kind", PEOPLE)
def test_there_and_back(osak: Osak, letter: Path, tmp_path: Path, kind: str) -> None:
    """For every kind of key: encrypt, inspect, open by PKCS#12 and by key with certificate."""
    box, made = sealed(osak, letter, PEOPLE[kind], tmp_path)
    assert made.code == 0, made.errors
    [stored] = made.facts["capsules"]
    assert stored["server"] == SERVER_ID
    [shown] = osak("inspect", box).facts["recipients"]
    assert shown["kind"] == "key-server"
    files = files_of(PEOPLE[kind], tmp_path / "person")
    ways = [
        ("--p12", files["p12"], "--p12-password-file", files["pw"]),
        ("--private-key", files["key"], "--certificate", files["crt"]),
    ]
    for number, way in enumerate(ways):
        opened = osak("decrypt", box, "-o", tmp_path / f"out{number}", *way)
        assert opened.code == 0, opened.errors
        assert (tmp_path / f"out{number}" / letter.name).read_bytes() == letter.read_bytes()


@pytest.mark.parametrize("kind", ["p256", "p384", "p521"])
def test_a_card_opens_what_the_server_keeps(
    osak: Osak, letter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A soft token's key signs the handshake and opens the capsule, with one PIN."""
    cards = CardBox(tmp_path / "cards", softhsm_module())
    cards.use(monkeypatch)
    cards.add("ID-card", PEOPLE[kind])
    box, _ = sealed(osak, letter, PEOPLE[kind], tmp_path)
    opened = osak("decrypt", box, "-o", tmp_path / "out", *card_options(cards.module, tmp_path))
    assert opened.code == 0, opened.errors
    assert (tmp_path / "out" / letter.name).read_bytes() == letter.read_bytes()


def test_an_rsa_card_opens_what_the_server_keeps(
    osak: Osak, letter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RSASSA-PSS for the handshake and RSA-OAEP for the capsule, by a token that has both."""
    module = nss_card(tmp_path, monkeypatch, "ID-card", PEOPLE["rsa"])
    box, _ = sealed(osak, letter, PEOPLE["rsa"], tmp_path)
    opened = osak("decrypt", box, "-o", tmp_path / "out", *card_options(module, tmp_path))
    assert opened.code == 0, opened.errors


def test_a_card_of_a_stranger(
    osak: Osak, letter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A card by an authority that the server does not know is refused, which is told: exit code 6."""
    stranger = TestCA().issue(key=ec.generate_private_key(ec.SECP384R1()))
    cards = CardBox(tmp_path / "cards", softhsm_module())
    cards.use(monkeypatch)
    cards.add("ID-card", stranger)
    box, _ = sealed(osak, letter, stranger, tmp_path)
    refused = osak("decrypt", box, "-o", tmp_path / "out", *card_options(cards.module, tmp_path))
    assert refused.code == 6
    assert "does not accept this certificate" in refused.errors
    assert not (tmp_path / "out").exists()


def card_options(module: Path, folder: Path) -> list[str | Path]:
    """Options for a card in this module, its PIN in a file."""
    (folder / "pin").write_text(f"{PIN}\n")
    return ["--id-card", "--pkcs11-module", module, "--pin-file", folder / "pin"]


def test_key_without_certificate(osak: Osak, letter: Path, tmp_path: Path) -> None:
    """A bare private key is not enough for a capsule server: the command says what is missing."""
    box, _ = sealed(osak, letter, PEOPLE["p384"], tmp_path)
    files = files_of(PEOPLE["p384"], tmp_path / "person")
    refused = osak("decrypt", box, "-o", tmp_path / "out", "--private-key", files["key"])
    assert refused.code == 2
    assert "--certificate" in refused.errors
    assert not (tmp_path / "out").exists()


def test_somebody_else(osak: Osak, letter: Path, tmp_path: Path) -> None:
    """Another person finds no record and asks nobody."""
    box, _ = sealed(osak, letter, PEOPLE["p384"], tmp_path)
    files = files_of(PEOPLE["p256"], tmp_path / "other")
    refused = osak(
        "decrypt", box, "-o", tmp_path / "out", "--p12", files["p12"], "--p12-password-file", files["pw"]
    )
    assert refused.code == 3


def test_foreign_authority(osak: Osak, letter: Path, tmp_path: Path) -> None:
    """The right key under an authority that the server does not trust: the client says so."""
    person = PEOPLE["p384"]
    box, _ = sealed(osak, letter, person, tmp_path)
    files = files_of(TestCA().issue(key=person.key), tmp_path / "forger")
    refused = osak(
        "decrypt", box, "-o", tmp_path / "out", "--p12", files["p12"], "--p12-password-file", files["pw"]
    )
    assert refused.code == 6
    assert "does not accept this certificate" in refused.errors


def test_unknown_server(osak: Osak, letter: Path, tmp_path: Path, office: Office) -> None:
    """An id that the configuration does not have is named, and nobody is asked."""
    box, _ = sealed(osak, letter, PEOPLE["p384"], tmp_path)
    files = files_of(PEOPLE["p384"], tmp_path / "person")
    (tmp_path / "empty.yaml").write_text("{}")
    arguments = ["decrypt", str(box), "-o", str(tmp_path / "out"), "--p12", str(files["p12"])]
    arguments += ["--p12-password-file", str(files["pw"]), "--config", str(tmp_path / "empty.yaml")]
    assert main(arguments) == 2
    refused = osak(
        "encrypt", letter, "-o", tmp_path / "b.cdoc2", "--cert", files["crt"], "--server", "elsewhere"
    )
    assert refused.code == 2
    assert "elsewhere" in refused.errors


def test_server_without_certificate_to_use_it_for(osak: Osak, letter: Path, tmp_path: Path) -> None:
    """--server alone names nobody."""
    assert osak("encrypt", letter, "-o", tmp_path / "b.cdoc2", "--server", SERVER_ID).code == 2


def test_expiry(osak: Osak, letter: Path, tmp_path: Path) -> None:
    """The server is asked for whichever comes first: the configured time, or the certificate's end."""
    long = CA.issue(not_after=datetime.now(UTC) + timedelta(days=30))
    _, made = sealed(osak, letter, long, tmp_path, expires_after="90d")
    assert parse_time(made.facts["capsules"][0]["expires_at"]) == long.certificate.not_valid_after_utc
    (tmp_path / "a.cdoc2").unlink()
    _, made = sealed(osak, letter, long, tmp_path, expires_after="10d")
    left = parse_time(made.facts["capsules"][0]["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=9) < left < timedelta(days=11)


def test_ended_certificate(osak: Osak, letter: Path, tmp_path: Path) -> None:
    """Nobody could fetch with a certificate that has ended: refused, and nothing is written."""
    ended = CA.issue(not_after=datetime.now(UTC) - timedelta(hours=1))
    box, refused = sealed(osak, letter, ended, tmp_path)
    assert refused.code == 2
    assert "ended" in refused.errors
    assert not box.exists()


def test_server_down(osak: Osak, office: Office, letter: Path, tmp_path: Path) -> None:
    """A server that is down: encrypting leaves no file, decrypting names the server; exit code 6."""
    box, _ = sealed(osak, letter, PEOPLE["p384"], tmp_path)
    files = files_of(PEOPLE["p384"], tmp_path / "person")
    office.server.kill()
    refused = osak(
        "decrypt", box, "-o", tmp_path / "out", "--p12", files["p12"], "--p12-password-file", files["pw"]
    )
    assert refused.code == 6
    assert SERVER_ID in refused.errors
    other = tmp_path / "b.cdoc2"
    refused = osak("encrypt", letter, "-o", other, "--cert", files["crt"], "--server", SERVER_ID)
    assert refused.code == 6
    assert not other.exists()


def test_survives_a_restart(osak: Osak, office: Office, letter: Path, tmp_path: Path) -> None:
    """A capsule that was acknowledged outlives a killed process."""
    box, _ = sealed(osak, letter, PEOPLE["p521"], tmp_path)
    office.server.kill()
    office.server.start()
    files = files_of(PEOPLE["p521"], tmp_path / "person")
    opened = osak(
        "decrypt", box, "-o", tmp_path / "out", "--p12", files["p12"], "--p12-password-file", files["pw"]
    )
    assert opened.code == 0, opened.errors


def test_untrusted_server(osak: Osak, letter: Path, tmp_path: Path) -> None:
    """A server that is not the configured one gets nothing."""
    box, refused = sealed(osak, letter, PEOPLE["p384"], tmp_path, tls={"pin_sha256": "A" * 43 + "="})
    assert refused.code == 6
    assert "not the pinned one" in refused.errors
    assert not box.exists()


def test_beside_other_recipients(osak: Osak, office: Office, letter: Path, tmp_path: Path) -> None:
    """A password beside a capsule record opens the file without the server."""
    password = tmp_path / "password"
    password.write_text("Salajane-kevad-2026\n")
    files = files_of(PEOPLE["p384"], tmp_path / "person")
    box = tmp_path / "a.cdoc2"
    made = osak(
        "encrypt", letter, "-o", box, "--cert", files["crt"], "--server", SERVER_ID,
        "--password", "kevad", "--password-file", password,
    )  # fmt: skip
    assert made.code == 0, made.errors
    office.server.kill()
    assert osak("decrypt", box, "-o", tmp_path / "out", "--password-file", password).code == 0


def test_reencrypt_through_the_server(osak: Osak, letter: Path, tmp_path: Path) -> None:
    """A container opened through the server can be sealed for somebody else through it."""
    box, _ = sealed(osak, letter, PEOPLE["p384"], tmp_path)
    old, new = files_of(PEOPLE["p384"], tmp_path / "person"), files_of(PEOPLE["rsa"], tmp_path / "other")
    made = osak(
        "reencrypt", box, "-o", tmp_path / "b.cdoc2", "--p12", old["p12"], "--p12-password-file", old["pw"],
        "--cert", new["crt"], "--server", SERVER_ID,
    )  # fmt: skip
    assert made.code == 0, made.errors
    assert [capsule["server"] for capsule in made.facts["capsules"]] == [SERVER_ID]
    opened = osak(
        "decrypt", tmp_path / "b.cdoc2", "-o", tmp_path / "out",
        "--private-key", new["key"], "--certificate", new["crt"],
    )  # fmt: skip
    assert opened.code == 0, opened.errors
    assert (tmp_path / "out" / letter.name).read_bytes() == letter.read_bytes()
