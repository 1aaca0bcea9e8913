# SPDX-License-Identifier: MIT
"""The HTTP adapter against servers that answer anything: bounded, never redirected, never fooled."""

import asyncio
import gzip
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from simulator.real_servers import Answer, Authority, RawServer, raw_server, reply, send
from simulator.wire_calls import EVERY_CALL, NONCE, PATIENT, SHARE_ID, SILENT, WAITING, server_at

from osak.coordinator import (
    BadReply,
    Refused,
    Server,
    TimedOut,
    Timeouts,
    TransportError,
    Unreachable,
)
from osak.coordinator.transport.first_contact import read_pin
from osak.coordinator.transport.http import HTTPTransport
from osak.shares.protocol.urls import ServerURL


@asynccontextmanager
async def _talk(
    authority: Authority, answer: Answer, timeouts: Timeouts = PATIENT
) -> AsyncIterator[tuple[HTTPTransport, Server, RawServer]]:
    async with raw_server(answer, authority.server_context()) as raw, HTTPTransport(timeouts) as transport:
        yield transport, server_at(raw, authority.trust), raw


async def _fail(
    authority: Authority, answer: Answer, call: str = "nonce", timeouts: Timeouts = PATIENT
) -> TransportError:
    async with _talk(authority, answer, timeouts) as (transport, server, _):
        with pytest.raises(TransportError) as caught:
            await EVERY_CALL[call](transport, server)
        return caught.value


