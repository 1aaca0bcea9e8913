# SPDX-License-Identifier: MIT
"""A whole node in the test's own process: both applications, a clock to turn, and everything it logged."""

import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from factories.people import Person

from osak.node.app import create_admin_app, create_app, create_service
from osak.node.config import NodeConfig
from osak.node.storage.memory import MemoryShareStore
from osak.node.telemetry import create_telemetry
from osak.node.trust_telemetry import TrustTelemetry
from osak.shares.protocol.messages import ShareMessage
from osak.shares.protocol.urls import Audience, Purpose, ServerURL

URL = "https://node.example:8443"


@dataclass
class LocalNode:
    """A node that answers without TLS on a loopback port, and one person who may fetch from it."""

    config: NodeConfig
    person: Person
    log: io.StringIO
    store: MemoryShareStore = field(default_factory=MemoryShareStore)
    now: float = field(default_factory=lambda: datetime.now(UTC).timestamp())
    client: TestClient[Any, Any] = field(init=False)
    admin: TestClient[Any, Any] = field(init=False)

    async def start(self) -> None:
        """Open both ports."""
        telemetry = create_telemetry(self.log, "test")
        service = create_service(
            self.config, self.store, observer=TrustTelemetry(telemetry), clock=lambda: self.now
        )
        self.client = TestClient(TestServer(create_app(self.config, service, telemetry)))
        self.admin = TestClient(TestServer(create_admin_app([service], telemetry)))
        await self.client.start_server()
        await self.admin.start_server()

    async def stop(self) -> None:
        """Close both."""
        await self.client.close()
        await self.admin.close()

    async def upload(self, share: bytes = b"s" * 32, /, **headers: str) -> ClientResponse:
        """Upload a share for the person; underscores in header names become hyphens."""
        body = ShareMessage(share, self.person.recipient_id).to_json()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post("/key-shares", data=body, headers=named)

    async def store_share(self, **headers: str) -> str:
        """Upload a share and return its path."""
        response = await self.upload(b"s" * 32, **headers)
        assert response.status == 201, await response.text()
        return response.headers["Location"]

    async def nonce(self, path: str) -> str:
        """A fresh nonce for the share at ``path``."""
        response = await self.client.post(f"{path}/nonce")
        nonce: str = (await response.json())["nonce"]
        return nonce

    async def ticket(self, path: str, purpose: Purpose = Purpose.SHARE) -> str:
        """A ticket of the person for the share at ``path``."""
        share_id = path.rpartition("/")[2]
        return self.person.ticket(Audience(ServerURL.parse(URL), share_id, await self.nonce(path), purpose))

    def log_lines(self) -> list[dict[str, Any]]:
        """Everything logged so far."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]
