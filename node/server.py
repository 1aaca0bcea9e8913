# SPDX-License-Identifier: MIT
"""A node as a process: opens the stores and ports of its roles, waits for a signal, and stops cleanly.

TLS 1.3 only, HTTP/1.1 only. On SIGTERM or SIGINT the ports close first, requests under way are finished (for
at most ``limits.shutdown_timeout``), and the store is closed last. SIGHUP
takes a renewed certificate into use.
"""

import asyncio
import os
import secrets
import signal
import ssl
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final, NamedTuple

from aiohttp import web
from prometheus_client import Gauge

from osak import __version__
from osak.node.app import (
    create_admin_app,
    create_app,
    create_capsule_service,
    create_fetch_app,
    create_service,
)
from osak.node.audit.journal import Journal
from osak.node.audit.keys import AuditKeys
from osak.node.audit.log import AuditLog
from osak.node.audit.metrics import measure_audit
from osak.node.audit.record import Event
from osak.node.background import in_background
from osak.node.certificate_watch import CertificateWatch
from osak.node.config import LimitSettings, ListenAddress, NodeConfig
from osak.node.connection_telemetry import ConnectionTelemetry
from osak.node.key_check import check_keys
from osak.node.key_ring import NodeKeyRing, read_ring
from osak.node.limits.connections import BoundedSite
from osak.node.limits.counter import MemoryCounter, RateCounter
from osak.node.process_limits import open_files_allowed
from osak.node.rate_settings import UNCOUNTED
from osak.node.resealing import Resealer
from osak.node.row_counts import RowCounts
from osak.node.storage import open_capsule_store, open_store
from osak.node.storage.base import Rows
from osak.node.telemetry import Telemetry, create_telemetry, take_over_library_logs
from osak.node.tls_contexts import RenewableContext, create_mutual_tls_context, create_tls_context
from osak.node.tracing import open_tracing
from osak.node.tracing.base import SpanMaker, no_span
from osak.node.trust_telemetry import TrustTelemetry

_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
# Of storage, logs and libraries, on top of connections.
_OTHER_FILES: Final = 100


class _Port(NamedTuple):
    """An application and where it is reached.

    Attributes:
        name: of its address in the log, and of the port in the metrics.
        setting: where its address stands in the configuration.
        counts_clients: whether each client's connections are bounded, not only all of them.
    """

    name: str
    setting: str
    app: web.Application
    address: ListenAddress
    tls: RenewableContext | None
    counts_clients: bool = True


async def serve(config: NodeConfig) -> None:
    """Run a node until it is told to stop.

    Raises:
        ConfigurationError: a file it names is not what it should be.
        StorageError: the store cannot be opened.
        OSError: a port cannot be opened, or a file not read.
    """
    stop = _stop_event()
    async with AsyncExitStack() as stack:
        telemetry = _open_telemetry(config, stack)
        bound: dict[str, str] = {}
        ports = await _open_ports(config, telemetry, stack)
        connections = ConnectionTelemetry(telemetry)
        for port in ports:
            runner = web.AppRunner(port.app, shutdown_timeout=config.limits.shutdown_timeout)
            stack.push_async_callback(runner.cleanup)
            scheme = "http" if port.tls is None else "https"
            where = await _listen(runner, port, config.limits, telemetry, connections)
            bound[port.name] = f"{scheme}://{where}"
        watch = CertificateWatch(config.tls, [port.tls for port in ports if port.tls], telemetry)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, watch.wake)
        await stack.enter_async_context(in_background(watch.run()))
        _announce(config, telemetry, watch.pin, bound)
        _compare_with_open_files(len(ports) * config.limits.max_connections, telemetry)
        await stop.wait()
        telemetry.log.info("stopping", id=config.id)
    telemetry.log.info("stopped", id=config.id)


def _open_telemetry(config: NodeConfig, stack: AsyncExitStack) -> Telemetry:
    span: SpanMaker = no_span
    if config.traces is not None:
        tracing = open_tracing(config.traces, config.id, __version__)
        stack.push_async_callback(asyncio.to_thread, tracing.close)
        span = tracing.span
    telemetry = create_telemetry(sys.stderr, __version__, span)
    take_over_library_logs(telemetry)
    return telemetry


