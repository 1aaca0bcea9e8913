# SPDX-License-Identifier: MIT
"""Groups of writes: who is told what, and when."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from osak.node.group_commit import GroupCommit


class Disk:
    """Keeps groups of numbers, when it is let; with a 7 the first step fails, with a 13 the second."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.is_ready = threading.Event()
        self.is_ready.set()
        self.is_reached = threading.Event()

    def prepare(self, items: list[int]) -> Callable[[], list[int]]:
        """The first step."""
        if 7 in items:
            raise ValueError("no sevens")
        return lambda: self._commit(items)

    def _commit(self, items: list[int]) -> list[int]:
        self.is_reached.set()
        assert self.is_ready.wait(20)
        if 13 in items:
            raise OSError("no thirteens")
        self.groups.append(items)
        return [2 * item for item in items]

    def group_commit(self, max_items: int = 100) -> "GroupCommit[int, int]":
        """Groups on this disk."""
        return GroupCommit("disk", self.prepare, lambda error: RuntimeError(f"not kept: {error}"), max_items)


def refuse(*_: object) -> None:
    """What a system says that is full."""
    raise RuntimeError("no room")


async def test_what_comes_together_goes_together() -> None:
    """Items of one turn are one group, up to the limit, and each gets its own result, in order."""
    disk = Disk()
    commit = disk.group_commit(max_items=4)
    assert await asyncio.gather(*map(commit.commit, range(6))) == [0, 2, 4, 6, 8, 10]
    assert disk.groups == [[0, 1, 2, 3], [4, 5]]
    await commit.close()


async def test_what_comes_meanwhile_is_the_next_group() -> None:
    """While the disk is busy others wait, the oldest is told as lag, and then they go together."""
    disk = Disk()
    commit = disk.group_commit()
    assert commit.lag_seconds == 0
    disk.is_ready.clear()
    first = asyncio.ensure_future(commit.commit(1))
    assert await asyncio.to_thread(disk.is_reached.wait, 20)
    others = [asyncio.ensure_future(commit.commit(item)) for item in (2, 3)]
    await asyncio.sleep(0)
    earlier = commit.lag_seconds
    assert commit.lag_seconds > earlier > 0
    assert not first.done()
    disk.is_ready.set()
    assert await asyncio.gather(first, *others) == [2, 4, 6]
    assert disk.groups == [[1], [2, 3]]
    assert commit.lag_seconds == 0
    await commit.close()


@pytest.mark.parametrize("bad", [7, 13])
async def test_a_failure_is_the_groups(bad: int) -> None:
    """If either step fails everybody in the group is told why, and the next group is none the worse."""
    disk = Disk()
    commit = disk.group_commit()
    results = await asyncio.gather(*map(commit.commit, (1, bad, 2)), return_exceptions=True)
    assert [str(result) for result in results] == [
        f"not kept: no {'sevens' if bad == 7 else 'thirteens'}"
    ] * 3
    assert len({id(result) for result in results}) == 3
    assert await commit.commit(5) == 10
    assert disk.groups == [[5]]
    await commit.close()


async def test_who_goes_away_stops_nobody() -> None:
    """What was asked for is done, also if nobody waits for it any longer, and others get theirs."""
    disk = Disk()
    commit = disk.group_commit()
    gone = asyncio.ensure_future(commit.commit(1))
    other = asyncio.ensure_future(commit.commit(2))
    await asyncio.sleep(0)
    gone.cancel()
    assert await other == 4
    assert disk.groups == [[1, 2]]
    await commit.close()


async def test_no_room_for_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that gives no thread stops the start; one that takes no more work fails a group, not all."""
    disk = Disk()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="no room"):
            disk.group_commit()
    commit = disk.group_commit()
    with monkeypatch.context() as patched:
        patched.setattr(commit._thread, "submit", refuse)
        with pytest.raises(RuntimeError, match="not kept: no room"):
            await commit.commit(1)
    assert await commit.commit(2) == 4
    await commit.close()


async def test_closing_finishes_what_waits() -> None:
    """Close returns when all is done, and may be called again."""
    disk = Disk()
    commit = disk.group_commit(max_items=1)
    disk.is_ready.clear()
    waiting = [asyncio.ensure_future(commit.commit(item)) for item in (1, 2)]
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(commit.close())
    assert await asyncio.to_thread(disk.is_reached.wait, 20)
    assert not closing.done()
    disk.is_ready.set()
    await closing
    assert [task.done() for task in waiting] == [True, True]
    assert disk.groups == [[1], [2]]
    await commit.close()
