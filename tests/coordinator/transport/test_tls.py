# SPDX-License-Identifier: MIT
"""Which certificates are believed, and the proof that nothing is sent to a server that is not."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from simulator.real_servers import Authority, raw_server, reply, send
from simulator.wire_calls import EVERY_CALL, NONCE, PATIENT, SHARE_ID, SILENT, server_at

from osak.coordinator import TLSSettings, TransportError, Unreachable, Untrusted
from osak.coordinator.transport.first_contact import read_pin
from osak.coordinator.transport.http import HTTPTransport
from osak.coordinator.transport.tls import certificate_pin
from osak.shares.protocol.urls import ServerURL

OTHER_PIN = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


async def _untrusted(served: Authority, trust: TLSSettings, host: str = "localhost") -> TransportError:
    """Every call fails so, and not one byte of HTTP arrives."""
    errors = []
    async with raw_server(send(reply("200 OK", NONCE)), served.server_context()) as raw:
        async with HTTPTransport(PATIENT) as transport:
            for call in EVERY_CALL.values():
                with pytest.raises(Untrusted) as refused:
                    await call(transport, server_at(raw, trust, host))
                errors += [refused.value]
        assert raw.received == b""
    return errors[0]


async def test_a_wrong_pin_sends_nothing(authority: Authority) -> None:
    """The pin alone, or beside a right authority: another key means no request."""
    for ca_file in (None, authority.ca_file):
        error = await _untrusted(authority, TLSSettings(ca_file=ca_file, pin_sha256=OTHER_PIN))
        assert "the server's key is not the pinned one" in str(error)
        assert not error.request_sent


async def test_a_right_pin_does_not_heal_a_wrong_authority(authority: Authority, tmp_path: Path) -> None:
    """With both given, both must hold."""
    other = Authority(tmp_path)
    await _untrusted(authority, TLSSettings(ca_file=other.ca_file, pin_sha256=authority.pin))


async def test_a_wrong_authority_sends_nothing(authority: Authority, tmp_path: Path) -> None:
    """A certificate of another CA, also against the system's CAs."""
    other = Authority(tmp_path)
    for trust in (other.trust, TLSSettings()):
        assert "unable to get local issuer certificate" in str(await _untrusted(authority, trust))


async def test_a_wrong_host_name_sends_nothing(tmp_path: Path) -> None:
    """A certificate of the right authority for another server."""
    named = Authority(tmp_path, "other.example")
    assert "Hostname mismatch" in str(await _untrusted(named, named.trust))
    assert "IP address mismatch" in str(await _untrusted(named, named.trust, "127.0.0.1"))


async def test_an_expired_certificate_sends_nothing(tmp_path: Path) -> None:
    """Its time is over."""
    expired = Authority(tmp_path, "localhost", expires_at=datetime.now(UTC) - timedelta(days=1))
    assert "certificate has expired" in str(await _untrusted(expired, expired.trust))


async def test_a_pin_alone_is_the_identity(tmp_path: Path) -> None:
    """With the pinned key neither authority nor name nor dates matter."""
    strange = Authority(tmp_path, "other.example", expires_at=datetime.now(UTC) - timedelta(days=1))
    async with raw_server(send(reply("200 OK", NONCE)), strange.server_context()) as raw:
        async with HTTPTransport(PATIENT) as transport:
            server = server_at(raw, TLSSettings(pin_sha256=strange.pin))
            assert await transport.request_nonce(server, SHARE_ID) == "AAECAwQFBgcICQoLDA0ODw"
        assert await read_pin(ServerURL("127.0.0.1", raw.port), 5) == strange.pin


async def test_a_missing_or_broken_ca_file_trusts_nobody(authority: Authority, tmp_path: Path) -> None:
    """An unreadable file means no trust, not the system's."""
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    error = await _untrusted(authority, TLSSettings(ca_file=broken))
    assert "holds no readable certificates" in str(error)
    broken.unlink()
    await _untrusted(authority, TLSSettings.model_construct(ca_file=broken, pin_sha256=None))


async def test_older_tls_is_not_spoken(authority: Authority) -> None:
    """A server of TLS 1.2 gets no request, and no pin is read from it."""
    context = authority.server_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with raw_server(send(reply("200 OK", NONCE)), context) as raw, HTTPTransport(PATIENT) as transport:
        server = server_at(raw, authority.trust)
        with pytest.raises(TransportError) as caught:
            await transport.request_nonce(server, SHARE_ID)
        with pytest.raises(TransportError):
            await read_pin(server.url, 20)
    assert not caught.value.request_sent
    assert raw.received == b""


async def test_plain_http_is_not_spoken(authority: Authority) -> None:
    """A server without TLS sees the beginning of a handshake and nothing of the request."""

    async def nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with raw_server(nothing, None) as raw, HTTPTransport(SILENT) as transport:
        with pytest.raises(TransportError) as caught:
            await transport.request_nonce(server_at(raw, authority.trust), SHARE_ID)
    assert not caught.value.request_sent
    assert b"HTTP" not in raw.received


async def test_read_pin_says_when_nobody_is_there() -> None:
    """First contact with a closed port."""
    with pytest.raises(Unreachable, match="cannot be reached: "):
        await read_pin(ServerURL("localhost", 1), 5)


def test_a_certificate_that_cannot_be_read_has_no_pin() -> None:
    """Broken bytes are nobody's key."""
    with pytest.raises(Untrusted, match="cannot be read"):
        certificate_pin(b"no certificate")
