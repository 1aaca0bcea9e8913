# SPDX-License-Identifier: MIT
"""The main job over real processes: t-of-n and n-of-n, with servers lost, and the right refusals."""

from pathlib import Path

import pytest
import yaml
from e2e.conftest import Group, Osak

from osak.client.demo.people import make_person


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "kiri õäöü.txt"
    path.write_bytes(b"Tere! " * 1000)
    return path


def statuses(facts: dict[str, object]) -> dict[str, str]:
    outcomes = facts["outcomes"]
    assert isinstance(outcomes, list)
    return {outcome["server"]: outcome["status"] for outcome in outcomes}


def test_opens_with_all(osak: Osak, group: Group, letter: Path, tmp_path: Path) -> None:
    """Two of three: encrypt, inspect, decrypt; the file comes back and nothing else."""
    box = tmp_path / "a.cdoc2"
    assert osak("encrypt", letter, "-o", box, "--to", group.person.code).code == 0
    shown = osak("inspect", box)
    assert shown.code == 0
    assert shown.facts["recipients"][0]["kind"] == "threshold-shares"
    opened = osak("decrypt", box, "-o", tmp_path / "out", *group.credential)
    assert opened.code == 0, opened.errors
    assert [path.name for path in (tmp_path / "out").iterdir()] == [letter.name]
    assert (tmp_path / "out" / letter.name).read_bytes() == letter.read_bytes()


def test_one_server_lost(osak: Osak, group: Group, letter: Path, tmp_path: Path) -> None:
    """One server killed: the file still opens and the dead server is named."""
    box = tmp_path / "a.cdoc2"
    assert osak("encrypt", letter, "-o", box, "--to", group.person.code).code == 0
    group.servers[0].kill()
    opened = osak("decrypt", box, "-o", tmp_path / "out", *group.credential)
    assert opened.code == 0, opened.errors
    assert statuses(opened.facts)["ria"] == "unreachable"


def test_two_servers_lost(osak: Osak, group: Group, letter: Path, tmp_path: Path) -> None:
    """Too few servers: exit code 4, every outcome listed, nothing written."""
    box = tmp_path / "a.cdoc2"
    assert osak("encrypt", letter, "-o", box, "--to", group.person.code).code == 0
    group.servers[0].kill()
    group.servers[2].stop()
    refused = osak("decrypt", box, "-o", tmp_path / "out", *group.credential)
    assert refused.code == 4
    assert set(statuses(refused.facts["error"])) == {"ria", "pank", "ylikool"}
    assert "try again when more servers answer" in refused.errors
    assert not (tmp_path / "out").exists()


def test_refused_by_all(osak: Osak, group: Group, letter: Path, tmp_path: Path) -> None:
    """Where servers are there and refuse, nobody is told to wait for more of them."""
    stranger = make_person(tmp_path, group.person.code)
    box = tmp_path / "a.cdoc2"
    assert osak("encrypt", letter, "-o", box, "--to", group.person.code).code == 0
    credential = ("--p12", stranger.p12_file, "--p12-password-file", stranger.password_file)
    refused = osak("decrypt", box, "-o", tmp_path / "out", *credential)
    assert refused.code == 4
    assert set(statuses(refused.facts["error"]).values()) <= {"refused", "not-asked"}
    assert "ask the servers' operators" in refused.errors
    assert "try again" not in refused.errors


def test_official_scheme(osak: Osak, group: Group, letter: Path, tmp_path: Path) -> None:
    """n-of-n writes the official capsule; it opens with all servers and with none missing."""
    box = tmp_path / "a.cdoc2"
    assert osak("encrypt", letter, "-o", box, "--to", group.person.code, "--n-of-n").code == 0
    assert osak("inspect", box).facts["recipients"][0]["kind"] == "key-shares"
    assert osak("decrypt", box, "-o", tmp_path / "out", *group.credential).code == 0
    group.servers[1].kill()
    refused = osak("decrypt", box, "-o", tmp_path / "out2", *group.credential)
    assert refused.code == 4


def test_encrypt_needs_every_server(osak: Osak, group: Group, letter: Path, tmp_path: Path) -> None:
    """A server down while encrypting: refused with exit code 6, no output, and the others undone."""
    group.servers[1].kill()
    refused = osak("encrypt", letter, "-o", tmp_path / "a.cdoc2", "--to", group.person.code)
    assert refused.code == 6
    assert statuses(refused.facts["error"])["pank"] == "unreachable"
    assert list(tmp_path.iterdir()) == [letter]


