# SPDX-License-Identifier: MIT
"""Re-encrypting from and to shares over real servers, and shares taken back when it fails."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from e2e.conftest import Group, Osak


@pytest.fixture
def password(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text("Salajane-kevad-2026\n")
    return path


def stored(group: Group) -> list[int]:
    """How many shares lie at every server."""
    counts = []
    for server in group.servers:
        database = server.folder / "shares.sqlite"
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            counts.append(connection.execute("SELECT count(*) FROM shares").fetchone()[0])
    return counts


def deletions(group: Group) -> list[int]:
    """How many shares were taken back at every server, by its log."""
    return [(server.folder / "node.log").read_text().count('"method": "DELETE"') for server in group.servers]


def test_from_shares_to_a_password_and_back(osak: Osak, group: Group, tmp_path: Path, password: Path) -> None:
    """A person's shares open the old file, a password the new one, shares again the next."""
    (tmp_path / "kiri.txt").write_text("Tere!\n" * 1000)
    first, second, third = (tmp_path / f"{name}.cdoc2" for name in ("first", "second", "third"))
    assert osak("encrypt", tmp_path / "kiri.txt", "-o", first, "--to", group.person.code).code == 0
    given = ["--password", "kevad", "--password-file", str(password)]
    done = osak("reencrypt", first, "-o", second, *group.credential, *given)
    assert done.code == 0, done.errors
    assert [record["kind"] for record in done.facts["left_out"]] == ["threshold-shares"]
    assert (
        f"not carried over: Smart-ID or Mobile-ID of {group.person.code} (key shares, any 2 of 3"
        in done.errors
    )
    opening = ["--open-password-file", str(password)]
    again = osak("reencrypt", second, "-o", third, *opening, *given, "--to", group.person.code)
    assert again.code == 0, again.errors
    assert again.facts["left_out"] == []
    group.servers[1].kill()
    opened = osak("decrypt", third, "-o", tmp_path / "out", *group.credential)
    assert opened.code == 0, opened.errors
    assert (tmp_path / "out" / "kiri.txt").read_bytes() == (tmp_path / "kiri.txt").read_bytes()


def test_shares_are_taken_back_when_the_old_file_is_damaged(
    osak: Osak, group: Group, tmp_path: Path, password: Path
) -> None:
    """The tag is known only at the end: shares stored until then are gone again, and so is the file."""
    (tmp_path / "kiri.txt").write_text("Tere!\n" * 1000)
    old = tmp_path / "old.cdoc2"
    given = ["--password", "kevad", "--password-file", str(password)]
    assert osak("encrypt", tmp_path / "kiri.txt", "-o", old, *given).code == 0
    data = bytearray(old.read_bytes())
    data[-1] ^= 1
    old.write_bytes(data)
    before, deleted, files = stored(group), deletions(group), sorted(tmp_path.iterdir())
    opening = ["--open-password-file", str(password)]
    done = osak("reencrypt", old, "-o", tmp_path / "new.cdoc2", *opening, "--to", group.person.code)
    assert done.code == 5
    assert stored(group) == before
    assert deletions(group) == [count + 1 for count in deleted]
    assert sorted(tmp_path.iterdir()) == files


def test_no_share_is_stored_before_the_old_file_is_unlocked(
    osak: Osak, group: Group, tmp_path: Path, password: Path
) -> None:
    """A wrong password: exit code 3, and no server was asked to keep anything."""
    (tmp_path / "kiri.txt").write_text("Tere!\n")
    (tmp_path / "wrong").write_text("Midagi-muud-2026\n")
    old = tmp_path / "old.cdoc2"
    given = ["--password", "kevad", "--password-file", str(password)]
    assert osak("encrypt", tmp_path / "kiri.txt", "-o", old, *given).code == 0
    for server in group.servers:
        server.stop()
    opening = ["--open-password-file", str(tmp_path / "wrong")]
    done = osak("reencrypt", old, "-o", tmp_path / "new.cdoc2", *opening, "--to", group.person.code)
    assert done.code == 3
    assert not (tmp_path / "new.cdoc2").exists()
