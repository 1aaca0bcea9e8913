# SPDX-License-Identifier: MIT
"""A capsule server that does what it should not: the client says what happened, and opens nothing wrong."""

import asyncio
import dataclasses
import io
import secrets
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from factories.capsules import capsule_for
from factories.people import Person, TestCA
from simulator.real_servers import Answer, Authority, RawServer, raw_server, reply, send

from osak.client.capsule_server.calls import fetch_capsule, upload_capsule
from osak.client.capsule_server.receipt import UploadedCapsule
from osak.client.capsule_server.recipient import capsule_message
from osak.client.capsule_server.records import capsule_records, open_record
from osak.client.capsule_server.settings import CapsuleServer
from osak.client.container import (
    ContainerHeader,
    Entry,
    KekRecipient,
    KeyServerCapsule,
    PublicKeyRecipient,
    Recipient,
    read_header,
    write_container,
)
from osak.client.errors import CapsuleServerError, UnknownCapsuleServerError
from osak.client.identity.files import PersonalKey
from osak.coordinator import Timeouts
from osak.shares.protocol.capsule import CapsuleMessage
from osak.shares.protocol.urls import ServerURL

CA = TestCA()
ALICE = CA.issue(key=ec.generate_private_key(ec.SECP384R1()))
BOB = CA.issue(key=ec.generate_private_key(ec.SECP384R1()))
RSA_OWNER = CA.issue(key=rsa.generate_private_key(65537, 2048))
KNOWN = "KC" + "ab" * 16
TIMEOUTS = Timeouts(connect_seconds=20, request_seconds=20)
JSON = "Content-Type: application/json"


def personal(person: Person) -> PersonalKey:
    """A person's key and certificate as the client has them."""
    return PersonalKey(person.key, person.certificate)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Who signed the server's certificate."""
    return Authority(tmp_path)


Call = Callable[[CapsuleServer], Awaitable[object]]


def fetching(transaction_id: str = KNOWN, timeouts: Timeouts = TIMEOUTS) -> Call:
    """A fetch by Alice."""
    return lambda server: fetch_capsule("s1", server, transaction_id, personal(ALICE), timeouts=timeouts)


def uploading() -> Call:
    """An upload of Alice's capsule."""
    return lambda server: upload_capsule("s1", server, capsule_for(ALICE), expires_at=None, timeouts=TIMEOUTS)


async def outcome(call: Call, answer: Answer, authority: Authority) -> tuple[object, RawServer]:
    """What a call makes of a server's answer: its result, or the text of its error."""
    async with raw_server(answer, authority.server_context()) as raw:
        url = ServerURL("localhost", raw.port)
        server = CapsuleServer(url=url, fetch_url=url, tls=authority.trust)
        try:
            return await call(server), raw
        except CapsuleServerError as error:
            return str(error), raw


ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 10_000_000


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply("200 OK", b"<html>sign in</html>", "Content-Type: text/html"), "not the protocol"),
        (reply("200 OK", b"{}", JSON), "not the protocol"),
        (reply("200 OK", capsule_for(ALICE).to_json().replace(b"384", b"256"), JSON), "not the protocol"),
        (reply("200 OK", capsule_for(ALICE).to_json().replace(b"ecc_", b"new_"), JSON), "not the protocol"),
        (ENDLESS, "more than 4096 bytes"),
        (reply("302 Found", b"", "Location: https://evil.example/"), "a redirect, which is never followed"),
        (reply("204 No Content"), "an unexpected status"),
        (reply("404 Not Found", b"<html>"), "has nothing for this certificate"),
        (reply("401 Unauthorized", b"{}"), "answered 401"),
        (reply("405 Method Not Allowed"), "answered 405; perhaps url and fetch_url are swapped"),
        (reply("500 Oops", b"\xff"), "answered 500"),
        (b"SSH-2.0-OpenSSH\r\n", "not HTTP"),
    ],
    ids=[
        "html",
        "empty",
        "wrong curve",
        "new kind",
        "10 MB",
        "redirect",
        "204",
        "404",
        "401",
        "405",
        "500",
        "ssh",
    ],
)
async def test_fetch(authority: Authority, answer: bytes, expected: str) -> None:
    """Whatever a server answers to a fetch ends in one sentence that names the server."""
    text, raw = await outcome(fetching(), send(answer), authority)
    assert isinstance(text, str)
    assert text.startswith("capsule server s1 ")
    assert expected in text
    assert raw.connections == 1
    assert raw.received.startswith(f"GET /key-capsules/{KNOWN} HTTP/1.1".encode())


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply("200 OK", b"", f"Location: /key-capsules/{KNOWN}"), "an unexpected status"),
        (reply("201 Created"), "not the protocol"),
        (
            reply("201 Created", b"", f"Location: https://evil.example/key-capsules/{KNOWN}"),
            "not the protocol",
        ),
        (reply("201 Created", b"", f"Location: /key-capsules/{KNOWN}/../x"), "not the protocol"),
        (reply("307 Moved", b"", "Location: https://evil.example/"), "a redirect, which is never followed"),
        (reply("400 Bad Request", b"{}"), "answered 400"),
        (reply("405 Method Not Allowed"), "answered 405; perhaps url and fetch_url are swapped"),
        (ENDLESS.replace(b"200 OK", b"201 Created"), "more than 4096 bytes"),
    ],
    ids=["200", "no location", "absolute", "dots", "redirect", "400", "405", "10 MB"],
)
async def test_upload(authority: Authority, answer: bytes, expected: str) -> None:
    """Whatever a server answers to an upload ends in one sentence, after one attempt."""
    text, raw = await outcome(uploading(), send(answer), authority)
    assert isinstance(text, str)
    assert expected in text
    assert raw.connections == 1


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("x-expiry-time: 2030-01-31T00:00:00Z", datetime(2030, 1, 31, tzinfo=UTC)),
        # The official server, where it chose the time itself.
        ("x-expiry-time: 2030-01-31T00:00:00.000000402Z", datetime(2030, 1, 31, tzinfo=UTC)),
        ("x-expiry-time: soon", None),
        ("x-nothing: 1", None),
    ],
)
async def test_told_expiry(authority: Authority, header: str, expected: datetime | None) -> None:
    """An expiry that a server tells is kept; one that it does not tell, or mumbles, loses nothing."""
    answer = reply("201 Created", b"", f"Location: /key-capsules/{KNOWN}", header)
    found, _ = await outcome(uploading(), send(answer), authority)
    assert found == UploadedCapsule("s1", KNOWN, expected)


