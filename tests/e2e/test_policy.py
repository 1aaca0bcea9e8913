# SPDX-License-Identifier: MIT
"""From a typed code to an opened file: a real directory, real nodes, a capsule server; all or nothing."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from e2e.conftest import Group, Osak
from factories.directories import (
    DIGI_ID,
    ID_CARD,
    KATI,
    MARI,
    Listed,
    TestDirectory,
    issue,
    running_directory,
)
from factories.offices import SERVER_ID, Office, running_office
from factories.people import Person, TestCA
from factories.quiet_ports import quiet_ports

from osak.client.cli.main import main

CA = TestCA("TEST of ESTEID")


@dataclass(frozen=True)
class Country:
    """The group, a directory, and who has which cards."""

    group: Group
    directory: TestDirectory
    cards: dict[str, Person]

    def config(self, folder: Path, **more: Any) -> Path:
        """The group's configuration with the directory, and what else is given."""
        settings = yaml.safe_load(self.group.config_file.read_text(encoding="utf-8"))
        text = yaml.safe_dump(settings | {"directory": self.directory.section} | more)
        (folder / "osak.yaml").write_text(text, encoding="utf-8")
        return folder / "osak.yaml"

    def card(self, name: str, folder: Path) -> list[str | Path]:
        """The card's key as a file, with the options to use it."""
        folder.mkdir()
        (folder / "card.p12").write_bytes(self.cards[name].p12())
        (folder / "password").write_text("passwd\n", encoding="utf-8")
        return ["--p12", folder / "card.p12", "--p12-password-file", folder / "password"]

    def shares_kept(self) -> list[int]:
        """How many shares each node has."""
        counts: list[int] = []
        for server in self.group.servers:
            (database,) = server.folder.rglob("*.sqlite")
            with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
                counts += connection.execute("SELECT count(*) FROM shares").fetchone()
        return counts


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory, running_group: Group) -> Iterator[Country]:
    """The group's own person has an ID-card, Mari a Digi-ID and an ID-card."""
    cards = {
        "jaan": issue(CA, ID_CARD, running_group.person.code),
        "mari": issue(CA, ID_CARD, MARI),
        "mari's digi": issue(CA, DIGI_ID, MARI),
    }
    people = [Listed(card, DIGI_ID if "digi" in name else ID_CARD) for name, card in cards.items()]
    with running_directory(tmp_path_factory.mktemp("slapd"), CA, people) as running:
        yield Country(running_group, running, cards)


@pytest.fixture
def country(slapd: Country, group: Group) -> Country:
    """All of it, with the group whole."""
    assert slapd.group is group
    return slapd


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A capsule server for the people of the directory."""
    with running_office(tmp_path_factory.mktemp("office"), CA) as running:
        yield running


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "kiri õäöü.txt"
    path.write_bytes(b"Tere! " * 1000)
    return path


def test_a_card_opens_without_servers_and_servers_without_the_card(
    osak: Osak, country: Country, letter: Path, tmp_path: Path
) -> None:
    """One code typed: the file opens by shares without the card, and by the card without servers."""
    config = country.config(tmp_path)
    box = tmp_path / "a.cdoc2"
    made = osak("encrypt", letter, "-o", box, "--to", country.group.person.code, config=config)
    assert made.code == 0, made.errors
    assert made.facts["recipients"] == 2
    assert "ID-card, in the container; Smart-ID, Mobile-ID or card, shares at 3 servers" in made.errors
    shown = osak("inspect", box).facts["recipients"]
    assert [one["kind"] for one in shown] == ["ec", "threshold-shares"]
    assert shown[0]["who"].startswith("ID-card of ")

    by_shares = osak("decrypt", box, "-o", tmp_path / "shares", *country.group.credential)
    assert by_shares.code == 0, by_shares.errors
    for server in country.group.servers:
        server.kill()
    by_card = osak("decrypt", box, "-o", tmp_path / "card", *country.card("jaan", tmp_path / "jaan"))
    assert by_card.code == 0, by_card.errors
    assert (tmp_path / "card" / letter.name).read_bytes() == letter.read_bytes()


@pytest.mark.parametrize("plain", [(), ("--plain-labels",)])
def test_several_people_and_both_places(
    *,
    osak: Osak,
    country: Country,
    office: Office,
    letter: Path,
    tmp_path: Path,
    plain: tuple[str, ...],
) -> None:
    """Every card in the container and at the capsule server, and shares, for two people at once."""
    config = country.config(tmp_path, **office.config, policy={"cards": "both"})
    box = tmp_path / "a.cdoc2"
    made = osak(
        "encrypt", letter, "-o", box, "--to", MARI, "--to", country.group.person.code, *plain, config=config
    )
    assert made.code == 0, made.errors
    assert made.facts["recipients"] == 8  # three cards, twice each, and shares of two people
    assert [one["server"] for one in made.facts["capsules"]] == [SERVER_ID] * 3
    for name in ("mari", "mari's digi", "jaan"):
        opened = osak("decrypt", box, "-o", tmp_path / name, *country.card(name, tmp_path / f"{name} card"))
        assert opened.code == 0, opened.errors


def test_cards_at_a_capsule_server_alone(
    osak: Osak,
    country: Country,
    office: Office,
    letter: Path,
    tmp_path: Path,
) -> None:
    """With --cards server nothing for the card stands in the container but where to ask."""
    config = country.config(tmp_path, **office.config)
    box = tmp_path / "a.cdoc2"
    made = osak(
        *("encrypt", letter, "-o", box, "--to", MARI, "--cards", "server", "--shares", "never"), config=config
    )
    assert made.code == 0, made.errors
    assert [one["kind"] for one in osak("inspect", box).facts["recipients"]] == ["key-server"] * 2
    card = country.card("mari", tmp_path / "card")
    opened = osak("decrypt", box, "-o", tmp_path / "out", *card, config=config)
    assert opened.code == 0, opened.errors


def test_a_card_that_is_named_too_gets_one_record(
    osak: Osak, country: Country, letter: Path, tmp_path: Path
) -> None:
    """Who names a person's certificate beside the code gets what both ask for, and nothing twice."""
    certificate = tmp_path / "jaan.pem"
    certificate.write_bytes(country.cards["jaan"].certificate_pem)
    made = osak(
        *("encrypt", letter, "-o", tmp_path / "a.cdoc2", "--to", country.group.person.code),
        *("--cert", certificate),
        config=country.config(tmp_path),
    )
    assert (made.code, made.facts.get("recipients")) == (0, 2), made.errors