@pytest.mark.parametrize("call", EVERY_CALL)
@pytest.mark.parametrize(
    "answer",
    [
        reply("200 OK", b"<html><h1>It works!</h1></html>", "Content-Type: text/html"),
        reply("201 Created", b"<html></html>", "Location: https://elsewhere.example/key-shares/" + SHARE_ID),
        reply("200 OK"),
        reply("206 Partial Content", b"{}"),
        reply("200 OK", b"[]", "Content-Type: application/json"),
        reply("200 OK", b'{"nonce":7,"share":"AA==","id":"x"}', "Content-Type: application/json"),
        reply("200 OK", b"\xff\xfe{}"),
        reply("200 OK", gzip.compress(NONCE), "Content-Encoding: gzip"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nnot a chunk\r\n",
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000 + b"\r\n",
    ],
    ids=[
        "HTML",
        "Location elsewhere",
        "empty",
        "206",
        "JSON list",
        "wrong types",
        "not UTF-8",
        "gzip",
        "bad chunk",
        "SSH",
        "long field",
        "many fields",
    ],
)
async def test_what_is_not_the_protocol_is_a_bad_reply(
    authority: Authority, call: str, answer: bytes
) -> None:
    """Every call refuses every reply that is not its own, with an error of ours."""
    assert isinstance(await _fail(authority, send(answer), call), BadReply)


@pytest.mark.parametrize("call", EVERY_CALL)
async def test_an_error_answer_is_a_refusal(authority: Authority, call: str) -> None:
    """500 with an HTML page keeps its status and shows none of the page."""
    error = await _fail(authority, send(reply("500 Oops", b"<html>\x1b[2J stack trace</html>")), call)
    assert isinstance(error, Refused)
    assert error.problem.status == 500
    assert str(error) == "answered 500"


async def test_a_problem_document_is_kept(authority: Authority) -> None:
    """A node's own words reach the person, with the number by which its operator finds the request."""
    body = b'{"status":404,"code":"not-found","title":"No such share.","request_id":"r1"}'
    error = await _fail(
        authority, send(reply("404 Not Found", body, "Content-Type: application/problem+json"))
    )
    assert isinstance(error, Refused)
    assert (error.problem.code, error.problem.request_id) == ("not-found", "r1")
    assert str(error) == "answered 404: not-found, No such share. (request r1)"


@pytest.mark.parametrize("call", EVERY_CALL)
@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
async def test_redirects_are_never_followed(authority: Authority, call: str, status: str) -> None:
    """The target is not even connected to: a ticket or share must not travel on."""
    async with raw_server(send(reply("200 OK", NONCE)), authority.server_context()) as target:
        location = f"Location: https://localhost:{target.port}/key-shares/{SHARE_ID}"
        error = await _fail(authority, send(reply(status, b"", location)), call)
        assert isinstance(error, BadReply)
        assert "a redirect, which is never followed" in str(error)
        assert target.connections == 0


@pytest.mark.parametrize("status", ["200 OK", "500 Oops"])
@pytest.mark.parametrize("chunked", [False, True])
async def test_ten_megabytes_are_not_read(authority: Authority, status: str, *, chunked: bool) -> None:
    """A long reply is cut off after 4 KiB, whatever length it claimed."""
    written = 0

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        size = 10 * 1024 * 1024
        kind = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
        writer.write(f"HTTP/1.1 {status}\r\n{kind}\r\n\r\n".encode())
        piece = b"x" * 65536
        while written < size:
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" if chunked else piece)
            await writer.drain()
            written += len(piece)

    error = await _fail(authority, flood)
    assert isinstance(error, BadReply)
    assert "more than 4096 bytes" in str(error)
    assert written < 10 * 1024 * 1024


async def test_no_answer_ends_with_the_timeout(authority: Authority) -> None:
    """A server that reads the request and says nothing."""
    error = await _fail(authority, send(b""), timeouts=WAITING)
    assert isinstance(error, TimedOut)
    assert error.request_sent


async def test_headers_that_trickle_end_with_the_timeout(authority: Authority) -> None:
    """One byte now and then does not keep a call alive."""

    async def trickle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while not writer.is_closing():
            writer.write(b"A")
            await writer.drain()
            await asyncio.sleep(0.02)

    assert isinstance(await _fail(authority, trickle, timeouts=WAITING), TimedOut)


async def test_a_body_that_never_ends_ends_with_the_timeout(authority: Authority) -> None:
    """A promised body that does not come."""
    error = await _fail(authority, send(b"HTTP/1.1 200 OK\r\nContent-Length: 34\r\n\r\n{"), timeouts=WAITING)
    assert isinstance(error, TimedOut)


async def test_a_connection_cut_after_the_request_may_have_done_its_work(authority: Authority) -> None:
    """Nobody can know, so it must not be repeated blindly."""

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    error = await _fail(authority, hang_up, "create")
    assert isinstance(error, Unreachable)
    assert error.request_sent


async def test_a_body_cut_short_is_a_bad_reply(authority: Authority) -> None:
    """Half a reply is none."""

    async def cut(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 34\r\n\r\n{")
        await writer.drain()
        writer.close()

    assert isinstance(await _fail(authority, cut), BadReply)


async def test_a_port_that_accepts_and_is_silent_ends_with_the_connect_timeout(authority: Authority) -> None:
    """Half-open TCP: no handshake, so certainly no request."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = Server(
            id="x",
            organisation="X",
            url=ServerURL("localhost", listener.getsockname()[1]),
            tls=authority.trust,
        )
        async with HTTPTransport(SILENT) as transport:
            with pytest.raises(TimedOut) as caught:
                await transport.request_nonce(server, SHARE_ID)
        assert not caught.value.request_sent
        with pytest.raises(TimedOut):
            await read_pin(server.url, 0.1)


async def test_requests_look_as_servers_expect(authority: Authority) -> None:
    """Upstream's header names, the certificate as one-line PEM, no compression, no cookie kept."""
    async with _talk(authority, send(reply("401 No", b"", "Set-Cookie: track=me", "Connection: close"))) as (
        transport,
        server,
        raw,
    ):
        for _ in range(2):
            with pytest.raises(Refused):
                await transport.fetch_share(server, SHARE_ID, "the-ticket", b"der")
    head = raw.received.decode()
    assert head.startswith(f"GET /key-shares/{SHARE_ID} HTTP/1.1\r\n")
    assert "x-cdoc2-auth-ticket: the-ticket\r\n" in head
    assert "x-cdoc2-auth-x5c: -----BEGIN CERTIFICATE-----ZGVy-----END CERTIFICATE-----\r\n" in head
    assert "Accept-Encoding: identity\r\n" in head
    assert "Cookie" not in head


async def test_tickets_of_an_app_are_sent_in_the_newer_dialect(authority: Authority) -> None:
    """With parameters of a signature go the header names and the certificate's form of dialect B."""
    async with _talk(authority, send(reply("401 No", b"", "Connection: close"))) as (transport, server, raw):
        with pytest.raises(Refused):
            await transport.fetch_share(server, SHARE_ID, "the-ticket", b"der", smart_id_parameters="abc")
    head = raw.received.decode()
    assert "x-cdoc2-auth-token: the-ticket\r\n" in head
    assert "x-cdoc2-auth-x5c: ZGVy\r\n" in head
    assert "x-cdoc2-sid-rpv3-signature-parameters: abc\r\n" in head
    assert "x-cdoc2-auth-ticket" not in head


async def test_a_path_prefix_is_kept(authority: Authority) -> None:
    """A server may live below a path of its host."""
    async with _talk(authority, send(reply("200 OK", NONCE))) as (transport, server, raw):
        below = server.model_copy(update={"url": ServerURL("localhost", raw.port, "/osak")})
        await transport.request_nonce(below, SHARE_ID)
    assert raw.received.startswith(f"POST /osak/key-shares/{SHARE_ID}/nonce HTTP/1.1\r\n".encode())


async def test_a_proxy_of_the_environment_is_not_used(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tickets go to servers, not to whoever set a variable."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    async with _talk(authority, send(reply("200 OK", NONCE))) as (transport, server, _):
        assert await transport.request_nonce(server, SHARE_ID)


async def test_outside_its_block_a_transport_is_a_mistake() -> None:
    """Forgetting ``async with`` is found at once."""
    server = Server(id="x", organisation="X", url=ServerURL("localhost", 1))
    with pytest.raises(RuntimeError, match="async with"):
        await HTTPTransport(PATIENT).request_nonce(server, SHARE_ID)


_KEY = ConnectionKey(
    "localhost", 1, is_ssl=True, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None
)


@pytest.mark.parametrize(
    "error",
    [
        aiohttp.ClientConnectionError(),
        aiohttp.ClientConnectionResetError(),
        aiohttp.ClientConnectorCertificateError(_KEY, ssl.SSLCertVerificationError("x")),
        aiohttp.ClientConnectorDNSError(_KEY, OSError(-2, "Name or service not known")),
        aiohttp.ClientConnectorError(_KEY, OSError(111, "Connection refused")),
        aiohttp.ClientConnectorSSLError(_KEY, ssl.SSLError("x")),
        aiohttp.ClientOSError(),
        aiohttp.ClientPayloadError(),
        aiohttp.ConnectionTimeoutError(),
        aiohttp.InvalidURL("x"),
        aiohttp.ServerDisconnectedError(),
        aiohttp.ServerTimeoutError(),
        aiohttp.SocketTimeoutError(),
        aiohttp.ClientError(),
        TimeoutError(),
        ConnectionResetError(),
        OSError(),
        ssl.SSLError("x"),
        UnicodeError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_no_foreign_error_leaves_the_adapter(error: Exception) -> None:
    """Whatever aiohttp raises becomes one of ours, with a sentence for people."""

    class Broken:
        def request(self, *_: object, **__: object) -> object:
            raise error

    transport = HTTPTransport(PATIENT)
    transport._session._session = Broken()  # type: ignore[assignment]  # a session that only fails
    server = Server(id="x", organisation="X", url=ServerURL("localhost", 1))
    with pytest.raises(TransportError) as caught:
        await transport.request_nonce(server, SHARE_ID)
    assert str(caught.value)
