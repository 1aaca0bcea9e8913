# SPDX-License-Identifier: MIT
"""A node as people run it: a process with TLS 1.3, signals, a restart, and a log without secrets."""

import asyncio
import json
import resource
import secrets
import signal
import socket
import sqlite3
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from factories.people import Person, TestCA

from osak.shares.protocol.messages import ShareMessage
from osak.shares.protocol.strict_json import encode_base64
from osak.shares.protocol.urls import Audience, ServerURL

CA = TestCA()
PERSON = CA.issue()


@dataclass
class RunningNode:
    """A node's process, its folder, and a client that trusts its certificate."""

    process: asyncio.subprocess.Process
    folder: Path
    url: str
    ready: dict[str, Any]
    client: aiohttp.ClientSession

    async def store_share(self, share: bytes, person: Person = PERSON) -> str:
        """Upload a share and return its path."""
        body = ShareMessage(share, person.recipient_id).to_json()
        async with self.client.post(f"{self.url}/key-shares", data=body) as response:
            assert response.status == 201
            return response.headers["Location"]

    async def headers(self, path: str) -> dict[str, str]:
        """A ticket for the share at ``path`` with a fresh nonce."""
        async with self.client.post(f"{self.url}{path}/nonce") as response:
            nonce = (await response.json())["nonce"]
        audience = Audience(ServerURL.parse(self.url), path.rpartition("/")[2], nonce)
        return {"x-cdoc2-auth-ticket": PERSON.ticket(audience), "x-cdoc2-auth-x5c": PERSON.x5c}

    async def fetch(self, path: str, headers: dict[str, str]) -> int:
        """Fetch a share; return the status."""
        async with self.client.get(self.url + path, headers=headers) as response:
            await response.read()
            return response.status

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; return the exit code and what was logged after "ready"."""
        await self.client.close()
        self.process.send_signal(number)
        _, log = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, log.decode()


async def osak_node(*arguments: str | Path) -> asyncio.subprocess.Process:
    """Start ``python -m osak.node``."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "osak.node",
        *map(str, arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


Start = Callable[[], Awaitable[RunningNode]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts the node in ``tmp_path``, again and again if wanted; none is left behind."""
    url = f"https://localhost:{free_port()}"
    folder = tmp_path / "node"
    (tmp_path / "ca.pem").write_bytes(CA.certificate_pem)
    names = ("--id", "ria", "--organisation", "RIA", "--url", url, "--admin", "127.0.0.1:0", "--dev-tls")
    listen = ("--listen", url.replace("https://localhost", "127.0.0.1"), "--trust", tmp_path / "ca.pem")
    made = await osak_node("init", folder, *names, *listen)
    _, complaint = await made.communicate()
    assert made.returncode == 0, complaint.decode()
    started: list[RunningNode] = []

    async def start_once() -> RunningNode:
        process = await osak_node("run", "-c", folder / "node.yaml")
        assert process.stderr is not None
        ready = json.loads(await process.stderr.readline())
        context = ssl.create_default_context(cafile=folder / "tls" / "cert.pem")
        context.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 on
        client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))
        started.append(RunningNode(process, folder, url, ready, client))
        return started[-1]

    yield start_once
    for node in started:
        await node.client.close()
        if node.process.returncode is None:
            node.process.kill()
            await node.process.communicate()


async def test_a_restart_keeps_shares_and_spent_nonces(start: Start) -> None:
    """After a restart a share is still there, a spent ticket still spent, and an unspent one still good."""
    node = await start()
    assert node.ready["event"] == "ready"
    assert node.ready["listen"] == node.url.replace("localhost", "127.0.0.1")
    path = await node.store_share(b"s" * 32)
    spent, kept = await node.headers(path), await node.headers(path)
    assert await node.fetch(path, spent) == 200
    code, log = await node.stop()
    assert code == 0
    assert [json.loads(line)["event"] for line in log.splitlines()][-2:] == ["stopping", "stopped"]
    again = await start()
    assert await again.fetch(path, spent) == 404
    assert await again.fetch(path, kept) == 200
    assert await again.fetch(path, kept) == 404


async def test_a_killed_node_forgets_nothing_it_promised(start: Start) -> None:
    """A 201 and a spent nonce survive a process that is killed without warning."""
    node = await start()
    path = await node.store_share(b"s" * 32)
    spent = await node.headers(path)
    assert await node.fetch(path, spent) == 200
    code, _ = await node.stop(signal.SIGKILL)
    assert code == -signal.SIGKILL
    again = await start()
    assert await again.fetch(path, spent) == 404
    assert await again.fetch(path, await again.headers(path)) == 200


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells another process's limits")
async def test_no_core_dump(start: Start) -> None:
    """A node that crashes leaves no file with its memory, in which its keys are."""
    node = await start()
    assert resource.prlimit(node.process.pid, resource.RLIMIT_CORE) == (0, 0)


async def test_interrupt_stops_cleanly(start: Start) -> None:
    """Ctrl-C is a clean end too."""
    node = await start()
    assert (await node.stop(signal.SIGINT))[0] == 0


async def test_only_tls_1_3(start: Start) -> None:
    """Older TLS and plain HTTP are refused."""
    node = await start()
    port = ServerURL.parse(node.url).port
    old = ssl.create_default_context(cafile=node.folder / "tls" / "cert.pem")
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("localhost", port, ssl=old)
    reader, writer = await asyncio.open_connection("localhost", port)
    writer.write(b"GET /.well-known/osak-node HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b"HTTP/1.1 200" not in await reader.read()
    writer.close()
    await writer.wait_closed()


async def test_requests_under_way_are_finished(start: Start) -> None:
    """A request that waits for the disk when the node is stopped still gets its answer."""
    node = await start()
    await node.store_share(b"s" * 32)  # leaves a warm connection, so the next upload is there at once
    database = sqlite3.connect(node.folder / "shares.sqlite", isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    upload = asyncio.ensure_future(node.store_share(b"t" * 32))
    await asyncio.sleep(0)
    async with node.client.get(f"{node.url}/.well-known/osak-node") as response:
        assert response.status == 200
    assert not upload.done()
    node.process.send_signal(signal.SIGTERM)
    assert node.process.stderr is not None
    while b'"stopping"' not in await node.process.stderr.readline():
        pass
    database.execute("ROLLBACK")
    database.close()
    assert (await upload).startswith("/key-shares/")
    await node.process.communicate()
    assert node.process.returncode == 0


async def test_the_log_holds_no_secret(start: Start) -> None:
    """Nothing that was sent, well formed or not, can be found in the log of the process."""
    node = await start()
    share = secrets.token_bytes(32)
    path = await node.store_share(share)
    headers = await node.headers(path)
    assert await node.fetch(path, headers) == 200
    ticket = headers["x-cdoc2-auth-ticket"]
    port = ServerURL.parse(node.url).port
    context = ssl.create_default_context(cafile=node.folder / "tls" / "cert.pem")
    # Broken HTTP with a ticket in it: the library's own complaints would quote it.
    for broken in (f"GET {path} HTTP/9.9.9{ticket}\r\n\r\n", f"GET / HTTP/1.1\r\n{ticket}\r\n\r\n"):
        reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
        writer.write(broken.encode())
        await reader.read()
        writer.close()
    await node.fetch(path, {**headers, "x-cdoc2-auth-ticket": "A" * 9000})
    _, log = await node.stop()
    pieces = [*ticket.split("~")[:3], *ticket.split("~")[0].split("."), "A" * 40]
    known = [encode_base64(share), PERSON.serial_number, PERSON.x5c[40:100], *pieces]
    assert [secret for secret in known if secret in log] == []
    assert all(json.loads(line)["time"] for line in log.splitlines())


async def refusal(start: Start, folder: Path) -> tuple[int | None, str]:
    """How a node that cannot start ends."""
    process = await osak_node("run", "-c", folder / "node.yaml")
    _, complaint = await process.communicate()
    return process.returncode, complaint.decode()


async def test_without_certificate_key_or_store(start: Start, tmp_path: Path) -> None:
    """What is missing or wrong is said in a sentence, with its exit code."""
    folder = (await start()).folder
    code, complaint = await refusal(start, folder)
    assert code == 6  # the port is taken
    assert "Traceback" not in complaint
    (folder / "tls" / "key.pem").write_bytes(CA.issue().key_pem)
    code, complaint = await refusal(start, folder)
    assert (code, "no certificate and its key" in complaint) == (2, True)
    (folder / "tls" / "cert.pem").unlink()
    code, complaint = await refusal(start, folder)
    assert (code, "cert.pem" in complaint) == (2, True)


async def test_a_port_that_is_taken_names_its_setting(start: Start) -> None:
    """Whoever runs several nodes on one machine is told which port, and where it stands in the YAML."""
    folder = (await start()).folder
    settings = folder / "node.yaml"
    free = settings.read_text(encoding="utf-8").replace("folder: audit", "folder: another")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for line, name in (("127.0.0.1:0", "admin.listen"), (_listen_line(free), "listen")):
            settings.write_text(free.replace(line, f"127.0.0.1:{port}"), encoding="utf-8")
            code, complaint = await refusal(start, folder)
            said = f"Error: cannot listen on 127.0.0.1:{port}: Address already in use; see {name}\n"
            assert (code, complaint) == (6, said)


def _listen_line(settings: str) -> str:
    return next(line for line in settings.splitlines() if line.startswith("listen:")).split('"')[1]


@pytest.mark.parametrize(("name", "code"), [("node.key", 2), ("trust/ca.pem", 2), ("shares.sqlite", 6)])
async def test_damaged_files(start: Start, tmp_path: Path, name: str, code: int) -> None:
    """A key, an anchor or a database that is not one stops the start, with the file's kind named."""
    folder = tmp_path / "node"
    (folder / name).write_bytes(b"garbage that is no file of ours" * 200)
    found, complaint = await refusal(start, folder)
    assert found == code
    assert complaint.startswith("Error: ")
    assert "Traceback" not in complaint