def test_recipients_and_records_are_counted_apart(
    country: Country, letter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A person with a card has two records, and is one recipient."""
    config = str(country.config(tmp_path))
    arguments = ["encrypt", str(letter), "-o", str(tmp_path / "a.cdoc2"), "--config", config]
    assert main([*arguments, "--to", country.group.person.code]) == 0
    assert ", 1 recipient, 2 records)" in capsys.readouterr().out


def test_without_a_directory_it_says_so(osak: Osak, country: Country, letter: Path, tmp_path: Path) -> None:
    """The section left out: shares for everybody, as ever, and a line that tells why."""
    made = osak("encrypt", letter, "-o", tmp_path / "a.cdoc2", "--to", country.group.person.code)
    assert (made.code, made.facts["recipients"]) == (0, 1)
    assert "no directory in the configuration: nobody is looked up" in made.errors
    assert made.facts["plan"][0]["directory"] == "no-directory"


def test_one_failure_undoes_all(osak: Osak, country: Country, letter: Path, tmp_path: Path) -> None:
    """The capsule server is down: no share stays at any node, no file is written."""
    port, fetch = quiet_ports(2)
    url = "https://localhost:{}".format
    servers = {"gone": {"url": url(port), "fetch_url": url(fetch)}}
    config = country.config(tmp_path, capsule_servers=servers, policy={"cards": "server"})
    before = country.shares_kept()
    box = tmp_path / "a.cdoc2"
    failed = osak("encrypt", letter, "-o", box, "--to", MARI, "--to", KATI, config=config)
    assert (failed.code, failed.facts["error"]["kind"]) == (6, "capsule-server")
    assert country.shares_kept() == before
    assert not box.exists()


def test_a_directory_that_is_down_stores_nothing(
    osak: Osak, country: Country, letter: Path, tmp_path: Path
) -> None:
    """No answer is an error before anything is stored; without cards the same command goes through."""
    (port,) = quiet_ports(1)
    section = country.directory.section | {"url": f"ldaps://localhost:{port}"}
    config = country.config(tmp_path, directory=section)
    before = country.shares_kept()
    box = tmp_path / "a.cdoc2"
    failed = osak("encrypt", letter, "-o", box, "--to", KATI, config=config)
    assert (failed.code, failed.facts["error"]["kind"]) == (6, "directory")
    assert (country.shares_kept(), box.exists()) == (before, False)
    assert osak("encrypt", letter, "-o", box, "--to", KATI, "--cards", "none", config=config).code == 0


def test_new_recipients_of_an_old_container(
    osak: Osak, country: Country, letter: Path, tmp_path: Path
) -> None:
    """Re-encrypting looks people up too."""
    config = country.config(tmp_path)
    box, new = tmp_path / "a.cdoc2", tmp_path / "b.cdoc2"
    assert osak("encrypt", letter, "-o", box, "--to", country.group.person.code, config=config).code == 0
    made = osak(
        *("reencrypt", box, "-o", new, *country.group.credential, "--to", MARI, "--shares", "without-card"),
        config=config,
    )
    assert made.code == 0, made.errors
    assert [one["scheme"] for one in made.facts["plan"][0]["records"]] == ["SC01", "SC01"]
    opened = osak("decrypt", new, "-o", tmp_path / "out", *country.card("mari's digi", tmp_path / "c"))
    assert opened.code == 0, opened.errors
