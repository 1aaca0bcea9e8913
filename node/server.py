# SPDX-License-Identifier: MIT
"""A node as a process: opens the store and two ports, waits for SIGTERM or SIGINT, and stops cleanly.

TLS 1.3 only, HTTP/1.1 only. On a signal the ports close first, requests under way are finished (for
at most ``limits.shutdown_timeout``), and the store is closed last.
"""

import asyncio
import logging
import signal
import ssl
import sys
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from cryptography import x509

from osak import __version__
from osak.node.app import create_admin_app, create_app, create_service
from osak.node.config import ListenAddress, NodeConfig, TLSSettings
from osak.node.storage import open_store
from osak.node.telemetry import Telemetry, create_telemetry, take_over_library_logs
from osak.node.tls import certificate_pin
from osak.shares.errors import ConfigurationError

_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_KEEP_ALIVE_SECONDS = 75
_MAX_HEADERS = 64


def create_tls_context(settings: TLSSettings) -> ssl.SSLContext:
    """Server side of TLS 1.3 with the node's certificate.

    Raises:
        ConfigurationError: the files are not a certificate and its key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    try:
        # An empty password: an encrypted key must end in an error, not in a prompt.
        context.load_cert_chain(settings.certificate_file, settings.key_file, password="")
    except (ssl.SSLError, ValueError) as error:
        raise ConfigurationError(
            "tls", [f"{settings.certificate_file} and {settings.key_file} are no certificate and its key"]
        ) from error
    return context


async def serve(config: NodeConfig) -> None:
    """Run a node until it is told to stop.

    Raises:
        ConfigurationError: a file it names is not what it should be.
        StorageError: the store cannot be opened.
        OSError: a port cannot be opened, or a file not read.
    """
    telemetry = create_telemetry(sys.stderr, __version__)
    take_over_library_logs(telemetry)
    stop = _stop_event()
    tls = create_tls_context(config.tls)
    store = await open_store(config.storage)
    try:
        service = create_service(config, store)
        public = _runner(create_app(config, service, telemetry), config)
        admin = _runner(create_admin_app(service, telemetry), config)
        try:
            listen = await _listen(public, config.listen, tls)
            admin_listen = await _listen(admin, config.admin.listen, None)
            _announce(config, telemetry, f"https://{listen}", f"http://{admin_listen}")
            await stop.wait()
            telemetry.log.info("stopping", id=config.id)
        finally:
            await public.cleanup()
            await admin.cleanup()
    finally:
        await store.close()
    telemetry.log.info("stopped", id=config.id)


def _runner(app: web.Application, config: NodeConfig) -> web.AppRunner:
    return web.AppRunner(
        app,
        access_log=None,
        logger=logging.getLogger("aiohttp.server"),
        keepalive_timeout=_KEEP_ALIVE_SECONDS,
        max_headers=_MAX_HEADERS,
        shutdown_timeout=config.limits.shutdown_timeout,
    )


async def _listen(runner: web.AppRunner, address: ListenAddress, tls: ssl.SSLContext | None) -> str:
    """Open a port; return it as HOST:PORT with the real port."""
    await runner.setup()
    await web.TCPSite(runner, address.host, address.port, ssl_context=tls).start()
    bound: Any = runner.addresses[0]
    host = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
    return f"{host}:{bound[1]}"


def _stop_event() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    return stop


def _announce(config: NodeConfig, telemetry: Telemetry, listen: str, admin: str) -> None:
    telemetry.log.info(
        "ready",
        id=config.id,
        organisation=config.organisation,
        version=__version__,
        public_url=str(config.public_url),
        listen=listen,
        admin=admin,
        storage=config.storage.kind,
        pin_sha256=_pin(config.tls.certificate_file),
    )


def _pin(certificate_file: Path) -> str:
    return certificate_pin(x509.load_pem_x509_certificate(certificate_file.read_bytes()))