def test_somebody_else(osak: Osak, group: Group, letter: Path, tmp_path: Path) -> None:
    """Another person's certificate finds no record: exit code 3 and no question to any server."""
    box = tmp_path / "a.cdoc2"
    assert osak("encrypt", letter, "-o", box, "--to", group.person.code).code == 0
    folder = tmp_path / "other"
    folder.mkdir()
    other = make_person(folder, "37101010021")
    refused = osak(
        "decrypt",
        box,
        "-o",
        tmp_path / "out",
        "--p12",
        other.p12_file,
        "--p12-password-file",
        other.password_file,
    )
    assert refused.code == 3
    assert not (tmp_path / "out").exists()


def test_forged_person(osak: Osak, group: Group, letter: Path, tmp_path: Path) -> None:
    """The right personal code from an authority the nodes do not trust: every node refuses."""
    box = tmp_path / "a.cdoc2"
    assert osak("encrypt", letter, "-o", box, "--to", group.person.code).code == 0
    folder = tmp_path / "forger"
    folder.mkdir()
    forger = make_person(folder, group.person.code)
    refused = osak(
        "decrypt",
        box,
        "-o",
        tmp_path / "out",
        "--p12",
        forger.p12_file,
        "--p12-password-file",
        forger.password_file,
    )
    assert refused.code == 4
    assert "refused" in statuses(refused.facts["error"]).values()


def test_unknown_servers(osak: Osak, group: Group, letter: Path, tmp_path: Path) -> None:
    """Servers that no group names are not asked (exit 2); an id moved to a new URL is found there."""
    box = tmp_path / "a.cdoc2"
    assert osak("encrypt", letter, "-o", box, "--to", group.person.code).code == 0
    settings = yaml.safe_load(group.config_file.read_text())
    for number, server in enumerate(settings["groups"]["eesti"]["servers"]):
        server["id"], server["url"] = f"x{number}", f"https://elsewhere{number}.example"
    strange = tmp_path / "strange.yaml"
    strange.write_text(yaml.safe_dump(settings))
    refused = osak("decrypt", box, "-o", tmp_path / "out", *group.credential, config=strange)
    assert refused.code == 2
    assert "group add" in refused.errors


def test_group_check(osak: Osak, group: Group) -> None:
    """A whole group answers; with one server down the command says which and exits 6."""
    assert osak("group", "check").code == 0
    group.servers[2].kill()
    checked = osak("group", "check")
    assert checked.code == 6
    status = {server["server"]: server["status"] for server in checked.facts["servers"]}
    assert status == {"ria": "ok", "pank": "ok", "ylikool": "unreachable"}


def test_mixed_recipients(osak: Osak, group: Group, letter: Path, tmp_path: Path) -> None:
    """A threshold record beside a password record: each opens the file, the password without servers."""
    password = tmp_path / "password"
    password.write_text("Salajane-kevad-2026\n")
    box = tmp_path / "a.cdoc2"
    made = osak(
        "encrypt",
        letter,
        "-o",
        box,
        "--to",
        group.person.code,
        "--password",
        "kevad",
        "--password-file",
        password,
    )
    assert made.code == 0
    for server in group.servers:
        server.kill()
    assert osak("decrypt", box, "-o", tmp_path / "out", "--password-file", password).code == 0


def test_a_server_is_added_by_the_url_that_its_tickets_name(osak: Osak, group: Group, tmp_path: Path) -> None:
    """By another name of the same host files would be encrypted and never opened: refused, exit code 2."""
    server = group.servers[0]
    alias, config = f"https://127.0.0.1:{server.port}", tmp_path / "osak.yaml"
    refused = osak("group", "add", alias, "--threshold", "2", "--yes", config=config)
    assert refused.code == 2
    assert f"{alias} takes tickets for {server.url} alone" in refused.errors
    assert not config.exists()


def test_a_server_that_is_not_trusted_is_named(osak: Osak, group: Group, tmp_path: Path) -> None:
    """Of several URLs the one is told whose certificate the authority did not issue; exit code 6."""
    server = group.servers[0]
    authority = group.config_file.parent / "authority.pem"
    options = ("--threshold", "2", "--ca-file", authority, "--yes")
    refused = osak("group", "add", server.url, *options, config=tmp_path / "osak.yaml")
    assert refused.code == 6
    assert f"{server.url} showed a certificate that is not trusted" in refused.errors
