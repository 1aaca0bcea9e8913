# SPDX-License-Identifier: MIT
"""By force: nodes and Redis are killed while uploads run, and no share that was acknowledged is missing.

``OSAK_TEST_KILLS`` says how often each is killed; some hundred by hand, a few in every run.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from factories.node_processes import PERSON, SQLITE, NodeProcess, make_node, started
from factories.redis_servers import RedisServer, redis_server

from osak.node.key_ring import read_ring
from osak.node.storage import open_store

KILLS = int(os.environ.get("OSAK_TEST_KILLS", "6"))
UPLOADERS = 16
NOW = 2_000_000_000
pytestmark = pytest.mark.timeout(60 + 30 * KILLS)


@dataclass
class Uploads:
    """Uploads that never stop, and what the node acknowledged of them: path and share."""

    node: NodeProcess
    acknowledged: dict[str, bytes] = field(default_factory=dict)
    failed: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def go_on(self) -> None:
        """Upload for ever; a failure is the client's to try again."""
        while True:
            share = secrets.token_bytes(32)
            try:
                status, path, _ = await self.node.upload(share)
            except (aiohttp.ClientError, OSError, TimeoutError, RuntimeError):
                status, path = 0, ""
            if status == 201:
                self.acknowledged[path] = share
                self._changed.set()
            else:
                self.failed += 1
                self._changed.set()
                await asyncio.sleep(0.01)

    async def more(self, count: int) -> None:
        """Return when so many more were acknowledged."""
        wanted = len(self.acknowledged) + count
        while len(self.acknowledged) < wanted:
            self._changed.clear()
            await self._changed.wait()

    async def fail(self, count: int) -> None:
        """Return when so many in all failed."""
        while self.failed < count:
            self._changed.clear()
            await self._changed.wait()

    async def check(self) -> None:
        """Every acknowledged share lies in the storage, whole."""
        config = self.node.config
        sealer = read_ring(config.sealing).sealer(secrets.token_bytes)
        store = await open_store(config.storage)
        missing = []
        for path, share in self.acknowledged.items():
            share_id = path.rpartition("/")[2]
            stored = await store.get(share_id, NOW)
            tag = sealer.recipient_tag(share_id, PERSON.recipient_id)
            if stored is None or sealer.open(stored.sealed, share_id, tag, stored.key_id) != share:
                missing.append(path)
        await store.close()
        assert missing == []


@asynccontextmanager
async def uploading(node: NodeProcess) -> AsyncIterator[Uploads]:
    """Uploads to a node that runs; it is ended afterwards."""
    uploads = Uploads(node)
    tasks: list[asyncio.Task[None]] = []
    try:
        await node.start()
        tasks += [asyncio.create_task(uploads.go_on()) for _ in range(UPLOADERS)]
        yield uploads
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await node.end()


async def kill_often(uploads: Uploads, kill_and_restart: Callable[[], Awaitable[None]]) -> None:
    """Kill in the midst of uploads, again and again; each time uploads work again and shares are there."""
    for _ in range(KILLS):
        await uploads.more(1 + secrets.randbelow(60))
        await kill_and_restart()
        await uploads.more(1)
        path = secrets.choice(list(uploads.acknowledged))
        answer = await uploads.node.fetch(path, await uploads.node.ticket(path))
        assert answer == (200, uploads.acknowledged[path])


async def test_a_node_on_sqlite_is_killed(tmp_path: Path) -> None:
    """SIGKILL of the process that writes the file loses nothing that was acknowledged."""
    async with uploading(make_node(tmp_path)) as uploads:

        async def kill_and_restart() -> None:
            await uploads.node.end()
            await uploads.node.start()

        await kill_often(uploads, kill_and_restart)
    await uploads.check()
    print(f"sqlite, node: {KILLS} kills, {len(uploads.acknowledged)} kept, {uploads.failed} failed")  # noqa: T201 - figures for the reader of -s


@pytest.mark.parametrize("victim", ["node", "redis"])
async def test_redis_or_its_node_is_killed(tmp_path: Path, victim: str) -> None:
    """SIGKILL of Redis, or of the node before it, loses nothing, and the node needs no restart."""
    with redis_server(tmp_path / "redis") as server:
        async with uploading(make_node(tmp_path, section(server))) as uploads:

            async def kill_and_restart() -> None:
                if victim == "node":
                    await uploads.node.end()
                    await uploads.node.start()
                else:
                    server.kill()
                    await asyncio.to_thread(server.start)

            await kill_often(uploads, kill_and_restart)
        await uploads.check()
    print(f"redis, {victim}: {KILLS} kills, {len(uploads.acknowledged)} kept, {uploads.failed} failed")  # noqa: T201 - figures for the reader of -s


def section(server: RedisServer) -> str:
    """What the node's YAML says of a Redis."""
    return f"  kind: redis\n  addresses: ['127.0.0.1:{server.port}']\n"


async def test_two_processes_on_one_redis(tmp_path: Path) -> None:
    """What one stored the other serves, and a ticket works once however many processes are asked at once."""
    with redis_server(tmp_path / "redis") as server:
        first = make_node(tmp_path, section(server))
        second = first.twin("second")
        async with started(first), started(second):
            status, path, _ = await first.upload(b"s" * 32)
            assert status == 201
            ticket = await second.ticket(path)
            answers = await asyncio.gather(*(node.fetch(path, ticket) for node in (first, second) * 10))
            assert sorted(answers) == [(200, b"s" * 32), *[(404, b"")] * 19]


async def test_redis_gone(tmp_path: Path) -> None:
    """While Redis is gone: 503 with Retry-After, not ready, alive; all well again when it is back."""
    with redis_server(tmp_path / "redis") as server:
        node = make_node(tmp_path, section(server))
        async with started(node):
            _, path, _ = await node.upload(b"s" * 32)
            ticket = await node.ticket(path)
            assert await node.readiness() == 200
            server.kill()
            status, _, headers = await node.upload(b"t" * 32)
            assert (status, int(headers["Retry-After"]) > 0) == (503, True)
            assert (await node.fetch(path, ticket))[0] == 503
            assert await node.readiness() == 503
            server.start()
            assert await node.readiness() == 200
            assert await node.fetch(path, ticket) == (200, b"s" * 32)


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
async def test_the_disk_is_full(tmp_path: Path, kind: str) -> None:
    """When no byte more fits: 503 and nothing half kept; what was acknowledged is there with room again."""
    full = ("prlimit", f"--fsize={512 * 1024}")
    with redis_server(tmp_path / "redis") as server:
        node = make_node(tmp_path, SQLITE if kind == "sqlite" else section(server))
        if kind == "redis":
            server.kill()
            server.before = full
            server.start()
        else:
            node.before = full
        async with uploading(node) as uploads:
            await uploads.fail(5 * UPLOADERS)
        server.kill()
        server.before = node.before = ()
        server.start()
        async with uploading(node) as again:
            await again.more(10)
        await uploads.check()
        await again.check()
        assert len(uploads.acknowledged) > 100
