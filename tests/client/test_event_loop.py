# SPDX-License-Identifier: MIT
"""The library within an event loop: refused where it would block, awaited instead, stopped and undone."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from osak.client import (
    ClientConfig,
    DamagedContainerError,
    Password,
    RunningLoopError,
    decrypt,
    decrypt_async,
    encrypt,
    encrypt_async,
    inspect,
    inspect_async,
    list_files,
    list_files_async,
    reencrypt,
    reencrypt_async,
)
from osak.client.event_loop import in_thread, run

PASSWORD = Password("Kui-Arno-isaga", label="archive")
NONE = ClientConfig()
PATIENCE_SECONDS = 30


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "letter.bin"
    path.write_bytes(bytes(8 * 2**20))
    return path


async def test_whatever_would_block_is_refused(letter: Path, tmp_path: Path) -> None:
    """Each function names the one to await, before it has done anything."""
    box = tmp_path / "a.cdoc2"
    calls: list[tuple[str, Callable[[], object]]] = [
        ("encrypt", lambda: encrypt(letter, PASSWORD, box)),
        ("decrypt", lambda: decrypt(box, PASSWORD)),
        ("list_files", lambda: list_files(box, PASSWORD)),
        ("reencrypt", lambda: reencrypt(box, PASSWORD, PASSWORD, box)),
        ("inspect", lambda: inspect(box)),
    ]
    for name, call in calls:
        with pytest.raises(RunningLoopError, match=f"await {name}_async instead"):
            call()
    assert not box.exists()


async def test_all_there_is_can_be_awaited(letter: Path, tmp_path: Path) -> None:
    """The twins return what the functions return, and raise what they raise."""
    box, other = tmp_path / "a.cdoc2", tmp_path / "b.cdoc2"
    done = await encrypt_async(letter, PASSWORD, box, config=NONE)
    assert (done.path, done.files) == (box, 1)
    assert [record.kind for record in await inspect_async(box, config=NONE)] == ["password"]
    moved = await reencrypt_async(box, PASSWORD, PASSWORD, other, config=NONE)
    assert moved.left_out == ()
    listed = await list_files_async(other, PASSWORD, config=NONE)
    opened = await decrypt_async(other, PASSWORD, tmp_path / "out", config=NONE)
    assert [file.name for file in opened.files] == [file.name for file in listed.files] == ["letter.bin"]
    with pytest.raises(DamagedContainerError):
        await decrypt_async(letter, PASSWORD, config=NONE)


async def test_the_loop_goes_on_meanwhile(letter: Path, tmp_path: Path) -> None:
    """Progress is told in the caller's thread, in order and to its end, before the result is there."""
    told: list[tuple[int, int | None]] = []
    threads = set()

    def tell(done: int, total: int | None) -> None:
        told.append((done, total))
        threads.add(threading.current_thread())

    await encrypt_async(letter, PASSWORD, tmp_path / "a.cdoc2", config=NONE, progress=tell)
    assert threads == {threading.current_thread()}
    assert told == sorted(told)
    assert told[-1] == (2**23, 2**23)


async def test_cancelled_work_is_undone_before_it_lets_go(letter: Path, tmp_path: Path) -> None:
    """A cancellation in the middle: when it comes out, no file is left and no thread is at it."""
    begun = asyncio.Event()
    work = asyncio.create_task(
        encrypt_async(
            _endless(letter), PASSWORD, tmp_path / "a.cdoc2", config=NONE, progress=lambda *_: begun.set()
        )
    )
    await asyncio.wait_for(begun.wait(), PATIENCE_SECONDS)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(work, PATIENCE_SECONDS)
    assert _left_in(tmp_path) == [letter]


async def test_a_deadline_stops_work(letter: Path, tmp_path: Path) -> None:
    """``asyncio.timeout`` works as with anything else that is awaited."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await encrypt_async(_endless(letter), PASSWORD, tmp_path / "a.cdoc2", config=NONE)
    assert _left_in(tmp_path) == [letter]


def _left_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def _endless(letter: Path) -> list[Path]:
    """Far more to encrypt than anybody waits for: the same file under a thousand names."""
    folder = letter.parent.parent / f"{letter.parent.name}-names"
    folder.mkdir()
    names = [folder / str(number) for number in range(1000)]
    for name in names:
        name.hardlink_to(letter)
    return names


async def test_asking_servers_is_stopped_at_once() -> None:
    """What waits for a server that never answers is cancelled, and undone to its end in spite of that."""
    asked, undone = threading.Event(), []

    async def ask() -> None:
        asked.set()
        await asyncio.Event().wait()

    async def undo() -> None:
        await asyncio.sleep(0)
        undone.append("undone")

    def work() -> None:
        try:
            run(ask())
        finally:
            run(undo(), is_undo=True)

    task = asyncio.create_task(in_thread(work)())
    await asyncio.to_thread(asked.wait, PATIENCE_SECONDS)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, PATIENCE_SECONDS)
    assert undone == ["undone"]


async def test_a_second_cancellation_does_not_leave_work_alone() -> None:
    """However often it is cancelled, the wait ends with the work and not before."""
    asked, may_end, ended = threading.Event(), threading.Event(), []

    def work() -> None:
        asked.set()
        may_end.wait(PATIENCE_SECONDS)
        ended.append("ended")

    task = asyncio.create_task(in_thread(work)())
    await asyncio.to_thread(asked.wait, PATIENCE_SECONDS)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, PATIENCE_SECONDS)
    assert ended == ["ended"]


def test_without_a_loop_nothing_is_different(letter: Path, tmp_path: Path) -> None:
    """After a loop has ended in this thread, the plain functions work again."""
    asyncio.run(asyncio.sleep(0))
    assert encrypt(letter, PASSWORD, tmp_path / "a.cdoc2", config=NONE).files == 1
