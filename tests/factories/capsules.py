# SPDX-License-Identifier: MIT
"""A node with the capsule role in the test's own process: real mutual TLS, a clock to turn, its log."""

import ssl
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
from aiohttp import web
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from factories.people import Person

from osak.node.app import create_admin_app, create_app, create_capsule_service, create_fetch_app
from osak.node.config import NodeConfig
from osak.node.storage.base import CapsuleStore
from osak.node.storage.memory_capsules import MemoryCapsuleStore
from osak.node.telemetry import create_telemetry
from osak.node.tls_contexts import create_mutual_tls_context, create_tls_context
from osak.node.trust_telemetry import TrustTelemetry
from osak.shares.protocol.capsule import CapsuleMessage, CapsuleType

_TYPES = {"secp256r1": CapsuleType.P256, "secp384r1": CapsuleType.P384, "secp521r1": CapsuleType.P521}


def capsule_for(person: Person) -> CapsuleMessage:
    """A capsule that a sender could make for this person's key."""
    key = person.certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        der = key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
        return CapsuleMessage(CapsuleType.RSA, der, key.encrypt(bytes(32), oaep))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    points = [
        one.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        for one in (key, ec.generate_private_key(key.curve).public_key())
    ]
    return CapsuleMessage(_TYPES[key.curve.name], *points)


def client_tls(config: NodeConfig, person: Person | None = None) -> ssl.SSLContext:
    """A client that trusts the node and shows this person's certificate."""
    context = ssl.create_default_context(cafile=config.tls.certificate_file)
    if person is not None:
        with TemporaryDirectory() as folder:
            pem = Path(folder) / "person.pem"
            pem.write_bytes(person.certificate_pem + person.key_pem)
            context.load_cert_chain(pem)
    return context


@dataclass
class CapsuleNode:
    """A node that keeps capsules, at two ports of ``localhost``, and its admin port."""

    config: NodeConfig
    store: CapsuleStore = field(default_factory=MemoryCapsuleStore)
    now: float = field(default_factory=lambda: datetime.now(UTC).timestamp())
    log: StringIO = field(default_factory=StringIO)
    url: str = ""
    fetch_url: str = ""
    admin_url: str = ""
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self) -> None:
        """Open the ports."""
        assert self.config.capsules is not None
        telemetry = create_telemetry(self.log, "test")
        service = create_capsule_service(
            self.config,
            self.config.capsules,
            self.store,
            observer=TrustTelemetry(telemetry),
            clock=lambda: self.now,
        )
        tls = create_tls_context(self.config.tls)
        mutual = create_mutual_tls_context(self.config.tls, self.config.capsules.anchors)
        self.url = await self._open(create_app(self.config, None, telemetry, service), tls)
        self.fetch_url = await self._open(create_fetch_app(self.config, service, telemetry), mutual)
        self.admin_url = await self._open(create_admin_app([service], telemetry), None)

    async def stop(self) -> None:
        """Close them."""
        await self._stack.aclose()

    async def call(self, method: str, url: str, person: Person | None = None, **options: Any) -> "Answer":
        """One request over a connection of its own, with this person's certificate."""
        connector = aiohttp.TCPConnector(ssl=client_tls(self.config, person))
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.request(method, url, **options) as response,
        ):
            return Answer(response.status, dict(response.headers), await response.read())

    async def upload(self, message: CapsuleMessage | bytes, /, **headers: str) -> "Answer":
        """POST a capsule; underscores in header names become hyphens."""
        body = message if isinstance(message, bytes) else message.to_json()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.call("POST", f"{self.url}/key-capsules", data=body, headers=named)

    async def fetch(self, path: str, person: Person | None) -> "Answer":
        """GET a capsule with this person's certificate."""
        return await self.call("GET", self.fetch_url + path, person)

    async def _open(self, app: web.Application, tls: ssl.SSLContext | None) -> str:
        runner = web.AppRunner(app)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        return f"{'http' if tls is None else 'https'}://localhost:{runner.addresses[0][1]}"


@dataclass(frozen=True)
class Answer:
    """A response, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes
