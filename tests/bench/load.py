# SPDX-License-Identifier: MIT
"""What one node bears: whole fetches (nonce, signature, ticket, share) by many people at once, over TLS.

First as fast as a node on one core can, then at half of that with a fixed schedule: a request's latency
counts from when it was due, so a node that stalls cannot hide it. Then fetches whose nonces were there
before, and fetches by people whom the node has never seen, so that it checks every certificate anew. The
client is bare, so that it does not measure itself; it has the other core. All checks and the audit log are
on, rates are off.
"""

import asyncio
import gc
import json
import os
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import cast

import uvloop
from bench.measure import show
from factories.node_processes import AUTHORITY, SQLITE, NodeProcess, make_node, started
from factories.people import Person
from factories.redis_servers import redis_server

from osak.node.key_ring import read_ring
from osak.node.storage import open_store
from osak.node.storage.base import StoredShare
from osak.shares.protocol.messages import ShareMessage
from osak.shares.protocol.ticket import draft_ticket
from osak.shares.protocol.urls import Audience, ServerURL

_PEOPLE = 100
_AT_ONCE = 24
_FILL_AT_ONCE = 5000
_SECONDS = 8.0
_STRANGERS = 2000
_SOAK_SECONDS = 600.0
_SOAK_SHARES = 1_000_000


def run() -> None:
    """Print fetches a core second and latencies for each storage, with one process and with two."""
    uvloop.run(_measure_all())


def soak() -> None:
    """Ten minutes at half load, with a million shares in the store: does memory grow?"""
    uvloop.run(_soak())


class _Connection(asyncio.Protocol):
    """One kept connection that speaks just enough HTTP, and costs little: see ``_Client``."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the open transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's derives from none of asyncio's

    def data_received(self, data: bytes) -> None:
        """Hand a reply over once it is whole."""
        self._data += data
        head, end, body = self._data.partition(b"\r\n\r\n")
        if end and len(body) == int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]):
            self._data = b""
            if head.startswith(b"HTTP/1.1 200"):
                self._reply.set_result(body)
            else:
                self._reply.set_exception(RuntimeError(body.decode()))

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits, waits no longer."""
        if not self._reply.done():
            self._reply.set_exception(exc or ConnectionResetError())

    async def ask(self, method: str, path: str, headers: str = "") -> bytes:
        """Send a request without a body; return the reply's body if it is a 200."""
        self._reply = asyncio.get_running_loop().create_future()
        assert self._transport is not None
        self._transport.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode())
        return await self._reply

    def close(self) -> None:
        """End it."""
        assert self._transport is not None
        self._transport.abort()


@dataclass
class _Client:
    """People with a share each at one node, and connections to its processes."""

    audience_url: ServerURL
    shares: Sequence[tuple[Person, str]]
    strangers: Sequence[tuple[Person, str]]
    idle: asyncio.Queue[_Connection] = field(default_factory=asyncio.Queue)
    latencies: list[float] = field(default_factory=list)

    async def fetch(self, person: Person, path: str, due: float) -> None:
        """One whole fetch; its latency counts from ``due``, less the signature, which is the person's."""
        async with self._connection() as connection:
            nonce = await connection.ask("POST", f"{path}/nonce")
            signing = time.perf_counter()
            headers = self._ticket(person, path, nonce)
            signing = time.perf_counter() - signing
            await connection.ask("GET", path, headers)
            self.latencies.append(time.perf_counter() - due - signing)

    async def prepare(self, people: Sequence[tuple[Person, str]]) -> list[tuple[str, str]]:
        """Nonces and tickets for all of them; paths with the headers to fetch them."""
        prepared = []
        async with self._connection() as connection:
            for person, path in people:
                nonce = await connection.ask("POST", f"{path}/nonce")
                prepared.append((path, self._ticket(person, path, nonce)))
        return prepared

    async def fetch_all(self, prepared: Sequence[tuple[str, str]]) -> None:
        """Use up what was prepared, as fast as possible."""
        left = iter(prepared)

        async def one_after_another() -> None:
            async with self._connection() as connection:
                for path, headers in left:
                    await connection.ask("GET", path, headers)

        await asyncio.gather(*(one_after_another() for _ in range(self.idle.qsize())))

    def _ticket(self, person: Person, path: str, reply: bytes) -> str:
        audience = Audience(self.audience_url, path.rpartition("/")[2], json.loads(reply)["nonce"])
        draft = draft_ticket(person.recipient_id, person.algorithm, [audience])
        ticket = draft.present(person.sign(draft.signing_input), 0)
        return f"x-cdoc2-auth-ticket: {ticket}\r\nx-cdoc2-auth-x5c: {person.x5c}\r\n"

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[_Connection]:
        connection = await self.idle.get()
        try:
            yield connection
        finally:
            self.idle.put_nowait(connection)

    async def as_fast_as_possible(self, seconds: float) -> float:
        """Fetches a second, always as many under way as there are connections."""
        self.latencies.clear()
        people, end = cycle(self.shares), time.perf_counter() + seconds

        async def one_after_another() -> None:
            while time.perf_counter() < end:
                await self.fetch(*next(people), time.perf_counter())

        started_at = time.perf_counter()
        await asyncio.gather(*(one_after_another() for _ in range(self.idle.qsize())))
        return len(self.latencies) / (time.perf_counter() - started_at)

    async def at_rate(self, per_second: float, seconds: float) -> None:
        """A fetch every so often, whatever became of the ones before."""
        self.latencies.clear()
        start, people = time.perf_counter(), cycle(self.shares)
        async with asyncio.TaskGroup() as group:
            for number in range(int(per_second * seconds)):
                due = start + number / per_second
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(self.fetch(*next(people), due))


