# SPDX-License-Identifier: MIT
"""A node as a process that can be killed and started again, over any storage, and a client of it."""

import asyncio
import os
import signal
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import aiohttp
from factories.node_log import assert_tells_nothing
from factories.people import Person, TestCA
from factories.quiet_ports import quiet_ports

from osak.node.config import NodeConfig, load_node_config
from osak.node.init import create_node
from osak.shares.protocol.messages import ShareMessage
from osak.shares.protocol.urls import Audience, ServerURL

AUTHORITY = TestCA()
PERSON: Person = AUTHORITY.issue()
SQLITE = "  kind: sqlite\n  path: shares.sqlite\n"


@dataclass
class NodeProcess:
    """One process; several may have one folder's key and storage, each with ports of its own.

    Attributes:
        before: a program that starts it, as ``prlimit``.
        environment: for ``${NAME}`` in its configuration.
    """

    config_file: Path
    url: str
    admin_url: str
    before: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None
    client: aiohttp.ClientSession = field(init=False)

    @property
    def config(self) -> NodeConfig:
        """As it starts with."""
        return load_node_config(self.config_file, self.environment)

    @property
    def log_file(self) -> Path:
        """What it wrote to stderr since it was started last."""
        return self.config_file.with_suffix(".log")

    async def start(self) -> None:
        """Run it, and return when it said that it is ready."""
        log = self.log_file
        with log.open("wb") as stream:
            self.process = await asyncio.create_subprocess_exec(
                *self.before,
                sys.executable,
                *("-m", "osak.node", "run", "-c", str(self.config_file)),
                stdout=stream,
                stderr=stream,
                env=os.environ | self.environment,
            )
        context = ssl.create_default_context(cafile=self.config_file.parent / "tls" / "cert.pem")
        self.client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context), timeout=aiohttp.ClientTimeout(total=20)
        )
        while b'"ready"' not in log.read_bytes():
            assert self.process.returncode is None, log.read_text(encoding="utf-8")
            await asyncio.sleep(0.02)

    async def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it, by default as a power cut would."""
        if self.process is not None:
            await self.client.close()
            if self.process.returncode is None:
                self.process.send_signal(number)
            await self.process.wait()
            self.process = None
            assert_tells_nothing(self.log_file)

    async def upload(self, share: bytes) -> tuple[int, str, dict[str, str]]:
        """Upload a share for the person; return status, path and headers."""
        body = ShareMessage(share, PERSON.recipient_id).to_json()
        async with self.client.post(f"{self.url}/key-shares", data=body) as response:
            return response.status, response.headers.get("Location", ""), dict(response.headers)

    async def ticket(self, path: str) -> dict[str, str]:
        """The headers of a ticket with a fresh nonce."""
        async with self.client.post(f"{self.url}{path}/nonce") as response:
            nonce = (await response.json())["nonce"]
        public = self.config.public_url
        audience = Audience(ServerURL.parse(str(public)), path.rpartition("/")[2], nonce)
        return {"x-cdoc2-auth-ticket": PERSON.ticket(audience), "x-cdoc2-auth-x5c": PERSON.x5c}

    async def fetch(self, path: str, headers: dict[str, str]) -> tuple[int, bytes]:
        """Fetch a share; return the status and, if there is one, the share."""
        async with self.client.get(self.url + path, headers=headers) as response:
            body = await response.read()
            share = ShareMessage.from_reply(body).share if response.status == 200 else b""
            return response.status, share

    async def readiness(self) -> int:
        """The status of /health/ready."""
        return await asyncio.to_thread(partial(_status, f"{self.admin_url}/health/ready"))

    def twin(self, name: str) -> "NodeProcess":
        """Another process of the same node: same key, storage and public URL; ports and a log of its own."""
        port, admin = quiet_ports(2)
        text = self.config_file.read_text(encoding="utf-8")
        ours = self.url.rpartition(":")[2], self.admin_url.rpartition(":")[2]
        text = text.replace(f"127.0.0.1:{ours[0]}", f"127.0.0.1:{port}")
        text = text.replace(f"127.0.0.1:{ours[1]}", f"127.0.0.1:{admin}")
        text = text.replace("folder: audit", f"folder: audit-{name}")
        path = self.config_file.with_name(f"{name}.yaml")
        path.write_text(text, encoding="utf-8")
        return NodeProcess(path, f"https://localhost:{port}", f"http://127.0.0.1:{admin}")


def _status(url: str) -> int:
    try:
        # A fixed scheme and host.
        with urllib.request.urlopen(url, timeout=20) as reply:  # noqa: S310 - see above
            return int(reply.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def make_node(folder: Path, storage: str = SQLITE) -> NodeProcess:
    """A new node's folder with ``storage`` as its section, and no bounds for an address: tests are one."""
    port, admin = quiet_ports(2)
    (folder / "ca.pem").write_bytes(AUTHORITY.certificate_pem)
    create_node(
        folder / "node",
        node_id="ria",
        organisation="Riigi Infosüsteemi Amet",
        url=f"https://localhost:{port}",
        listen=f"127.0.0.1:{port}",
        admin=f"127.0.0.1:{admin}",
        dev_tls=True,
        trust=[folder / "ca.pem"],
    )
    path = folder / "node" / "node.yaml"
    text = path.read_text(encoding="utf-8").replace(SQLITE, storage)
    for rate in ("1200/m", "120/m", "600/m"):
        text = text.replace(rate, "off")
    text = text.replace("per_address: 100\n", "per_address: 1000\n")
    path.write_text(text, encoding="utf-8")
    return NodeProcess(path, f"https://localhost:{port}", f"http://127.0.0.1:{admin}")


@asynccontextmanager
async def started(node: NodeProcess) -> AsyncIterator[None]:
    """The node runs; it is ended afterwards."""
    try:
        await node.start()
        yield
    finally:
        await node.end()
