# SPDX-License-Identifier: MIT
"""A node's certificate is renewed while it runs: no restart, nothing lost, no half-replaced pair in use."""

import asyncio
import json
import os
import signal
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from factories.node_processes import NodeProcess, make_node, started
from factories.people import TestCA
from factories.quiet_ports import quiet_ports
from factories.redis_servers import wait_until

from osak.node.tls import certificate_pin, make_dev_certificate
from osak.shares.protocol.urls import ServerURL


async def shown(port: int) -> x509.Certificate:
    """The certificate that a port shows to whoever connects now."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    der: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return x509.load_der_x509_certificate(der)


def lines(node: NodeProcess, event: str) -> list[dict[str, Any]]:
    """What the node logged under this name."""
    log = node.config_file.with_suffix(".log").read_text(encoding="utf-8")
    return [line for line in map(json.loads, log.splitlines()) if line["event"] == event]


async def look_again(node: NodeProcess, event: str) -> dict[str, Any]:
    """Have the node look at its files; return the line that it logs of it."""
    before = len(lines(node, event))
    assert node.process is not None
    os.kill(node.process.pid, signal.SIGHUP)
    await asyncio.to_thread(wait_until, lambda: len(lines(node, event)) > before)
    return lines(node, event)[-1]


def new_pair(url: str) -> tuple[bytes, bytes]:
    """Another certificate and key for the node."""
    certificate, key, _ = make_dev_certificate(ServerURL.parse(url), datetime.now(UTC))
    return certificate, key


async def metric(node: NodeProcess, name: str) -> float:
    """One value of the node's metrics."""
    assert node.client is not None
    async with node.client.get(f"{node.admin_url}/metrics") as response:
        text = await response.text()
    (value,) = [line.split()[1] for line in text.splitlines() if line.startswith(name)]
    return float(value)


async def test_a_renewed_certificate_is_taken_into_use(tmp_path: Path) -> None:
    """After SIGHUP new connections see the new certificate, open ones go on, and the metrics tell its end."""
    node = make_node(tmp_path)
    port, tls = ServerURL.parse(node.url).port, node.config_file.parent / "tls"
    async with started(node):
        before = await shown(port)
        status, path, _ = await node.upload(b"s" * 32)
        certificate, key = new_pair(node.url)
        (tls / "cert.pem").write_bytes(certificate)
        (tls / "key.pem").write_bytes(key)
        renewed = await look_again(node, "certificate renewed")
        after = x509.load_pem_x509_certificate(certificate)
        assert await shown(port) == after != before
        assert renewed["pin_sha256"] == certificate_pin(after)
        end = await metric(node, "osak_node_certificate_not_after_seconds")
        assert end == after.not_valid_after_utc.timestamp()
        # The connection of before, with the certificate of before.
        assert (status, await node.fetch(path, await node.ticket(path))) == (201, (200, b"s" * 32))


async def test_a_pair_that_does_not_fit_is_left_alone(tmp_path: Path) -> None:
    """While only one file is replaced, or one is garbage or gone, the old certificate stays in use."""
    node = make_node(tmp_path)
    port, tls = ServerURL.parse(node.url).port, node.config_file.parent / "tls"
    async with started(node):
        before = await shown(port)
        certificate, key = new_pair(node.url)
        (tls / "cert.pem").write_bytes(certificate)
        warning = await look_again(node, "certificate not renewed")
        assert (warning["level"], warning["reason"]) == ("warning", "ConfigurationError")
        assert await shown(port) == before
        (tls / "cert.pem").write_bytes(b"garbage")
        await look_again(node, "certificate not renewed")
        assert await shown(port) == before
        (tls / "cert.pem").unlink()
        await look_again(node, "certificate not renewed")
        assert await shown(port) == before
        (tls / "cert.pem").write_bytes(certificate)
        (tls / "key.pem").write_bytes(key)
        await look_again(node, "certificate renewed")
        assert await shown(port) == x509.load_pem_x509_certificate(certificate)


async def test_the_port_of_capsules_is_renewed_too(tmp_path: Path) -> None:
    """The port with mutual TLS shows the new certificate, and still asks for the client's."""
    node = make_node(tmp_path)
    authority = TestCA()
    (node.config_file.parent / "people.pem").write_bytes(authority.certificate_pem)
    (fetch_port,) = quiet_ports(1)
    text = node.config_file.read_text(encoding="utf-8").replace(
        "roles: [shares]\n", "roles: [shares, capsules]\n"
    )
    text += f"\ncapsules: {{fetch_listen: '127.0.0.1:{fetch_port}', anchors: [people.pem]}}\n"
    node.config_file.write_text(text, encoding="utf-8")
    tls = node.config_file.parent / "tls"
    async with started(node):
        certificate, key = new_pair(node.url)
        (tls / "cert.pem").write_bytes(certificate)
        (tls / "key.pem").write_bytes(key)
        await look_again(node, "certificate renewed")
        assert await shown(fetch_port) == x509.load_pem_x509_certificate(certificate)
        stranger = ssl.create_default_context(cafile=str(tls / "cert.pem"))
        person = TestCA().issue()
        (tmp_path / "stranger.pem").write_bytes(person.certificate_pem + person.key_pem)
        stranger.load_cert_chain(tmp_path / "stranger.pem")
        assert await is_turned_away(fetch_port, stranger)
        known = authority.issue()
        (tmp_path / "known.pem").write_bytes(known.certificate_pem + known.key_pem)
        friend = ssl.create_default_context(cafile=str(tls / "cert.pem"))
        friend.load_cert_chain(tmp_path / "known.pem")
        assert not await is_turned_away(fetch_port, friend)


async def is_turned_away(port: int, context: ssl.SSLContext) -> bool:
    """Whether a connection ends without an answer."""
    try:
        reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
        writer.write(
            b"GET /key-capsules/KC00000000000000000000000000000000 HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )
        answer = await reader.readline()
        writer.close()
    except (ssl.SSLError, ConnectionError):
        return True
    return not answer.startswith(b"HTTP/1.1 404")
