# SPDX-License-Identifier: MIT
"""The audit log: whole when it is whole, found out when it is not, and healed after a crash."""

import asyncio
import hashlib
import json
import os
import resource
import secrets
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osak.node.audit.keys import AuditKeys, resolve
from osak.node.audit.log import AuditLog
from osak.node.audit.record import Event
from osak.node.audit.segments import find_segments, read_log, verify_log
from osak.node.errors import AuditError
from osak.node.sealing import NodeKey

KEYS = AuditKeys(NodeKey.from_bytes(b"k" * 32))
KEY = frozenset({KEYS.public_key})


def open_log(folder: Path, *, segment_bytes: int = 2000, checkpoint_records: int = 7) -> AuditLog:
    """A log with small segments."""
    log = AuditLog.open(folder, KEYS, lambda: 1_800_000_000.0)
    log.segment_bytes, log.checkpoint_records = segment_bytes, checkpoint_records
    return log


async def write_log(folder: Path, count: int = 60) -> None:
    """A whole log, closed."""
    log = open_log(folder)
    for number in range(count):
        await log.write(Event.NONCE, share=KEYS.pseudonym(f"{number:032x}"))
    await log.close()


async def test_a_whole_log(tmp_path: Path) -> None:
    """Lines, segments and checkpoints make one chain, also over restarts."""
    await write_log(tmp_path / "log")
    await write_log(tmp_path / "log")
    verdict = verify_log(tmp_path / "log", KEY)
    assert verdict.end == verdict.checkpoint
    assert verdict.torn == 0
    assert len(find_segments(tmp_path / "log")) > 4
    events = [record.event for record in read_log(tmp_path / "log")]
    assert (events.count("nonce"), events.count("stop")) == (120, 2)


@pytest.fixture(scope="module")
def whole() -> Iterator[Path]:
    """A whole log that nobody changes."""
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(write_log(Path(name) / "log"))
        yield Path(name) / "log"


@contextmanager
def copied(folder: Path) -> Iterator[Path]:
    """A copy to spoil."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(shutil.copytree(folder, Path(name) / "log"))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_every_changed_byte_is_found(whole: Path, data: st.DataObject) -> None:
    """Whatever byte of whatever segment is changed, added or taken out, the check fails."""
    with copied(whole) as folder:
        path = data.draw(st.sampled_from(find_segments(folder)))
        content = path.read_bytes()
        start = data.draw(st.integers(0, len(content) - 1))
        end = data.draw(st.integers(start, min(len(content), start + 300)))
        spoilt = content[:start] + data.draw(st.binary(max_size=4)) + content[end:]
        # Cutting at the very end is truncation, of which another test speaks.
        if spoilt == content or content.startswith(spoilt):
            return
        path.write_bytes(spoilt)
        with pytest.raises(AuditError):
            verify_log(folder, KEY)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_moved_and_missing_lines_are_found(whole: Path, data: st.DataObject) -> None:
    """Two lines exchanged, one taken out or doubled: the check fails."""
    with copied(whole) as folder:
        path = data.draw(st.sampled_from(find_segments(folder)[:-1]))
        lines = path.read_bytes().splitlines(keepends=True)
        first = data.draw(st.integers(0, len(lines) - 2))
        second = data.draw(st.integers(first + 1, len(lines) - 1))
        match data.draw(st.sampled_from(["exchange", "remove", "double"])):
            case "exchange":
                lines[first], lines[second] = lines[second], lines[first]
            case "remove":
                del lines[first]
            case _:
                lines.insert(second, lines[first])
        path.write_bytes(b"".join(lines))
        with pytest.raises(AuditError):
            verify_log(folder, KEY)


@pytest.mark.parametrize("number", [0, 1, -2])
def test_a_missing_segment_is_found(whole: Path, number: int) -> None:
    """No file can be taken out, but the last."""
    with copied(whole) as folder:
        find_segments(folder)[number].unlink()
        with pytest.raises(AuditError):
            verify_log(folder, KEY)


def test_a_log_cut_off_at_its_end(whole: Path) -> None:
    """A shorter log is one that could have been; an end that was noted elsewhere tells them apart."""
    noted = verify_log(whole, KEY).end
    with copied(whole) as folder:
        find_segments(folder)[-1].unlink()
        assert verify_log(folder, KEY).end.number < noted.number
        with pytest.raises(AuditError, match="noted line"):
            verify_log(folder, KEY, noted)


async def test_another_key_signs_nothing(tmp_path: Path) -> None:
    """A log written anew by who has not the node's key is found out by its checkpoints."""
    forger = AuditKeys(NodeKey.from_bytes(b"f" * 32))
    log = AuditLog.open(tmp_path / "log", forger, lambda: 0.0)
    await log.write(Event.NONCE)
    await log.close()
    with pytest.raises(AuditError, match=r"another key.*--public-key"):
        verify_log(tmp_path / "log", KEY)


