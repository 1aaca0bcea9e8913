# SPDX-License-Identifier: MIT
"""The log of what operators do by command: a chain of its own, which several commands may want at once."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from factories.rows import KEY

from osak.node.audit.acts import Acts, acts_folder
from osak.node.audit.keys import AuditKeys
from osak.node.audit.log import AuditLog
from osak.node.audit.record import Event
from osak.node.audit.segments import read_log, verify_log

KEYS = AuditKeys(KEY)


async def test_beside_the_log_of_a_running_node(tmp_path: Path) -> None:
    """A command writes while the node has its log; both verify, and neither has a line of the other's."""
    folder = tmp_path / "audit"
    log = AuditLog.open(folder, KEYS, time.time)
    await log.write(Event.START)
    await Acts(folder, KEYS).note(Event.BACKUP, shares=7)
    await log.close()
    assert verify_log(folder, frozenset({KEYS.public_key})).end.number == 3
    assert verify_log(acts_folder(folder), frozenset({KEYS.public_key})).checkpoint.number == 2
    assert [record.event for record in read_log(acts_folder(folder))] == ["backup", "checkpoint"]


def test_several_commands_at_once(tmp_path: Path) -> None:
    """They wait for each other, and each has its line in one chain."""

    def note(number: int) -> None:
        asyncio.run(Acts(tmp_path, KEYS).note(Event.RESTORE, number=number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(note, range(16)))
    verdict = verify_log(acts_folder(tmp_path), frozenset({KEYS.public_key}))
    assert verdict.end == verdict.checkpoint
    noted = [
        record.fields["number"] for record in read_log(acts_folder(tmp_path)) if record.event == "restore"
    ]
    assert sorted(noted) == list(range(16))


def test_without_an_audit_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that keeps none gets none by a command, here or elsewhere."""
    monkeypatch.chdir(tmp_path)
    asyncio.run(Acts(None, KEYS).note(Event.BACKUP, shares=7))
    assert list(tmp_path.iterdir()) == []