async def test_silence(authority: Authority) -> None:
    """A server that never answers is waited for as long as configured; one that hangs up is named."""

    async def wait(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    hasty = Timeouts(request_seconds=0.2)
    text, _ = await outcome(fetching(timeouts=hasty), wait, authority)
    assert "did not answer in time" in str(text)

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    text, _ = await outcome(fetching(), hang_up, authority)
    assert "perhaps it does not accept this certificate" in str(text)


@asynccontextmanager
async def loud_server(authority: Authority) -> AsyncIterator[CapsuleServer]:
    """A server that wants a certificate of another authority, and tells in a TLS alert why it hangs up.

    Official servers do. Python's own hang up without a word, so this one does its handshake by hand.
    """
    context = authority.server_context()
    context.verify_mode = context.verify_mode.CERT_REQUIRED
    context.load_verify_locations(cadata=TestCA().certificate_pem.decode())

    async def shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        refused = False
        while not refused and (data := await reader.read(65536)):
            incoming.write(data)
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                refused = True
            writer.write(outgoing.read())
            await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(shake_hands, "127.0.0.1", 0)
    async with server:
        url = ServerURL("localhost", server.sockets[0].getsockname()[1])
        yield CapsuleServer(url=url, fetch_url=url, tls=authority.trust)


async def test_a_server_that_refuses_the_certificate_loudly(authority: Authority) -> None:
    """A TLS alert about the certificate is told as what it is."""
    async with loud_server(authority) as server:
        with pytest.raises(CapsuleServerError, match=r"does not accept this certificate \(.*ALERT.*\)"):
            await fetching()(server)


async def test_an_upload_to_a_door_for_recipients(authority: Authority) -> None:
    """A server that wants to see a sender's certificate is probably asked at its URL for recipients."""
    async with loud_server(authority) as server:
        with pytest.raises(CapsuleServerError, match="perhaps url and fetch_url are swapped"):
            await uploading()(server)


@pytest.mark.parametrize(
    "hostile", ["../../key-shares/x", "KC?x=1&" + "a" * 20, "a" * 300, "", "KC" + "\r\nX: y" * 5]
)
async def test_hostile_transaction_ids(authority: Authority, hostile: str) -> None:
    """An id out of a container that could change the request never reaches the server."""
    text, raw = await outcome(fetching(hostile), send(b""), authority)
    assert "not the protocol" in str(text)
    assert raw.connections == 0


async def test_nothing_is_shown_to_a_stranger(authority: Authority, tmp_path: Path) -> None:
    """A server whose certificate is not the configured one sees neither request nor certificate."""
    other = Authority(tmp_path)
    async with raw_server(send(reply("200 OK")), other.server_context()) as raw:
        url = ServerURL("localhost", raw.port)
        server = CapsuleServer(url=url, fetch_url=url, tls=authority.trust)
        for call in (fetching(), uploading()):
            with pytest.raises(CapsuleServerError, match="not trusted"):
                await call(server)
        assert (raw.connections, bytes(raw.received)) == (0, b"")


async def test_no_key_is_left_on_disk(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file through which Python takes the client's key is gone afterwards."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    await outcome(fetching(), send(reply("404 Not Found")), authority)
    assert list(folder.iterdir()) == []


# What the answer of a server is worth, once it is well formed.


def made_for(person: Person) -> tuple[ContainerHeader, Recipient, CapsuleMessage]:
    """A container for this person through server ``s1``: its header, the record, and the true capsule."""
    capsule, kek = PublicKeyRecipient(person.certificate).make_capsule(secrets.token_bytes)
    curve = getattr(capsule, "curve", None)
    record = KeyServerCapsule(curve, capsule.recipient_public_key, "s1", KNOWN)
    box = io.BytesIO()
    write_container(box, [Entry("a.txt", 1, lambda: io.BytesIO(b"a"))], [KekRecipient(record, "label", kek)])
    box.seek(0)
    header = read_header(box)
    [found] = capsule_records(header, person.key)
    return header, found, capsule_message(capsule)


def opened(person: Person, answer: Callable[[CapsuleMessage], CapsuleMessage], authority: Authority) -> None:
    """Open a container whose server answers something derived from the true capsule."""
    header, record, message = made_for(person)

    async def run() -> None:
        body = answer(message).to_json()
        async with raw_server(send(reply("200 OK", body, JSON)), authority.server_context()) as raw:
            url = ServerURL("localhost", raw.port)
            server = CapsuleServer(url=url, fetch_url=url, tls=authority.trust)
            await asyncio.to_thread(open_record, header, record, personal(person), {"s1": server}, TIMEOUTS)

    asyncio.run(run())


def other_point(message: CapsuleMessage) -> CapsuleMessage:
    """The same recipient, another sender's key."""
    return dataclasses.replace(message, ephemeral_key_material=capsule_for(BOB).ephemeral_key_material)


@pytest.mark.parametrize("person", [ALICE, RSA_OWNER], ids=["ec", "rsa"])
def test_the_true_capsule_opens(authority: Authority, person: Person) -> None:
    """What the sender stored opens the container."""
    opened(person, lambda message: message, authority)


@pytest.mark.parametrize(
    ("person", "answer", "expected"),
    [
        (ALICE, lambda _: capsule_for(BOB), "for another key"),
        (ALICE, lambda _: capsule_for(RSA_OWNER), "for another key"),
        (RSA_OWNER, lambda _: capsule_for(ALICE), "for another key"),
        (ALICE, other_point, "does not open this file"),
        (ALICE, lambda m: dataclasses.replace(m, ephemeral_key_material=b"\4" + bytes(96)), "does not open"),
        (RSA_OWNER, lambda m: dataclasses.replace(m, ephemeral_key_material=bytes(256)), "does not open"),
        (RSA_OWNER, lambda _: capsule_for(RSA_OWNER), "does not open this file"),
    ],
    ids=["bob's", "rsa for ec", "ec for rsa", "other point", "no point", "no ciphertext", "other kek"],
)
def test_a_lying_server(
    authority: Authority, person: Person, answer: Callable[[CapsuleMessage], CapsuleMessage], expected: str
) -> None:
    """A capsule that is not the one stored is refused, and the server is named."""
    with pytest.raises(CapsuleServerError, match=f"capsule server s1 .*{expected}"):
        opened(person, answer, authority)


def test_an_unknown_server_is_not_asked() -> None:
    """A record's server id leads to a configured server or nowhere; odd letters are not shown."""
    header, record, _ = made_for(ALICE)
    assert isinstance(record.capsule, KeyServerCapsule)
    strange = dataclasses.replace(record.capsule, keyserver_id="evil\x1b[2J" + "x" * 999)
    with pytest.raises(UnknownCapsuleServerError) as caught:
        open_record(header, dataclasses.replace(record, capsule=strange), personal(ALICE), {}, TIMEOUTS)
    assert "evil?[2J" in str(caught.value)
    assert len(str(caught.value)) < 400


def test_records_are_found_by_key() -> None:
    """Only the records of one's own key are tried."""
    header, record, _ = made_for(ALICE)
    assert capsule_records(header, ALICE.key) == [record]
    assert capsule_records(header, BOB.key) == []
    assert capsule_records(header, RSA_OWNER.key) == []