@pytest.mark.parametrize("cut", [1, 10, 60, 66, 100])
async def test_a_crash_in_the_middle_of_a_line(tmp_path: Path, cut: int) -> None:
    """An unfinished line is cut off at the next start, which says so, and the log goes on."""
    await write_log(tmp_path / "log", 3)
    path = find_segments(tmp_path / "log")[-1]
    line = path.read_bytes().splitlines(keepends=True)[0]
    with path.open("ab") as stream:
        stream.write(line[:cut])
    with pytest.raises(AuditError):
        verify_log(tmp_path / "log", KEY)
    await write_log(tmp_path / "log", 3)
    assert verify_log(tmp_path / "log", KEY).torn == 1


async def test_a_changed_last_segment_stops_the_start(tmp_path: Path) -> None:
    """What no crash leaves is not healed: people must look at it."""
    await write_log(tmp_path / "log", 3)
    path = find_segments(tmp_path / "log")[-1]
    content = path.read_bytes()
    path.write_bytes(content[:80] + b"x" + content[81:])
    with pytest.raises(AuditError, match=f"{path.name}, line 1"):
        AuditLog.open(tmp_path / "log", KEYS, lambda: 0.0)
    assert path.read_bytes()[80:81] == b"x"


async def test_the_last_segment_alone_is_not_enough(tmp_path: Path) -> None:
    """Who moved one segment too many away is told which one the node needs, not that the log was changed."""
    await write_log(tmp_path / "log")
    *_, before, last = find_segments(tmp_path / "log")
    for path in find_segments(tmp_path / "log"):
        if path not in {before, last}:
            path.unlink()
    await open_log(tmp_path / "log").close()
    before.unlink()
    with pytest.raises(AuditError, match=f"{last.name}: the segment before it is missing"):
        open_log(tmp_path / "log")


@pytest.mark.parametrize("event", [[], {}, 1, None, "other"])
async def test_a_forged_event_is_found(tmp_path: Path, event: object) -> None:
    """Whoever can compute the chain writes what no node does, and hears so."""
    await write_log(tmp_path / "log", 3)
    path = find_segments(tmp_path / "log")[-1]
    end = verify_log(tmp_path / "log", KEY).end
    text = json.dumps({"event": event, "n": end.number + 1}, sort_keys=True, separators=(",", ":"))
    chain = hashlib.sha256(f"osak-audit-v1\0{end.chain}\0{text}".encode()).hexdigest()
    with path.open("a", encoding="ascii") as stream:
        stream.write(f"{chain} {text}\n")
    with pytest.raises(AuditError, match="a line that no node writes"):
        verify_log(tmp_path / "log", KEY)


async def test_an_emptied_log_is_not_whole(tmp_path: Path) -> None:
    """Who takes all segments away, or all lines out of them, is found out: no log is without a line."""
    await write_log(tmp_path / "log", 3)
    (path,) = find_segments(tmp_path / "log")
    path.write_bytes(b"")
    with pytest.raises(AuditError, match="there is no line in this log"):
        verify_log(tmp_path / "log", KEY)
    path.unlink()
    with pytest.raises(AuditError, match="there is no line in this log"):
        verify_log(tmp_path / "log", KEY)
    assert verify_log(tmp_path / "log", KEY, may_be_empty=True).end.number == 0


async def test_one_process_has_a_log(tmp_path: Path) -> None:
    """A second one is refused while the first one lives."""
    log = open_log(tmp_path / "log")
    with pytest.raises(AuditError, match="another process"):
        open_log(tmp_path / "log")
    await log.close()
    await log.close()
    await open_log(tmp_path / "log").close()
    with pytest.raises(AuditError, match="closed"):
        await log.write(Event.NONCE)


