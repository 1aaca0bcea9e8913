# SPDX-License-Identifier: MIT
"""The library against real servers: the page's example, and asking them from within an event loop."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from e2e.conftest import Group
from factories.documents import blocks, run

from osak.client import PKCS12, NotEnoughSharesError, decrypt_async, encrypt_async

PAGE = "docs/library.md"


@pytest.fixture
def folder(group: Group, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the examples run, with the group's configuration."""
    (tmp_path / "contract.pdf").write_bytes(b"%PDF-1.7 ...")
    shutil.copy(group.person.p12_file, tmp_path / "jaak.p12")
    shutil.copy(group.person.password_file, tmp_path / "jaak.password")
    monkeypatch.setenv("OSAK_CONFIG", str(group.config_file))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_examples_with_servers_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The page's examples for a person, one after the other, find their servers in the configuration."""
    names: dict[str, Any] = {}
    for line, body in blocks(PAGE, "python servers"):
        run(PAGE, line, body, names)
    # A line for each server that took a share, then one for each that tells how often it gave it out.
    assert len(capsys.readouterr().out.splitlines()) == 3 + 3
    assert (folder / "received" / "contract.pdf").exists()


async def test_several_at_once_in_one_loop(group: Group, folder: Path) -> None:
    """Shares are stored and collected for several files at the same time, all awaited in one loop."""
    code, names = group.person.code, ("a", "b", "c")
    await asyncio.gather(*(encrypt_async("contract.pdf", code, f"{name}.cdoc2") for name in names))
    credential = PKCS12("jaak.p12", (folder / "jaak.password").read_text().strip())
    opened = await asyncio.gather(*(decrypt_async(f"{name}.cdoc2", credential) for name in names))
    assert [one.files[0].open().read() for one in opened] == [b"%PDF-1.7 ..."] * 3


async def test_too_few_servers_are_told_one_by_one(group: Group, folder: Path) -> None:
    """The error of the library carries each server's outcome, for a program to show."""
    await encrypt_async("contract.pdf", group.person.code, "a.cdoc2")
    for server in group.servers[:2]:
        server.stop()
    credential = PKCS12("jaak.p12", (folder / "jaak.password").read_text().strip())
    with pytest.raises(NotEnoughSharesError) as caught:
        await decrypt_async("a.cdoc2", credential, folder / "out")
    assert (caught.value.needed, len(caught.value.outcomes)) == (2, 3)
    assert not (folder / "out").exists()
