# SPDX-License-Identifier: MIT
"""``osak audit`` over real processes: a recipient finds out who opened her file, and when."""

import re
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import Group, Osak

from osak.client import PKCS12, audit
from osak.client.cli.main import main


@pytest.fixture
def box(osak: Osak, group: Group, tmp_path: Path) -> Path:
    """A container for the person, 2-of-3."""
    letter = tmp_path / "kiri.txt"
    letter.write_bytes(b"Tere! " * 1000)
    assert osak("encrypt", letter, "-o", tmp_path / "a.cdoc2", "--to", group.person.code).code == 0
    return tmp_path / "a.cdoc2"


def counts(facts: dict[str, Any]) -> list[int | None]:
    """How often each server says that it gave its share out."""
    (record,) = facts["shares"]
    return [server["releases"] and server["releases"]["count"] for server in record["servers"]]


def test_who_opened_it(osak: Osak, group: Group, box: Path, tmp_path: Path) -> None:
    """Nobody did, then somebody did; a server that is gone is told, and opens nothing for anybody."""
    before = osak("audit", box, *group.credential)
    assert before.code == 0, before.errors
    assert counts(before.facts) == [0, 0, 0]
    assert before.facts["shares"][0]["was_surely_not_opened"] is True
    for number in range(2):
        assert osak("decrypt", box, "-o", tmp_path / str(number), *group.credential).code == 0
    after = osak("audit", box, *group.credential)
    given = counts(after.facts)
    assert 4 <= sum(count or 0 for count in given) <= 6
    assert after.facts["shares"][0]["was_surely_not_opened"] is False
    group.servers[1].kill()
    third = osak("audit", box, *group.credential)
    assert (third.code, counts(third.facts)[1]) == (0, None)
    assert third.facts["shares"][0]["servers"][1]["status"] == "unreachable"


def test_one_silent_server_proves_nothing_alone(osak: Osak, group: Group, box: Path) -> None:
    """One server down, two that gave nothing out: one share alone opens nothing, so nobody can have."""
    group.servers[0].kill()
    told = osak("audit", box, *group.credential)
    assert told.facts["shares"][0]["was_surely_not_opened"] is True
    group.servers[2].kill()
    told = osak("audit", box, *group.credential)
    assert told.facts["shares"][0]["was_surely_not_opened"] is False


def test_what_people_read(
    osak: Osak, group: Group, box: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The text names every server, the times, and what follows from them."""
    command = ["audit", str(box), *group.credential, "--config", str(group.config_file)]
    assert main(command) == 0
    before = capsys.readouterr().out
    assert before.count("not given out since 2") == 3
    assert "too few servers gave their share out for anybody to have opened it" in before
    assert osak("decrypt", box, "-o", tmp_path / "out", *group.credential).code == 0
    assert main(command) == 0
    after = capsys.readouterr().out
    assert re.search(r"given out once since \d{4}-\d\d-\d\d \d\d:\d\d UTC: \d{4}-\d\d-\d\d", after)
    assert "it may have been opened" in after


def test_nobody_answers(osak: Osak, group: Group, box: Path) -> None:
    """Exit code 6, with every server's outcome."""
    for server in group.servers:
        server.kill()
    failed = osak("audit", box, *group.credential)
    assert failed.code == 6
    assert [one["status"] for one in failed.facts["error"]["outcomes"]] == ["unreachable"] * 3


def test_credentials_that_cannot_ask(osak: Osak, group: Group, box: Path, tmp_path: Path) -> None:
    """A password signs nothing; a file without shares of this person has nobody to ask."""
    (tmp_path / "password").write_text("Kui-Arno-isaga", encoding="utf-8")
    given = osak("audit", box, "--password-file", tmp_path / "password")
    assert (given.code, "cannot sign" in given.errors) == (2, True)
    sealed = tmp_path / "p.cdoc2"
    letter = tmp_path / "kiri.txt"
    made = osak("encrypt", letter, "-o", sealed, "--password", "x", "--password-file", tmp_path / "password")
    assert made.code == 0, made.errors
    nothing = osak("audit", sealed, *group.credential)
    assert (nothing.code, "no shares of" in nothing.errors) == (2, True)


def test_the_library_asks_too(group: Group, box: Path) -> None:
    """Programs get the testimonies as values."""
    credential = PKCS12(group.person.p12_file, group.person.password_file.read_text(encoding="utf-8").strip())
    (history,) = audit(box, credential, config=group.config_file)
    assert (history.needed, history.was_surely_not_opened) == (2, True)
    assert [said.releases.count for said in history.testimonies if said.releases] == [0, 0, 0]