@contextmanager
def full_disk(at_bytes: int) -> Iterator[None]:
    """No file of this process grows beyond this size; a write that would is an error of the system."""
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (at_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@pytest.mark.parametrize("room", [0, 1, 50, 200])
async def test_a_full_disk(tmp_path: Path, room: int) -> None:
    """A line that does not fit is an error to who waits and leaves nothing; then it goes on by itself."""
    log = open_log(tmp_path / "log", segment_bytes=10**6)
    await log.write(Event.NONCE, share="a" * 200)
    size = find_segments(tmp_path / "log")[0].stat().st_size
    with full_disk(size + room):
        for _ in range(2):
            with pytest.raises(AuditError, match="cannot be written"):
                await log.write(Event.NONCE, share="b" * 300)
        with pytest.raises(AuditError):
            await log.check()
    await log.check()
    await log.write(Event.NONCE, share="c")
    await log.close()
    verdict = verify_log(tmp_path / "log", KEY)
    shares = [record.fields["share"][0] for record in read_log(tmp_path / "log") if record.event == "nonce"]
    assert (shares, verdict.torn) == (["a", "c"], 0)


async def test_many_lines_share_a_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a thousand lines at once each is on the disk when it is promised, with far fewer syncs."""
    syncs = 0
    real = os.fdatasync

    def count(descriptor: int) -> None:
        nonlocal syncs
        syncs += 1
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", count)
    log = open_log(tmp_path / "log", segment_bytes=10**7, checkpoint_records=10**6)
    await asyncio.gather(*(log.write(Event.NONCE, share=str(number)) for number in range(1000)))
    assert sum(1 for _ in read_log(tmp_path / "log")) == 1000
    assert syncs < 100
    await log.close()


@pytest.fixture
def may_sync(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Until it is set the disk syncs nothing."""
    told, real = threading.Event(), os.fdatasync

    def sync_when_told(descriptor: int) -> None:
        assert told.wait(20)
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", sync_when_told)
    return told


async def test_a_note_is_there_before_what_follows(tmp_path: Path, may_sync: threading.Event) -> None:
    """A note does not wait for the disk, but no later line is promised without it, and it keeps its place."""
    log = open_log(tmp_path / "log")
    await log.note(Event.NONCE, share="first")
    release = asyncio.ensure_future(log.write(Event.RELEASE, share="second"))
    await asyncio.sleep(0)
    await log.note(Event.NONCE, share="third")
    await asyncio.sleep(0)
    assert (release.done(), log.end.number) == (False, 0)
    may_sync.set()
    await release
    assert [record.fields["share"] for record in read_log(tmp_path / "log")][:2] == ["first", "second"]
    await log.close()
    assert [record.fields.get("share") for record in read_log(tmp_path / "log")][2] == "third"


async def test_notes_wait_while_the_log_cannot_be_written(tmp_path: Path) -> None:
    """The first note that fails is heard of by the next one, which is refused; then it goes on by itself."""
    log = open_log(tmp_path / "log")
    await log.write(Event.CREATE, share="a")
    with full_disk(find_segments(tmp_path / "log")[0].stat().st_size):
        await log.note(Event.NONCE, share="lost")  # for now
        await log._lines._is_idle.wait()
        with pytest.raises(AuditError, match="cannot be written"):
            await log.note(Event.NONCE, share="refused")
    await log.note(Event.NONCE, share="waited for")
    assert [record.fields["share"] for record in read_log(tmp_path / "log")] == ["a", "lost", "waited for"]
    await log.close()
    with pytest.raises(AuditError, match="closed"):
        await log.note(Event.NONCE, share="too late")


async def test_notes_do_not_fill_the_memory(tmp_path: Path, may_sync: threading.Event) -> None:
    """While the disk is slow only so many notes are taken; then each waits like any line."""
    log = open_log(tmp_path / "log", segment_bytes=10**7)
    notes = [asyncio.ensure_future(log.note(Event.NONCE, share=str(number))) for number in range(3000)]
    for _ in range(10):
        await asyncio.sleep(0)
    assert 100 < sum(note.done() for note in notes) < 1500
    may_sync.set()
    await asyncio.gather(*notes)
    await log.close()
    assert sum(1 for record in read_log(tmp_path / "log") if record.event == "nonce") == 3000


def test_pseudonyms() -> None:
    """The same id has the same one, as long as any other's; the node resolves it, another key does not."""
    anna, share = "etsi/PNOEE-48010010101", secrets.token_hex(16)
    assert KEYS.pseudonym(anna) == KEYS.pseudonym(anna)
    assert len(KEYS.pseudonym(anna)) == len(KEYS.pseudonym(share))
    assert KEYS.resolve(KEYS.pseudonym(anna)) == anna
    assert KEYS.resolve(KEYS.pseudonym(share)) == share
    other = AuditKeys(NodeKey.from_bytes(b"o" * 32))
    assert other.pseudonym(anna) != KEYS.pseudonym(anna)
    for wrong in (other.pseudonym(anna), "", "?", "A" * 76, KEYS.pseudonym(anna)[:-1]):
        assert KEYS.resolve(wrong) is None
    assert resolve(other.pseudonym(anna), [KEYS, other]) == anna
    with pytest.raises(AuditError, match="no pseudonym"):
        resolve(other.pseudonym(anna), [KEYS])


def test_lines_are_json(whole: Path) -> None:
    """Other programs can read a line: 64 digits, a space, JSON."""
    for line in find_segments(whole)[0].read_text().splitlines():
        fields = json.loads(line[65:])
        assert {"n", "time", "event"} <= fields.keys()
