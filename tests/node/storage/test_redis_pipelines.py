# SPDX-License-Identifier: MIT
"""Commands that travel together, and are answered each for itself."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from factories.redis_servers import RedisServer, redis_server, settings_for

from osak.node.errors import StorageError
from osak.node.storage.redis_database import RedisDatabase


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[RedisServer, RedisDatabase]]:
    """A Redis and a client of it."""
    with redis_server(folder) as server:
        database = RedisDatabase.open(settings_for(server))
        yield server, database
        await database.close()


async def reads_processed(database: RedisDatabase) -> int:
    """How often the server read from a connection."""
    return int((await database.read("INFO", "stats"))["total_reads_processed"])


async def test_commands_of_one_turn_share_exchanges(tmp_path: Path) -> None:
    """A hundred commands at once are each answered, and the server reads far fewer times."""
    async with opened(tmp_path / "redis") as (_, database):
        before = await reads_processed(database)
        await asyncio.gather(*(database.write(f"k{n}", "SET", f"k{n}", n) for n in range(100)))
        found = await asyncio.gather(*(database.read("GET", f"k{n}") for n in range(100)))
        assert found == [str(n).encode() for n in range(100)]
        assert await reads_processed(database) - before < 20


async def test_an_error_is_its_commands_alone(tmp_path: Path) -> None:
    """A command that fails takes no other with it, and its error quotes neither key nor value."""
    async with opened(tmp_path / "redis") as (_, database):
        await database.write("text", "SET", "text", "no number")
        results = await asyncio.gather(
            database.read("GET", "text"),
            database.write("text", "INCR", "text"),
            database.write("text", "SET", "text", "a value", "NX", "EXAT", "never"),
            database.write("text", "APPEND", "text", "!"),
            return_exceptions=True,
        )
        assert (results[0], results[3]) == (b"no number", 10)
        for failed in results[1:3]:
            assert isinstance(failed, StorageError)
            assert "text" not in str(failed)
            assert "value" not in str(failed).replace("value is not an integer", "")


async def test_an_error_before_replicas_quotes_nothing(tmp_path: Path) -> None:
    """A command that fails where replicas are waited for says why, but neither key nor value."""
    with redis_server(tmp_path / "redis") as server:
        database = RedisDatabase.open(settings_for(server), replicas=1)
        await database.read("SET", "text", "no number")
        with pytest.raises(StorageError, match="not an integer") as caught:
            await database.write("text", "INCRBY", "text", 5)
        assert "text" not in str(caught.value)
        await database.close()


async def test_a_broken_connection_fails_all_that_wait(tmp_path: Path) -> None:
    """While Redis is gone everybody is told; afterwards it goes on."""
    async with opened(tmp_path / "redis") as (server, database):
        assert await database.write("k", "SET", "k", 1) is not None
        server.kill()
        results = await asyncio.gather(*(database.read("GET", "k") for _ in range(5)), return_exceptions=True)
        assert [type(result) for result in results] == [StorageError] * 5
        server.start()
        assert await database.read("GET", "k") == b"1"


async def test_who_goes_away_stops_nobody(tmp_path: Path) -> None:
    """What was asked for is done, also if nobody waits for it any longer, and others get their answers."""
    async with opened(tmp_path / "redis") as (_, database):
        gone = asyncio.ensure_future(database.write("gone", "SET", "gone", 1))
        other = asyncio.ensure_future(database.write("other", "SET", "other", 2))
        await asyncio.sleep(0)
        gone.cancel()
        await other
        assert (await database.read("GET", "gone"), await database.read("GET", "other")) == (b"1", b"2")


async def test_a_closed_one_answers_nothing(tmp_path: Path) -> None:
    """Nothing is sent once it is closed."""
    async with opened(tmp_path / "redis") as (_, database):
        await database.close()
        with pytest.raises(StorageError, match="closed"):
            await database.read("GET", "k")


async def test_no_late_answer_is_taken_for_another(tmp_path: Path) -> None:
    """After a pipeline that was answered too late, whoever asks next gets their own answer."""
    with redis_server(tmp_path / "redis") as server:
        database = RedisDatabase.open(settings_for(server, timeout_seconds=0.3, max_connections=1))
        for number in range(5):
            await database.write(f"k{number}", "SET", f"k{number}", number)
        assert server.process is not None
        server.process.send_signal(signal.SIGSTOP)
        results = await asyncio.gather(
            *(database.read("GET", f"k{number}") for number in range(5)), return_exceptions=True
        )
        assert [type(result) for result in results] == [StorageError] * 5
        server.process.send_signal(signal.SIGCONT)
        for number in reversed(range(5)):
            assert await database.read("GET", f"k{number}") == str(number).encode()
        await database.close()
