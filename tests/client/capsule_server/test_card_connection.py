# SPDX-License-Identifier: MIT
"""A fetch with the certificate of a card: its key signs the handshake, and only for the right server.

The card is simulated, the servers speak OpenSSL's TLS and say what they were shown.
"""

import asyncio
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from factories.capsules import capsule_for
from factories.people import Person, TestCA
from simulator.real_servers import Authority, reply
from simulator.tokens import SimulatedToken

from osak.client.capsule_server.calls import fetch_capsule
from osak.client.capsule_server.settings import CapsuleServer
from osak.client.errors import CapsuleServerError, UsageError
from osak.client.identity.card import Card, PINSource, choose_certificate
from osak.client.identity.card_keys import card_key
from osak.client.identity.errors import PINError
from osak.client.identity.files import PersonalKey
from osak.coordinator import Timeouts, TLSSettings
from osak.shares.protocol.urls import ServerURL

CA = TestCA()
PEOPLE = {
    "p256": CA.issue(key=ec.generate_private_key(ec.SECP256R1())),
    "p384": CA.issue(key=ec.generate_private_key(ec.SECP384R1())),
    "p521": CA.issue(key=ec.generate_private_key(ec.SECP521R1())),
    "rsa": CA.issue(key=rsa.generate_private_key(65537, 2048)),
}
MARI = PEOPLE["p384"]
KNOWN = "KC" + "ab" * 16
TIMEOUTS = Timeouts(connect_seconds=10, request_seconds=10)
CAPSULE = capsule_for(MARI)
FOUND = reply("200 OK", CAPSULE.to_json(), "Content-Type: application/json")


@dataclass
class Office:
    """A server on a thread of its own that answers each connection by the next of its contexts.

    Attributes:
        shown: the certificate, DER, that each finished handshake showed it; None for none.
        asked: every byte of HTTP.
    """

    contexts: Sequence[ssl.SSLContext | bytes]
    answer: bytes = FOUND
    shown: list[bytes | None] = field(default_factory=list)
    asked: bytes = b""
    connections: int = 0

    def serve(self, listening: socket.socket) -> None:
        """Until the socket is closed."""
        with suppress(OSError):
            while True:
                raw, _ = listening.accept()
                with raw:
                    self.connections += 1
                    self._meet(raw, self.contexts[min(self.connections, len(self.contexts)) - 1])

    def _meet(self, raw: socket.socket, context: ssl.SSLContext | bytes) -> None:
        with suppress(OSError):
            raw.settimeout(5)
            if isinstance(context, bytes):  # instead of TLS; then silence
                raw.sendall(context)
                while raw.recv(4096):
                    pass
                return
            with context.wrap_socket(raw, server_side=True) as tls:
                self.shown.append(tls.getpeercert(binary_form=True))
                if asked := tls.recv(4096):
                    self.asked += asked
                    tls.sendall(self.answer)
                    tls.recv(1)


@contextmanager
def running(office: Office) -> Iterator[int]:
    """Its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=office.serve, args=(listening,))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def wants_certificate(authority: Authority, *, optional: bool = False) -> ssl.SSLContext:
    """TLS 1.3 of a server that asks for people's certificates."""
    context = authority.server_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_OPTIONAL if optional else ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=CA.certificate_pem.decode())
    return context


def card_of(
    person: Person, read: Callable[[str], str] = lambda _: "4821"
) -> tuple[PersonalKey, SimulatedToken]:
    """The person's key as it comes from a card, and the card."""
    token = SimulatedToken([person])
    card = Card(*choose_certificate([token], None), PINSource(read))
    return PersonalKey(card_key(card), card.certificate), token


async def fetch(
    office: Office,
    trust: TLSSettings,
    person: PersonalKey,
    timeouts: Timeouts = TIMEOUTS,
    host: str = "localhost",
) -> object:
    """A fetch from the office."""
    with running(office) as port:
        url = ServerURL(host, port)
        server = CapsuleServer(url=url, fetch_url=url, tls=trust)
        return await fetch_capsule("s1", server, KNOWN, person, timeouts=timeouts)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Who signed the server's certificate."""
    return Authority(tmp_path)


