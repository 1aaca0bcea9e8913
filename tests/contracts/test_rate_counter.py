# SPDX-License-Identifier: MIT
"""What every rate counter promises, whatever keeps its buckets."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from factories.redis_servers import RedisServer, redis_cluster, redis_server, settings_for

from osak.node.limits.counter import MemoryCounter, RateCounter
from osak.node.limits.redis_counter import RedisCounter
from osak.node.rate_settings import Rate

KEY = bytes(range(32))
LOG: structlog.typing.FilteringBoundLogger = structlog.get_logger()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One Redis."""
    with redis_server(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[RedisServer]]:
    """A Cluster of three masters."""
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


# redis-py leaves connections to lost nodes to the garbage collector.
@pytest.fixture(params=["memory", "server", "cluster"])
async def counter(request: pytest.FixtureRequest) -> AsyncIterator[RateCounter]:
    """A counter of each kind."""
    if request.param == "memory":
        yield MemoryCounter()
        return
    running = request.getfixturevalue(request.param)
    settings = (
        settings_for(running) if request.param == "server" else settings_for(running[0], mode="cluster")
    )
    shared = RedisCounter.open(settings, KEY, LOG)
    yield shared
    await shared.close()


async def test_a_bucket_that_runs_dry(counter: RateCounter) -> None:
    """As many at once as the rate says; then it tells how long the next token takes, and keeps to it."""
    rate = Rate(5, 3600)
    assert [await counter.take("dry", rate) for _ in range(5)] == [0.0] * 5
    waits = [await counter.take("dry", rate) for _ in range(3)]
    # A refused request takes nothing: the wait does not grow.
    assert all(700 < wait <= 720 for wait in waits)
    assert waits[2] <= waits[0]


async def test_keys_do_not_share_tokens(counter: RateCounter) -> None:
    """One client's bucket is nobody else's."""
    rate = Rate(1, 3600)
    assert [await counter.take(f"client {number}", rate) for number in range(20)] == [0.0] * 20
    assert await counter.take("client 7", rate) > 0


async def test_tokens_come_back(counter: RateCounter) -> None:
    """Whoever comes again when a token is due is let in."""
    rate = Rate(50, 1)
    wait = 0.0
    for _ in range(200):
        wait = await counter.take("back", rate)
        if wait:
            break
    assert 0 < wait <= 0.02
    deadline = time.monotonic() + 10
    while await counter.take("back", rate) > 0:
        assert time.monotonic() < deadline


async def test_two_processes_count_together(server: RedisServer) -> None:
    """What one process let through, the other counts too; only under the same node key."""
    one, two = (RedisCounter.open(settings_for(server), KEY, LOG) for _ in range(2))
    other = RedisCounter.open(settings_for(server), bytes(32), LOG)
    rate = Rate(4, 3600)
    assert [await each.take("both", rate) for each in (one, two) * 2] == [0.0] * 4
    assert await one.take("both", rate) > 0
    assert await two.take("both", rate) > 0
    assert await other.take("both", rate) == 0.0
    for each in (one, two, other):
        await each.close()


async def test_redis_learns_no_names_and_forgets(server: RedisServer) -> None:
    """Neither address nor share stands in Redis, and each bucket ends when it would be full again."""
    server.ask("FLUSHALL")
    shared = RedisCounter.open(settings_for(server), KEY, LOG)
    await shared.take("address:192.0.2.7", Rate(60, 60))
    assert "192.0.2" not in server.ask("KEYS", "*")
    (name,) = [line for line in server.ask("KEYS", "osak:rate:*").split() if line.startswith("osak:")][:1]
    assert server.ask("PTTL", name) != ":-1\r\n"  # it has an end
    await shared.close()


async def test_a_clock_that_is_set_back(server: RedisServer) -> None:
    """Who was counted before Redis's clock was set back by a day is not kept out for a day, nor uncounted."""
    server.ask("FLUSHALL")
    shared = RedisCounter.open(settings_for(server), KEY, LOG)
    rate = Rate(2, 3600)
    assert await shared.take("address:192.0.2.7", rate) == 0.0
    (name,) = [line for line in server.ask("KEYS", "osak:rate:*").split() if line.startswith("osak:")]
    server.ask("SET", name, f"{time.time() + 86400:.6f}")
    assert [await shared.take("address:192.0.2.7", rate) for _ in range(2)] == [0.0, 0.0]
    assert 0 < await shared.take("address:192.0.2.7", rate) <= 1800
    await shared.close()


class Notes:
    """A log of which level and event are kept, and a time that a test sets."""

    def __init__(self) -> None:
        self.logged: list[tuple[str, str]] = []
        self.now = 1000.0
        self.log: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(None, processors=[self._keep])

    def _keep(self, _logger: object, method: str, event: structlog.typing.EventDict) -> str:
        self.logged.append((method, str(event["event"])))
        raise structlog.DropEvent

    def open(self, server: RedisServer) -> RedisCounter:
        """A counter that tells these."""
        settings = settings_for(server, timeout_seconds=0.5)
        return RedisCounter.open(settings, KEY, self.log, lambda: self.now)


async def test_without_redis_each_counts_alone(tmp_path: Path) -> None:
    """A counter that is gone stops nobody and lets nobody come unlimited; the log tells when."""
    notes = Notes()
    with redis_server(tmp_path / "redis") as running:
        shared = notes.open(running)
        rate = Rate(2, 3600)
        assert await shared.take("a", rate) == 0.0
        running.kill()
        assert [await shared.take("a", rate) for _ in range(2)] == [0.0, 0.0]
        assert await shared.take("a", rate) > 0
        assert notes.logged == [("warning", "counting alone")]
        running.start()
        notes.now += 6
        assert await shared.take("b", rate) == 0.0
        assert notes.logged == [("warning", "counting alone"), ("info", "counting together")]
        await shared.close()


async def test_a_redis_that_hangs_keeps_nobody_waiting(tmp_path: Path) -> None:
    """While it does not answer, one request in five seconds waits for it, and no other does."""
    notes = Notes()
    with redis_server(tmp_path / "redis") as running:
        shared = notes.open(running)
        rate = Rate(1000, 3600)
        assert await shared.take("a", rate) == 0.0
        assert running.process is not None
        running.process.send_signal(signal.SIGSTOP)
        assert await shared.take("a", rate) == 0.0
        assert notes.logged == [("warning", "counting alone")]
        for _ in range(2):
            async with asyncio.timeout(0.4):  # no request of these waits for half a second
                assert [await shared.take("a", rate) for _ in range(20)] == [0.0] * 20
            notes.now += 6
            first = asyncio.ensure_future(shared.take("a", rate))
            await asyncio.wait([first], timeout=0.05)
            assert not first.done()
            async with asyncio.timeout(0.3):
                assert await shared.take("a", rate) == 0.0
            assert await first == 0.0
        running.process.send_signal(signal.SIGCONT)
        notes.now += 6
        assert await shared.take("a", rate) == 0.0
        assert notes.logged == [("warning", "counting alone"), ("info", "counting together")]
        await shared.close()
