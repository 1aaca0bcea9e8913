# SPDX-License-Identifier: MIT
"""The applications of a node, and how the parts are put together.

``create_service`` and ``create_capsule_service`` wire key, store and what else a role needs by the
configuration. ``create_app`` is what everybody reaches, ``create_fetch_app`` what recipients of capsules
reach by mutual TLS, ``create_admin_app`` what the operator's machines reach. No globals: whatever a
handler needs hangs on its application. Opening ports and stopping is ``server``'s work.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple

from aiohttp import web
from prometheus_client import Counter

from osak import __version__
from osak.node.audit.journal import Journal
from osak.node.audit.log import AuditLog
from osak.node.auth.certificates import CertificateVerifier
from osak.node.auth.client_certificates import ClientCertificates
from osak.node.auth.observer import TrustObserver
from osak.node.auth.revocation import StatusChecker
from osak.node.auth.sd_jwt import SDJWTAuthenticator
from osak.node.auth.sessions import Sessions, read_auth_server
from osak.node.auth.smart_id import SmartIDVerifier
from osak.node.background import in_background
from osak.node.capsule_service import CapsuleService
from osak.node.config import CapsuleSettings, LimitSettings, NodeConfig
from osak.node.errors import StorageError
from osak.node.expiry import ExpiryRules
from osak.node.handlers.keys import CAPSULES, CHECKED, IDENTITY, REGISTRY, SENDERS, SERVICE, Service
from osak.node.key_ring import NodeKeyRing, read_ring
from osak.node.limits.counter import MemoryCounter, RateCounter
from osak.node.limits.gate import Gate
from osak.node.limits.recipients import RecipientLimit
from osak.node.middleware import answer_errors
from osak.node.nonces import NonceMint
from osak.node.rate_settings import UNCOUNTED
from osak.node.routes import (
    ADMIN_ROUTES,
    CAPSULE_FETCH_ROUTES,
    CAPSULE_UPLOAD_ROUTES,
    IDENTITY_ROUTES,
    SHARE_ROUTES,
    add_routes,
)
from osak.node.senders import Senders
from osak.node.service import ShareService
from osak.node.smart_id_settings import SmartIDTrust
from osak.node.storage.base import CapsuleStore, ShareStore
from osak.node.telemetry import Telemetry, observe_requests
from osak.node.tracing.base import SpanMaker, no_span
from osak.shares.certificates.anchors import read_anchors, read_authorities
from osak.shares.certificates.settings import RevocationSettings
from osak.shares.protocol.messages import MAX_SHARE_BYTES, NodeIdentity
from osak.status_fetch import StatusFetch

_ADMIN_TIMEOUT_SECONDS = 10


def create_service(
    config: NodeConfig,
    store: ShareStore,
    *,
    ring: NodeKeyRing | None = None,
    counter: RateCounter | None = None,
    audit: AuditLog | None = None,
    span: SpanMaker = no_span,
    observer: TrustObserver | None = None,
    clock: Callable[[], float] = time.time,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> ShareService:
    """The node's use cases over an open store; ``ring`` is for whoever has read the node's keys already.

    Raises:
        ConfigurationError: the key or an anchor is not what it should be.
        OSError: one of them cannot be read.
    """
    ring = ring or read_ring(config.sealing)
    nonce_keys = [key.nonce_key for key in ring.keys]
    trust = config.trust
    assert trust is not None, "a node that keeps shares has anchors"
    observer = observer or TrustObserver()
    certificates = CertificateVerifier(
        read_authorities(trust.anchors),
        read_authorities(trust.intermediates),
        trust.accepted_policies,
        observer,
    )
    smart_id = _smart_id_verifier(trust.smart_id)
    return ShareService(
        public_url=config.public_url,
        store=store,
        authenticator=SDJWTAuthenticator(certificates, smart_id),
        sessions=_sessions(config, certificates, smart_id, nonce_keys, random_bytes),
        revocation=_status_checker(trust.revocation, observer, random_bytes),
        sealer=ring.sealer(random_bytes),
        nonces=NonceMint(nonce_keys, life_seconds=config.limits.nonce_life, random_bytes=random_bytes),
        expiry=ExpiryRules(config.expiry.default, config.expiry.max),
        journal=Journal(audit, span),
        span=span,
        recipient_limit=RecipientLimit(counter or MemoryCounter(), config.limits.rates.per_recipient),
        clock=clock,
        random_bytes=random_bytes,
    )


def create_capsule_service(
    config: NodeConfig,
    settings: CapsuleSettings,
    store: CapsuleStore,
    *,
    ring: NodeKeyRing | None = None,
    observer: TrustObserver | None = None,
    clock: Callable[[], float] = time.time,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> CapsuleService:
    """The use cases of the capsule role over an open store; ``ring`` as of ``create_service``.

    Raises:
        ConfigurationError: the key or an anchor is not what it should be.
        OSError: one of them cannot be read.
    """
    checker = _status_checker(settings.revocation, observer or TrustObserver(), random_bytes)
    return CapsuleService(
        store=store,
        revocation=ClientCertificates(read_anchors(settings.anchors), checker),
        sealer=(ring or read_ring(config.sealing)).sealer(random_bytes),
        expiry=ExpiryRules(settings.expiry.default, settings.expiry.max),
        clock=clock,
        random_bytes=random_bytes,
    )


def create_app(
    config: NodeConfig,
    service: ShareService | None,
    telemetry: Telemetry,
    capsules: CapsuleService | None = None,
    counter: RateCounter | None = None,
) -> web.Application:
    """The public application; while it runs it erases what is expired from time to time.

    Args:
        config: of the node.
        service: keeps shares, if the node has that role.
        telemetry: of the node.
        capsules: keeps capsules, if the node has that role; here they are only uploaded.
        counter: of rates, where several processes are one node; by default this process counts alone.

    Raises:
        ConfigurationError: a sender's certificate is none.
        OSError: one cannot be read.
    """
    counter = counter or MemoryCounter()
    app = _public_app(config, telemetry, counter)
    app[IDENTITY] = _identity(config)
    app[SENDERS] = Senders(config.uploads, counter, lambda name: telemetry.uploads.labels(name).inc())
    add_routes(app, IDENTITY_ROUTES, config.public_url.path)
    if service is not None:
        app[SERVICE] = service
        add_routes(app, SHARE_ROUTES, config.public_url.path)
        chore = _Chore(service, telemetry.expired_shares, "expired")
        _sweep(app, chore, telemetry, config.expiry.sweep_every)
    if capsules is not None:
        app[CAPSULES] = capsules
        add_routes(app, CAPSULE_UPLOAD_ROUTES, config.public_url.path)
        chore = _Chore(capsules, telemetry.expired_capsules, "expired capsules")
        _sweep(app, chore, telemetry, config.expiry.sweep_every)
    return app


def create_fetch_app(
    config: NodeConfig, capsules: CapsuleService, telemetry: Telemetry, counter: RateCounter | None = None
) -> web.Application:
    """What recipients of capsules reach, at a port that asks for their certificates."""
    app = _public_app(config, telemetry, counter or MemoryCounter())
    app[CAPSULES] = capsules
    add_routes(app, CAPSULE_FETCH_ROUTES, config.public_url.path)
    return app


def create_admin_app(services: Sequence[Service], telemetry: Telemetry) -> web.Application:
    """Health and metrics; meant for a port that the world cannot reach, so nobody's rate is counted."""
    gate = Gate(LimitSettings(rates=UNCOUNTED), MemoryCounter())
    app = web.Application(
        middlewares=[
            observe_requests(telemetry),
            answer_errors(telemetry, gate, timeout_seconds=_ADMIN_TIMEOUT_SECONDS),
        ],
        client_max_size=1024,
    )
    app[CHECKED] = tuple(services)
    app[REGISTRY] = telemetry.registry
    add_routes(app, ADMIN_ROUTES)
    return app