@pytest.mark.parametrize("kind", PEOPLE)
async def test_a_card_proves_itself(authority: Authority, kind: str) -> None:
    """For every kind of key OpenSSL accepts the card's signature; the request comes on that connection."""
    person, token = card_of(PEOPLE[kind])
    office = Office([wants_certificate(authority, optional=True)])
    assert await fetch(office, authority.trust, person) == CAPSULE
    assert office.shown == [None, PEOPLE[kind].der]
    assert office.asked.startswith(f"GET /key-capsules/{KNOWN} HTTP/1.1\r\n".encode())
    assert token.sent == ["4821"]


async def test_a_server_without_a_name(authority: Authority) -> None:
    """A server at an address has no name to be told; it is trusted and asked like others."""
    person, token = card_of(MARI)
    office = Office([wants_certificate(authority, optional=True)])
    assert await fetch(office, authority.trust, person, host="127.0.0.1") == CAPSULE
    assert (office.shown, token.sent) == ([None, MARI.der], ["4821"])


@pytest.mark.parametrize("with_ca", [True, False])
async def test_a_pin_of_the_server_counts(authority: Authority, with_ca: bool) -> None:
    """The right key alone is trusted if the configuration says so; a wrong one never."""
    person, token = card_of(MARI)
    ca_file = authority.ca_file if with_ca else None
    good = TLSSettings(ca_file=ca_file, pin_sha256=authority.pin)
    office = Office([wants_certificate(authority)])
    assert await fetch(office, good, person) == CAPSULE
    bad = TLSSettings(ca_file=ca_file, pin_sha256="A" * 43 + "=")
    person, token = card_of(MARI)
    office = Office([wants_certificate(authority, optional=True)])
    with pytest.raises(CapsuleServerError, match="not the pinned one"):
        await fetch(office, bad, person)
    assert (office.shown, token.sent) in (([None], []), ([], []))


async def test_a_strange_server_sees_nobody(authority: Authority, tmp_path: Path) -> None:
    """Another authority, another name: no certificate is shown, no PIN is asked for, nothing is sent."""
    strangers = [
        (Authority(tmp_path), "localhost"),
        (Authority(tmp_path, "other.example"), "localhost"),
    ]
    for stranger, host in strangers:
        person, token = card_of(MARI)
        office = Office([wants_certificate(stranger, optional=True)])
        trust = authority.trust if stranger is strangers[0][0] else stranger.trust
        with pytest.raises(CapsuleServerError, match="not trusted"):
            await fetch(office, trust, person, host=host)
        assert token.sent == []
        assert (office.connections, office.asked) == (1, b"")
        assert MARI.der not in office.shown


async def test_who_steps_in_between_sees_nobody(authority: Authority, tmp_path: Path) -> None:
    """A second connection that ends elsewhere is left before the person's certificate goes out.

    Even where the other server's certificate is by the right authority: it must be the same certificate.
    """
    for other in (Authority(tmp_path).server_context(), _reissued(authority)):
        other.minimum_version = ssl.TLSVersion.TLSv1_3
        other.verify_mode = ssl.CERT_OPTIONAL
        other.load_verify_locations(cadata=CA.certificate_pem.decode())
        person, _ = card_of(MARI)
        office = Office([wants_certificate(authority, optional=True), other])
        with pytest.raises(CapsuleServerError, match="another certificate than a moment ago"):
            await fetch(office, authority.trust, person)
        assert (office.shown, office.asked) == ([None], b"")