async def _open_ports(config: NodeConfig, telemetry: Telemetry, stack: AsyncExitStack) -> list[_Port]:
    """Stores, services and applications of the node's roles. The admin port is first: it is closed last."""
    tls = RenewableContext(partial(_create_listen_context, config))
    ring = read_ring(config.sealing)
    _tell_keys(ring, telemetry)
    counter = _open_counter(config, ring, telemetry, stack)
    observer = TrustTelemetry(telemetry)
    shares, capsules, audit = None, None, None
    stores: dict[str, Rows[Any]] = {}
    if "shares" in config.roles:
        store = await open_store(config.storage, config.moving_from)
        stack.push_async_callback(store.close)
        # Before the audit log: a wrong key must sign nothing in it.
        await check_keys(store, ring.key_ids)
        audit = await _open_audit(config, ring, telemetry, stack)
        shares = create_service(
            config, store, ring=ring, counter=counter, audit=audit, span=telemetry.span, observer=observer
        )
        stores["shares"] = store
    fetch_ports = []
    if config.capsules is not None:
        fetch_tls = RenewableContext(partial(create_mutual_tls_context, config.tls, config.capsules.anchors))
        capsule_store = await open_capsule_store(config.storage, config.moving_from)
        stack.push_async_callback(capsule_store.close)
        await check_keys(capsule_store, ring.key_ids)
        stores["capsules"] = capsule_store
        capsules = create_capsule_service(
            config, config.capsules, capsule_store, ring=ring, observer=observer
        )
        fetch_app = create_fetch_app(config, capsules, telemetry, counter)
        fetch_ports.append(
            _Port("fetch_listen", "capsules.fetch_listen", fetch_app, config.capsules.fetch_listen, fetch_tls)
        )
    await stack.enter_async_context(in_background(RowCounts(stores, telemetry).run()))
    if config.moving_from is None:
        sealer = ring.sealer(secrets.token_bytes)
        resealer = Resealer(stores, ring, sealer, Journal(audit), telemetry)
        await stack.enter_async_context(in_background(resealer.run()))
    services = [service for service in (shares, capsules) if service is not None]
    return [
        _Port(
            "admin",
            "admin.listen",
            create_admin_app(services, telemetry),
            config.admin.listen,
            None,
            counts_clients=False,  # probes and scrapes may come from one machine
        ),
        *fetch_ports,
        _Port(
            "listen", "listen", create_app(config, shares, telemetry, capsules, counter), config.listen, tls
        ),
    ]


def _tell_keys(ring: NodeKeyRing, telemetry: Telemetry) -> None:
    """Let the metrics name the node's keys, so that processes with different ones are seen."""
    keys = Gauge(
        "osak_node_key", "The node keys, and what for.", ["key_id", "use"], registry=telemetry.registry
    )
    for key_id, use in ring.uses.items():
        keys.labels(key_id, use).set(1)


def _create_listen_context(config: NodeConfig) -> ssl.SSLContext:
    """TLS of the public port, which asks for a certificate only where senders are known by theirs."""
    senders = () if config.uploads is None else config.uploads.senders
    known = [sender.certificate_file for sender in senders if sender.certificate_file is not None]
    return create_mutual_tls_context(config.tls, known) if known else create_tls_context(config.tls)


def _open_counter(
    config: NodeConfig, ring: NodeKeyRing, telemetry: Telemetry, stack: AsyncExitStack
) -> RateCounter:
    alone = Gauge(
        "osak_node_counter_lost",
        "1 while limits.counter does not answer and this process counts rates alone.",
        registry=telemetry.registry,
    )
    if config.limits.counter is None:
        return MemoryCounter()
    from osak.node.limits.redis_counter import RedisCounter  # noqa: PLC0415 - redis is loaded only when chosen

    counter = RedisCounter.open(config.limits.counter, ring.active.counter_key, telemetry.log)
    stack.push_async_callback(counter.close)
    alone.set_function(lambda: counter.is_alone)
    return counter


async def _open_audit(
    config: NodeConfig, ring: NodeKeyRing, telemetry: Telemetry, stack: AsyncExitStack
) -> AuditLog | None:
    if config.audit is None:
        telemetry.log.warning("no audit log", reason="the configuration has no section audit")
        return None
    audit = AuditLog.open(config.audit.folder, AuditKeys(ring.active), time.time)
    stack.push_async_callback(audit.close)
    measure_audit(audit, telemetry.registry)
    await audit.write(Event.START, key_ids=list(ring.key_ids), version=__version__)
    return audit


async def _listen(
    runner: web.AppRunner,
    port: _Port,
    limits: LimitSettings,
    telemetry: Telemetry,
    connections: ConnectionTelemetry,
) -> str:
    """Open a port; return it as HOST:PORT with the real port.

    Raises:
        OSError: it cannot be opened; its text names the setting to change.
    """
    await runner.setup()
    tls = None if port.tls is None else port.tls.context
    if not port.counts_clients:
        unbound = {"max_connections_per_address": limits.max_connections, "rates": UNCOUNTED}
        limits = limits.model_copy(update=unbound)
    watch = partial(connections.watch, port.name)
    try:
        await BoundedSite(runner, port.address, tls, limits=limits, telemetry=telemetry, watch=watch).start()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        text = f"cannot listen on {port.address.host}:{port.address.port}: {reason}; see {port.setting}"
        raise OSError(error.errno, text) from error
    bound: Any = runner.addresses[0]
    host = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
    return f"{host}:{bound[1]}"


def _compare_with_open_files(connections: int, telemetry: Telemetry) -> None:
    allowed = open_files_allowed()
    if allowed < connections + _OTHER_FILES:
        needed = f"limits.max_connections needs {connections + _OTHER_FILES}; raise the limit of open files"
        telemetry.log.warning("too few open files allowed", count=allowed, reason=needed)


def _stop_event() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    return stop


def _announce(config: NodeConfig, telemetry: Telemetry, pin: str, bound: Mapping[str, str]) -> None:
    telemetry.log.info(
        "ready",
        id=config.id,
        organisation=config.organisation,
        version=__version__,
        public_url=str(config.public_url),
        storage=config.storage.kind,
        pin_sha256=pin,
        **bound,
    )