async def _measure_all() -> None:
    show(
        "setup",
        "fetches/core-s",
        "nonce there before",
        "new certificate each",
        "p50, p99, p99.9 of nonce and share at half load; memory of a process",
    )
    for name, storage, processes in (
        ("SQLite, 1 process", "sqlite", 1),
        ("Redis, 1 process", "redis", 1),
        ("Redis, 2 processes", "redis", 2),
    ):
        async with _running(storage, processes) as (nodes, client):
            await client.as_fast_as_possible(2)
            core = _core_seconds(nodes)
            rate = await client.as_fast_as_possible(_SECONDS)
            whole = len(client.latencies) / (_core_seconds(nodes) - core)
            await client.at_rate(rate / 2, _SECONDS)
            known = await _fetches_alone(nodes, client, [*client.shares] * (_STRANGERS // _PEOPLE))
            strangers = await _fetches_alone(nodes, client, client.strangers)
            show(
                name,
                f"{whole:,.0f}",
                f"{known:,.0f}",
                f"{strangers:,.0f}",
                f"{rate:,.0f} whole/s in all",
                _latencies(client),
                _memory(nodes),
            )


async def _fetches_alone(
    nodes: Sequence[NodeProcess], client: _Client, people: Sequence[tuple[Person, str]]
) -> float:
    """Fetches a core second, if their nonces cost nothing."""
    prepared = await client.prepare(people)
    core = _core_seconds(nodes)
    await client.fetch_all(prepared)
    return len(people) / (_core_seconds(nodes) - core)


async def _soak() -> None:
    async with _running("sqlite", 1, _SOAK_SHARES) as (nodes, client):
        rate = await client.as_fast_as_possible(_SECONDS)
        show("before", _memory(nodes))
        end = time.perf_counter() + _SOAK_SECONDS
        while time.perf_counter() < end:
            await client.at_rate(rate / 2, 60)
            show(f"after another minute at {rate / 2:,.0f}/s", _memory(nodes), _latencies(client))


@asynccontextmanager
async def _running(
    storage: str, processes: int, shares: int = 0
) -> AsyncIterator[tuple[list[NodeProcess], _Client]]:
    """Processes of one node and a client of them, on cores of their own; ``shares`` lie there already."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="osak-load-")))
        text = SQLITE
        if storage == "redis":
            redis = stack.enter_context(redis_server(folder / "redis"))
            text = f"  kind: redis\n  addresses: ['127.0.0.1:{redis.port}']\n"
        nodes = [make_node(folder, text)]
        await _fill(nodes[0], shares)
        nodes += [nodes[0].twin(str(number)) for number in range(2, processes + 1)]
        for node in nodes:
            await stack.enter_async_context(started(node))
            _pin(node, 0)
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        # Before there are connections: the node closes those that say nothing for as long as this takes.
        people = await _store(nodes[0], _PEOPLE + _STRANGERS)
        client = _Client(ServerURL.parse(nodes[0].url), people[:_PEOPLE], people[_PEOPLE:])
        for number in range(_AT_ONCE):
            client.idle.put_nowait(await _connect(nodes[number % len(nodes)], stack))
        gc.collect()
        gc.freeze()  # else the client's collector goes through all people, and nodes seem to rest meanwhile
        yield nodes, client


async def _fill(node: NodeProcess, count: int) -> None:
    """Put shares of nobody in particular into the store of a node that does not run yet."""
    if not count:
        return
    key_id = read_ring(node.config.sealing).active.key_id
    store, now = await open_store(node.config.storage), int(time.time())
    for first in range(0, count, _FILL_AT_ONCE):
        rows = (
            StoredShare(f"{number:032x}", key_id, os.urandom(61), os.urandom(32), now, now + 10**8)
            for number in range(first, min(count, first + _FILL_AT_ONCE))
        )
        await asyncio.gather(*map(store.add, rows))
    await store.close()


async def _store(node: NodeProcess, count: int) -> list[tuple[Person, str]]:
    shares = []
    for number in range(count):
        person = AUTHORITY.issue(f"PNOEE-{30303039000 + number}")
        body = ShareMessage(os.urandom(32), person.recipient_id).to_json()
        async with node.client.post(f"{node.url}/key-shares", data=body) as response:
            shares.append((person, response.headers["Location"]))
    return shares


async def _connect(node: NodeProcess, stack: AsyncExitStack) -> _Connection:
    context = ssl.create_default_context(cafile=node.config_file.parent / "tls" / "cert.pem")
    _, connection = await asyncio.get_running_loop().create_connection(
        _Connection, "localhost", ServerURL.parse(node.url).port, ssl=context
    )
    stack.callback(connection.close)
    return connection


def _pin(node: NodeProcess, core: int) -> None:
    assert node.process is not None
    for task in Path(f"/proc/{node.process.pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})


def _core_seconds(nodes: Sequence[NodeProcess]) -> float:
    """Processor time of the processes so far, in seconds (proc(5): utime and stime)."""
    ticks = 0
    for node in nodes:
        assert node.process is not None
        stat = Path(f"/proc/{node.process.pid}/stat").read_text(encoding="utf-8")
        fields = stat.rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _latencies(client: _Client) -> str:
    took = sorted(client.latencies)
    found = [took[min(len(took) - 1, int(len(took) * part))] * 1e3 for part in (0.5, 0.99, 0.999)]
    return ", ".join(f"{milliseconds:.1f}" for milliseconds in found) + " ms"


def _memory(nodes: Sequence[NodeProcess]) -> str:
    """Resident memory of the largest process."""
    sizes = []
    for node in nodes:
        assert node.process is not None
        status = Path(f"/proc/{node.process.pid}/status").read_text(encoding="utf-8")
        sizes.append(int(status.partition("VmRSS:")[2].split()[0]) / 1024)
    return f"{max(sizes):.0f} MiB"
