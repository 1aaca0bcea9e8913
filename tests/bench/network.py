# SPDX-License-Identifier: MIT
"""Shares over real node processes on loopback: how long a collection takes, how much a node bears.

The floor is a round trip over a warm TCP connection to an echo server. All processes share the
machine's cores with the client, so the figures say what one small machine can do, no more.
"""

import asyncio
import os
import re
import secrets
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from bench.measure import show

from osak.client.config import load_client_config
from osak.client.demo import story
from osak.client.demo.servers import run_osak
from osak.client.identity.files import load_pkcs12
from osak.coordinator import Coordinator, Group, KeyCredential, LoneSigner, Timeouts
from osak.coordinator.transport.http import HTTPTransport
from osak.shares.protocol.ticket import TicketDraft, draft_ticket
from osak.shares.protocol.urls import Audience

_COLLECTIONS = 40
_REQUESTS = 2000
# So many that what waits for the disk does not leave the node's core idle.
_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class _Rate:
    """Requests a second, and requests a second of the node's processor time."""

    per_second: float
    per_core_second: float


def run() -> None:
    """Print the latency of a warm and a cold collection, and what one node bears."""
    with tempfile.TemporaryDirectory(prefix="osak-bench-") as name:
        demo = story.prepare(Path(name))
        try:
            for server in demo.servers:
                server.set_up(demo.person.authority_file)
                _lift_rates(server.folder / "node.yaml")
                server.start()
            urls = [server.url for server in demo.servers]
            added = run_osak(
                [
                    "group",
                    "add",
                    *urls,
                    "--group",
                    "demo",
                    "--threshold",
                    "3",
                    "--yes",
                    "--config",
                    str(demo.config_file),
                ]
            )
            if added.returncode:
                raise RuntimeError(added.stderr)
            asyncio.run(_measure(demo))
        finally:
            demo.stop()


def _lift_rates(settings: Path) -> None:
    """Let one client ask as fast as it can: what a node bears is measured, not what it allows."""
    text, lifted = re.subn(r"(?m)^(    per_\w+): \d+/m$", r"\1: off", settings.read_text(encoding="utf-8"))
    if not lifted:
        raise RuntimeError(f"{settings} names no rates")
    settings.write_text(text, encoding="utf-8")


async def _measure(demo: story.DemoGroup) -> None:
    group = load_client_config(demo.config_file).groups["demo"]
    loaded = load_pkcs12(demo.person.p12_file.read_bytes(), demo.person.password_file.read_text().strip())
    credential = KeyCredential(loaded.private_key, loaded.certificate)
    floor = await _echo_seconds()
    cold = [await _collect_seconds(group, credential, 1) for _ in range(5)]
    warm = await _collect_seconds(group, credential, _COLLECTIONS)
    show("TCP echo, warm round trip", f"{floor * 1e6:,.0f} us")
    show("collect 3-of-5, cold (5 TLS handshakes)", f"{statistics.median(cold) * 1e3:,.1f} ms")
    show("collect 3-of-5, warm", f"{warm * 1e3:,.1f} ms", f"{warm / floor:,.0f}x an echo round trip")
    nonces, fetches = await _requests(demo.servers[0].pids[0], group, credential)
    show(
        "one node: nonces",
        f"{nonces.per_second:,.0f} /s",
        f"{nonces.per_core_second:,.0f} per node core second",
    )
    show(
        "one node: ticketed fetches",
        f"{fetches.per_second:,.0f} /s",
        f"{fetches.per_core_second:,.0f} per node core second",
    )
    both = 2 / (1 / nonces.per_second + 1 / fetches.per_second)
    show("one node: nonce + share, one client process", f"{both:,.0f} requests/s")


async def _collect_seconds(group: Group, credential: KeyCredential, times: int) -> float:
    """Median seconds of a collection over one transport; its first warms up when there are several."""
    kek, salt = secrets.token_bytes(32), secrets.token_bytes(32)
    async with HTTPTransport(Timeouts()) as other:
        coordinator = Coordinator(transport=other, groups={"demo": group})
        stored = await coordinator.store(kek, group, credential.recipient_id, scheme="t-of-n", salt=salt)
    took = []
    async with HTTPTransport(Timeouts()) as transport:
        coordinator = Coordinator(transport=transport, groups={"demo": group})
        for _ in range(times):
            start = time.perf_counter()
            await coordinator.collect(
                stored.placements,
                3,
                LoneSigner(credential),
                scheme="t-of-n",
                salt=salt,
                is_secret=kek.__eq__,
            )
            took.append(time.perf_counter() - start)
    return statistics.median(took)


async def _requests(node_pid: int, group: Group, credential: KeyCredential) -> tuple[_Rate, _Rate]:
    """Rates of nonces and of ticketed fetches; what the client signs in between is not timed."""
    kek, salt = secrets.token_bytes(32), secrets.token_bytes(32)
    server = group.servers[0]
    async with HTTPTransport(Timeouts()) as transport:
        coordinator = Coordinator(transport=transport, groups={"demo": group})
        stored = await coordinator.store(kek, group, credential.recipient_id, scheme="t-of-n", salt=salt)
        share_id = stored.placements[0].share_id
        tickets: list[tuple[str, bytes]] = []

        async def nonce() -> None:
            audience = Audience(server.url, share_id, await transport.request_nonce(server, share_id))
            draft = draft_ticket(credential.recipient_id, credential.algorithm, [audience])
            drafts.append(draft)

        async def fetch() -> None:
            ticket, certificate_der = tickets.pop()
            await transport.fetch_share(server, share_id, ticket, certificate_der)

        drafts: list[TicketDraft] = []
        nonces = await _rate(nonce, node_pid)
        for draft in drafts:
            signed = await credential.sign(draft.signing_input)
            tickets.append((draft.present(signed.signature, 0), signed.certificate_der))
        return nonces, await _rate(fetch, node_pid)


async def _rate(request: Callable[[], Awaitable[None]], node_pid: int) -> _Rate:
    async def several(times: int) -> None:
        for _ in range(times):
            await request()

    core, start = _core_seconds(node_pid), time.perf_counter()
    await asyncio.gather(*(several(_REQUESTS // _AT_ONCE) for _ in range(_AT_ONCE)))
    took, core = time.perf_counter() - start, _core_seconds(node_pid) - core
    count = _REQUESTS // _AT_ONCE * _AT_ONCE
    return _Rate(count / took, count / core)


def _core_seconds(pid: int) -> float:
    """Processor time of a process so far, in seconds (proc(5): utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _echo_seconds() -> float:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    took = []
    for _ in range(500):
        start = time.perf_counter()
        writer.write(b"x" * 64)
        await reader.readexactly(64)
        took.append(time.perf_counter() - start)
    writer.close()
    await writer.wait_closed()
    server.close()
    return statistics.median(took)
