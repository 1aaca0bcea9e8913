# SPDX-License-Identifier: MIT
"""``osak encrypt --dry-run``: what everybody would get, and why, as a table and as JSON; nothing happens."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from factories.directories import (
    ID_CARD,
    JAAN,
    MARI,
    MOBILE_ID,
    Listed,
    TestDirectory,
    issue,
    running_directory,
)
from factories.people import TestCA
from factories.quiet_ports import quiet_ports
from factories.shell import Shell, key_files

from osak.client.cli.main import main


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestDirectory]:
    """Mari has an ID-card, Jaan Mobile-ID, and somebody made a card in Mari's name."""
    authority = TestCA("TEST of ESTEID")
    people = [
        Listed(issue(authority, ID_CARD, MARI), ID_CARD),
        Listed(issue(TestCA(), ID_CARD, MARI), ID_CARD),
        Listed(issue(authority, MOBILE_ID, JAAN), MOBILE_ID),
    ]
    with running_directory(tmp_path_factory.mktemp("slapd"), authority, people) as running:
        yield running


@pytest.fixture
def configured(shell: Shell, directory: TestDirectory) -> Shell:
    """A configuration with this directory, and a group whose servers nobody runs."""
    ports = quiet_ports(2)
    servers = [{"id": f"s{port}", "organisation": "x", "url": f"https://localhost:{port}"} for port in ports]
    settings = {"directory": directory.section, "groups": {"eesti": {"threshold": 2, "servers": servers}}}
    (shell.folder / "osak.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return shell


def test_the_table(configured: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """Person, what was found, scheme, why: one line a record, and what was not used says why."""
    config = ["--config", str(configured.folder / "osak.yaml")]
    assert main(["encrypt", "--dry-run", "--to", MARI, "--to", JAAN, *config]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].split() == ["PERSON", "FOUND", "SCHEME", "WHY"]
    assert lines[1].startswith(MARI)
    assert "ID-card until" in lines[1]
    assert "SC01: ID-card, in the container" in lines[1]
    assert "the card alone opens it, without any server" in lines[1]
    assert "not used: ID-card, it is not by any of the authorities" in out
    assert "t-of-n: Smart-ID, Mobile-ID or card, shares at 2 servers of eesti, any 2 open it" in out
    assert "the directory has no card; Mobile-ID signs for the servers" in out
    assert err == ""


def test_the_json(configured: Shell) -> None:
    """Programs get the same, with the certificate's fingerprint and end, and the servers' numbers."""
    code, facts, _ = configured("encrypt", "--dry-run", "--to", MARI)
    assert code == 0
    assert facts["dry_run"] is True
    (mari,) = facts["plan"]
    assert mari["who"] == f"etsi/PNOEE-{MARI}"
    assert mari["directory"] == "asked"
    assert [(one["kind"], len(one["sha256"])) for one in mari["found"]] == [("ID-card", 64)]
    assert [one["kind"] for one in mari["passed_over"]] == ["ID-card"]
    card, shares = mari["records"]
    assert (card["scheme"], card["opens_with"]) == ("SC01", "ID-card")
    assert (shares["scheme"], shares["group"]) == ("t-of-n", "eesti")
    assert (shares["needed"], shares["servers"]) == (2, 2)


def test_nothing_is_written_or_asked_for(configured: Shell, tmp_path: Path) -> None:
    """No file appears, no password is asked for, and servers that nobody runs are not missed."""
    public, _ = key_files(configured.folder, ec.generate_private_key(ec.SECP384R1()))
    before = sorted(configured.folder.iterdir())
    code, facts, _ = configured(
        *("encrypt", configured.folder / "a.txt", "-o", configured.folder / "x.cdoc2", "--dry-run"),
        *("--to", JAAN, "--cert", public, "--password", "kevad"),
    )
    assert code == 0
    assert [one["records"][0]["scheme"] for one in facts["plan"]] == ["t-of-n", "SC01", "SC06"]
    assert sorted(configured.folder.iterdir()) == before


def test_options_go_before_the_policy(configured: Shell) -> None:
    """What the command line says of cards and shares counts."""
    code, facts, _ = configured("encrypt", "--dry-run", "--to", MARI, "--shares", "never")
    assert (code, [one["scheme"] for one in facts["plan"][0]["records"]]) == (0, ["SC01"])
    code, facts, _ = configured("encrypt", "--dry-run", "--to", MARI, "--cards", "none", "--n-of-n")
    assert (code, [one["scheme"] for one in facts["plan"][0]["records"]]) == (0, ["SC07"])
    code, facts, _ = configured("encrypt", "--dry-run", "--to", JAAN, "--shares", "never")
    assert (code, facts["error"]["kind"]) == (2, "usage")


def test_a_directory_that_is_down_is_told(configured: Shell) -> None:
    """Exit code 6 with the directory's name, and what can be done about it."""
    path = configured.folder / "osak.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    (port,) = quiet_ports(1)
    settings["directory"]["url"] = f"ldaps://localhost:{port}"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    code, facts, errors = configured("encrypt", "--dry-run", "--to", MARI)
    assert (code, facts["error"]["kind"]) == (6, "directory")
    assert f"the directory ldaps://localhost:{port} could not be reached" in errors
    assert "--cards none" in facts["error"]["hint"]
    assert configured("encrypt", "--dry-run", "--to", MARI, "--cards", "none")[0] == 0


def test_no_directory_is_told(shell: Shell) -> None:
    """Without the section people get shares as ever, and the plan says that nobody was looked up."""
    servers = [{"id": name, "organisation": "x", "url": f"https://{name}.example"} for name in ("a", "b")]
    settings = {"groups": {"eesti": {"threshold": 2, "servers": servers}}}
    (shell.folder / "osak.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    code, facts, _ = shell("encrypt", "--dry-run", "--to", MARI)
    assert code == 0
    assert facts["plan"][0]["directory"] == "no-directory"
    assert "no directory in the configuration" in facts["plan"][0]["records"][0]["why"]


def test_options_that_need_a_person(shell: Shell, tmp_path: Path) -> None:
    """Cards and shares are of people; a file and a place are needed unless it is a dry run."""
    public, _ = key_files(shell.folder, ec.generate_private_key(ec.SECP384R1()))
    for option in (("--cards", "none"), ("--shares", "always")):
        code, _, errors = shell("encrypt", "--dry-run", "--cert", public, *option)
        assert (code, "belong to --to" in errors) == (2, True)
    for arguments in ((shell.folder / "a.txt",), ("-o", tmp_path / "x.cdoc2")):
        code, _, errors = shell("encrypt", *arguments, "--cert", public)
        assert (code, "name the files to encrypt" in errors) == (2, True)
