# SPDX-License-Identifier: MIT
"""The two applications of a node, and how the parts are put together.

``create_service`` wires key, store and authenticator by the configuration; ``create_app`` is what
recipients reach, ``create_admin_app`` what the operator's machines reach. No globals: whatever a
handler needs hangs on its application. Opening ports and stopping is ``server``'s work.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from aiohttp import web
from cryptography import x509

from osak import __version__
from osak.node.auth.certificates import CertificateVerifier
from osak.node.auth.sd_jwt import SDJWTAuthenticator
from osak.node.config import NodeConfig
from osak.node.errors import StorageError
from osak.node.handlers.keys import REGISTRY, SERVICE
from osak.node.middleware import answer_errors
from osak.node.nonces import NonceMint
from osak.node.routes import ADMIN_ROUTES, PUBLIC_ROUTES, add_routes
from osak.node.sealing import NodeKey, Sealer
from osak.node.service import ExpiryRules, ShareService
from osak.node.storage.base import ShareStore
from osak.node.telemetry import Telemetry, observe_requests
from osak.shares.errors import ConfigurationError
from osak.shares.protocol.messages import MAX_SHARE_BYTES, NodeIdentity

_ADMIN_TIMEOUT_SECONDS = 10


def create_service(
    config: NodeConfig,
    store: ShareStore,
    *,
    clock: Callable[[], float] = time.time,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> ShareService:
    """The node's use cases over an open store.

    Raises:
        ConfigurationError: the key or an anchor is not what it should be.
        OSError: one of them cannot be read.
    """
    key = NodeKey.from_file(config.sealing.key_file)
    anchors = [item for path in config.trust.anchors for item in load_certificates(path)]
    intermediates = [item for path in config.trust.intermediates for item in load_certificates(path)]
    return ShareService(
        identity=_identity(config),
        public_url=config.public_url,
        store=store,
        authenticator=SDJWTAuthenticator(CertificateVerifier(anchors, intermediates)),
        sealer=Sealer(key, random_bytes),
        nonces=NonceMint(key.nonce_key, life_seconds=config.limits.nonce_life, random_bytes=random_bytes),
        expiry=ExpiryRules(config.expiry.default, config.expiry.max),
        clock=clock,
        random_bytes=random_bytes,
    )


def create_app(config: NodeConfig, service: ShareService, telemetry: Telemetry) -> web.Application:
    """The public application; while it runs it erases expired shares from time to time."""
    app = web.Application(
        middlewares=[
            observe_requests(telemetry),
            answer_errors(telemetry, timeout_seconds=config.limits.request_timeout),
        ],
        client_max_size=config.limits.max_body_bytes,
    )
    app[SERVICE] = service
    add_routes(app, PUBLIC_ROUTES, config.public_url.path)

    async def sweep(_: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(_sweep_for_ever(service, telemetry, config.expiry.sweep_every))
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    app.cleanup_ctx.append(sweep)
    return app


def create_admin_app(service: ShareService, telemetry: Telemetry) -> web.Application:
    """Health and metrics; meant for a port that the world cannot reach."""
    app = web.Application(
        middlewares=[
            observe_requests(telemetry),
            answer_errors(telemetry, timeout_seconds=_ADMIN_TIMEOUT_SECONDS),
        ],
        client_max_size=1024,
    )
    app[SERVICE] = service
    app[REGISTRY] = telemetry.registry
    add_routes(app, ADMIN_ROUTES)
    return app


def load_certificates(path: Path) -> list[x509.Certificate]:
    """All certificates of a PEM file.

    Raises:
        ConfigurationError: there is none, or one is malformed.
        OSError: the file cannot be read.
    """
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except ValueError as error:
        raise ConfigurationError(str(path), ["expected CA certificates in PEM"]) from error


async def _sweep_for_ever(service: ShareService, telemetry: Telemetry, every_seconds: int) -> None:
    while True:
        try:
            removed = await service.remove_expired()
        except StorageError as error:
            telemetry.log.warning("expiry failed", reason=str(error))
        else:
            telemetry.expired_shares.inc(removed)
            if removed:
                telemetry.log.info("expired", removed=removed)
        await asyncio.sleep(every_seconds)


def _identity(config: NodeConfig) -> NodeIdentity:
    return NodeIdentity(
        id=config.id,
        organisation=config.organisation,
        version=__version__,
        limits={
            "max_body_bytes": config.limits.max_body_bytes,
            "max_expiry_seconds": config.expiry.max,
            "max_share_bytes": MAX_SHARE_BYTES,
            "nonce_life_seconds": config.limits.nonce_life,
        },
    )