def _smart_id_verifier(settings: SmartIDTrust | None) -> SmartIDVerifier:
    if settings is None:
        return SmartIDVerifier()
    return SmartIDVerifier(settings.believed(), settings.flow_types)


def _sessions(
    config: NodeConfig,
    certificates: CertificateVerifier,
    smart_id: SmartIDVerifier,
    nonce_keys: Sequence[bytes],
    random_bytes: Callable[[int], bytes],
) -> Sessions | None:
    settings = config.sessions
    if settings is None:
        return None
    return Sessions(
        config.public_url,
        [read_auth_server(server.issuer, server.keys_file) for server in settings.auth_servers],
        certificates,
        smart_id,
        NonceMint(nonce_keys, life_seconds=settings.life, random_bytes=random_bytes),
        life_seconds=settings.life,
        required=settings.required,
    )


def _status_checker(
    settings: RevocationSettings, observer: TrustObserver, random_bytes: Callable[[int], bytes]
) -> StatusChecker:
    return StatusChecker(settings, StatusFetch(settings), random_bytes, observer)


def _public_app(config: NodeConfig, telemetry: Telemetry, counter: RateCounter) -> web.Application:
    return web.Application(
        middlewares=[
            observe_requests(telemetry),
            answer_errors(
                telemetry, Gate(config.limits, counter), timeout_seconds=config.limits.request_timeout
            ),
        ],
        client_max_size=config.limits.max_body_bytes,
    )


class _Chore(NamedTuple):
    """Erasing what is expired in one role: who does it, what counts it, how the log calls it."""

    service: Service
    counter: Counter
    event: str


def _sweep(app: web.Application, chore: _Chore, telemetry: Telemetry, every_seconds: int) -> None:
    """Let ``app`` erase what is expired while it runs."""

    async def sweep(_: web.Application) -> AsyncIterator[None]:
        async with in_background(_sweep_for_ever(chore, telemetry, every_seconds)):
            yield

    app.cleanup_ctx.append(sweep)


async def _sweep_for_ever(chore: _Chore, telemetry: Telemetry, every_seconds: int) -> None:
    while True:
        try:
            removed = await chore.service.remove_expired()
        except StorageError as error:
            telemetry.log.warning("expiry failed", reason=str(error))
        else:
            chore.counter.inc(removed)
            if removed:
                telemetry.log.info(chore.event, removed=removed)
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
        url=config.public_url,
    )