def _reissued(authority: Authority) -> ssl.SSLContext:
    """A server with another key and a certificate by the same authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority._authority.issue_cert("localhost").configure_cert(context)
    return context


async def test_a_stolen_certificate_proves_nothing(authority: Authority, tmp_path: Path) -> None:
    """Somebody with the right certificate but without its key cannot sign the handshake for it."""
    thief = Office([wants_certificate(authority, optional=True), b"\x16\x03\x03\x00\x02\x02\x00"])
    person, _ = card_of(MARI)
    with pytest.raises(CapsuleServerError):
        await fetch(thief, authority.trust, person)
    assert (thief.shown, thief.asked) == ([None], b"")


async def test_no_older_tls(authority: Authority) -> None:
    """A server that has TLS 1.2 alone is not spoken to; neither is one that falls back the second time."""
    old = authority.server_context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    for contexts in ([old], [wants_certificate(authority, optional=True), old]):
        person, _ = card_of(MARI)
        office = Office(contexts)
        with pytest.raises(CapsuleServerError):
            await fetch(office, authority.trust, person)
        assert office.asked == b""
        assert MARI.der not in office.shown


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply("200 OK", b"x" * 5000), "more than 4096 bytes"),
        (reply("302 Found", b"", "Location: https://evil.example/"), "a redirect, which is never followed"),
        (reply("404 Not Found"), "has nothing for this certificate"),
        (b"SSH-2.0-OpenSSH\r\n", "not TLS or HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000, "not TLS or HTTP"),
    ],
    ids=["long", "redirect", "404", "ssh", "headers"],
)
async def test_what_the_server_may_answer(authority: Authority, answer: bytes, expected: str) -> None:
    """The bounds of any other call: one sentence, whatever comes."""
    person, _ = card_of(MARI)
    office = Office([wants_certificate(authority)], answer)
    with pytest.raises(CapsuleServerError, match=expected):
        await fetch(office, authority.trust, person)


@pytest.mark.parametrize(
    "noise", [b"", b"\x00" * 64, b"\x16\x03\x03\xff\xff" + b"\x02" * 60, b"HTTP/1.1 400\r\n\r\n"]
)
async def test_noise_instead_of_tls(authority: Authority, noise: bytes) -> None:
    """Silence and garbage at the second connection end in time, in an error of ours, and show nobody."""
    person, _ = card_of(MARI)
    office = Office([wants_certificate(authority, optional=True), noise])
    with pytest.raises(CapsuleServerError):
        await fetch(office, authority.trust, person, Timeouts(connect_seconds=1, request_seconds=1))
    assert (office.shown, office.asked) == ([None], b"")


async def test_a_cancelled_fetch_leaves_no_thread(authority: Authority) -> None:
    """Who cancels does not wait for the server."""
    person, _ = card_of(MARI)
    office = Office([wants_certificate(authority, optional=True), b""])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await fetch(office, authority.trust, person)
    assert not any(thread.name.startswith("asyncio") and _is_busy(thread) for thread in threading.enumerate())


def _is_busy(thread: threading.Thread) -> bool:
    """Whether a thread of the pool is in a call of ours."""
    frame: Any = sys._current_frames().get(thread.ident or 0)
    while frame is not None:
        if frame.f_code.co_filename.endswith("card_connection.py"):
            return True
        frame = frame.f_back
    return False


async def test_a_wrong_pin_ends_it(authority: Authority) -> None:
    """The PIN is sent once, and no second connection is made."""
    person, token = card_of(MARI, lambda _: "0000")
    office = Office([wants_certificate(authority, optional=True)])
    with pytest.raises(PINError):
        await fetch(office, authority.trust, person)
    assert (token.sent, office.connections) == (["0000"], 1)


async def test_a_certificate_that_the_server_does_not_know(authority: Authority) -> None:
    """A refusal after the handshake is told as what it probably is."""
    stranger = TestCA().issue(key=ec.generate_private_key(ec.SECP384R1()))
    person, _ = card_of(stranger)
    office = Office([wants_certificate(authority)])
    with pytest.raises(CapsuleServerError, match="perhaps it does not accept this certificate"):
        await fetch(office, authority.trust, person)


async def test_without_the_extra(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the library is not installed the error says how to get it, before anybody is asked anything."""
    monkeypatch.setitem(sys.modules, "tlslite.api", None)
    monkeypatch.delitem(sys.modules, "osak.client.capsule_server.card_connection", raising=False)
    person, token = card_of(MARI)
    with pytest.raises(UsageError, match="install osak"):
        await fetch(Office([]), authority.trust, person)
    assert token.sent == []
