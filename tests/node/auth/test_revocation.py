# SPDX-License-Identifier: MIT
"""Certificates that were revoked, those that were not, and those of which nobody can tell."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.x509 import ocsp
from factories.authorities import Answer, StatusServer, delegate_of
from factories.openssl_ocsp import free_port, openssl_ocsp
from factories.people import Person, TestCA, crl_at, ocsp_at

from osak.node.auth.memo import Finding, Memo
from osak.node.auth.observer import TrustObserver
from osak.node.auth.revocation import RETRY_SECONDS, StatusChecker
from osak.node.errors import CertificateRevokedError, StatusUnavailableError
from osak.shares.certificates.settings import RevocationSettings
from osak.shares.certificates.status import UNSTATED_LIFE
from osak.status_fetch import StatusFetch

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
LOOPBACK = (ip_network("127.0.0.0/8"),)


class Notes(TrustObserver):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.learnt_things: list[tuple[str, str]] = []
        self.reasons: list[str] = []
        self.passes = 0

    def learnt(self, source: str, status: str) -> None:
        self.learnt_things.append((source, status))

    def learnt_nothing(self, reason: str) -> None:
        self.reasons.append(reason)

    def let_through(self) -> None:
        self.passes += 1


class Checker:
    """A checker with a clock to turn, and an authority beside it."""

    def __init__(self, server: StatusServer, **settings: Any) -> None:
        self.server = server
        self.now = datetime.now(UTC).replace(microsecond=0)
        server.clock = lambda: self.now
        self.notes = Notes()
        chosen = RevocationSettings.model_validate({"networks": LOOPBACK, **settings})
        self.checker = StatusChecker(chosen, StatusFetch(chosen), secrets.token_bytes, self.notes)

    async def check(self, person: Person) -> None:
        await self.checker.check((person.certificate, self.server.authority.certificate), self.now)

    async def refuses(self, person: Person) -> bool:
        """Whether they count as revoked; where nobody can tell, they do not."""
        try:
            await self.check(person)
        except CertificateRevokedError:
            return True
        except StatusUnavailableError:
            return False
        return False


@pytest.fixture
async def server() -> AsyncIterator[StatusServer]:
    """An authority that answers."""
    server = StatusServer(TestCA())
    await server.start()
    yield server
    await server.stop()


def person_of(server: StatusServer, *, by: str = "ocsp") -> Person:
    """Somebody whose certificate names the server's OCSP, its list, or both."""
    places: list[x509.ExtensionType] = [ocsp_at(server.ocsp_url)] if "ocsp" in by else []
    places += [crl_at(server.crl_url)] if "crl" in by else []
    return server.knows(server.authority.issue(extensions=places))


def revoke(server: StatusServer, person: Person) -> None:
    server.revoked.add(person.certificate.serial_number)


@pytest.mark.parametrize("mode", ["soft", "hard"])
@pytest.mark.parametrize("by", ["ocsp", "crl"])
async def test_revoked(server: StatusServer, mode: str, by: str) -> None:
    """Who was revoked is refused in either mode, who was not is taken, by either source."""
    checker = Checker(server, mode=mode)
    good, bad = person_of(server, by=by), person_of(server, by=by)
    revoke(server, bad)
    await checker.check(good)
    assert await checker.refuses(bad)
    assert checker.notes.learnt_things == [(by, "good"), (by, "revoked")]


async def test_off(server: StatusServer) -> None:
    """Mode off asks nobody."""
    checker = Checker(server, mode="off")
    bad = person_of(server, by="ocsp+crl")
    revoke(server, bad)
    await checker.check(bad)
    checker.checker.cannot_tell("whatever")
    assert (server.questions, server.lists, checker.notes.reasons) == (0, 0, [])


async def test_an_answer_is_remembered_as_long_as_it_says(server: StatusServer) -> None:
    """Until the next update nobody is asked again; after it, the news are heard."""
    server.life = timedelta(minutes=10)
    checker = Checker(server)
    person = person_of(server)
    await checker.check(person)
    revoke(server, person)
    checker.now += timedelta(minutes=10) - timedelta(seconds=1)
    assert not await checker.refuses(person)
    assert server.questions == 1
    checker.now += timedelta(seconds=1)
    assert await checker.refuses(person)
    assert await checker.refuses(person)
    assert server.questions == 2


@pytest.mark.parametrize(
    ("life", "kept"),
    [(timedelta(days=7), timedelta(hours=1)), (None, UNSTATED_LIFE), (timedelta(seconds=0), timedelta())],
)
async def test_bounds_of_remembering(server: StatusServer, life: timedelta | None, kept: timedelta) -> None:
    """No answer is kept longer than ``max_age``; one without an end, for a short while; an ended one, not."""
    server.life = life
    checker = Checker(server)
    person = person_of(server)
    await checker.check(person)
    checker.now += max(kept - timedelta(seconds=1), timedelta())
    await checker.check(person)
    assert server.questions == (1 if kept else 2)
    checker.now += timedelta(seconds=1)
    await checker.check(person)
    assert server.questions == (2 if kept else 3)


async def test_many_requests_ask_once(server: StatusServer) -> None:
    """A hundred requests at once about one certificate are one question."""
    checker = Checker(server)
    person = person_of(server)
    await asyncio.gather(*(checker.check(person) for _ in range(100)))
    assert server.questions == 1


async def test_spellings_of_a_signature(server: StatusServer) -> None:
    """Anybody can spell an ECDSA signature in a second way; it stays one certificate, asked about once."""
    checker = Checker(server)
    person = person_of(server)
    twin = respelt(person.certificate)
    twin.verify_directly_issued_by(server.authority.certificate)
    assert twin != person.certificate
    await checker.check(person)
    await checker.check(Person(twin, person.key))
    assert server.questions == 1


def respelt(certificate: x509.Certificate) -> x509.Certificate:
    """The same certificate with (r, n - s) for its signature (r, s)."""
    r, s = decode_dss_signature(certificate.signature)
    other = encode_dss_signature(r, P256_ORDER - s)
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")  # ecdsa-with-SHA256
    bits = b"\x03" + bytes([len(other) + 1, 0]) + other
    content = certificate.tbs_certificate_bytes + algorithm + bits
    return x509.load_der_x509_certificate(b"\x30\x82" + len(content).to_bytes(2, "big") + content)


async def test_many_people_fetch_one_list(server: StatusServer) -> None:
    """People of one authority are looked up in one list."""
    checker = Checker(server)
    people = [person_of(server, by="crl") for _ in range(5)]
    revoke(server, people[3])
    assert [await checker.refuses(person) for person in people] == [False, False, False, True, False]
    assert server.lists == 1


async def test_the_list_where_ocsp_fails(server: StatusServer) -> None:
    """A certificate that names both is looked up in the list when OCSP does not answer."""
    checker = Checker(server, mode="hard")
    server.respond = lambda _body, _question: web.Response(status=503)
    good, bad = person_of(server, by="ocsp+crl"), person_of(server, by="ocsp+crl")
    revoke(server, bad)
    await checker.check(good)
    assert await checker.refuses(bad)
    assert (server.questions, server.lists) == (2, 1)


@pytest.mark.parametrize("by", ["ocsp", "crl", "neither"])
async def test_outage(server: StatusServer, by: str) -> None:
    """When nobody can tell, soft lets through and counts it, hard refuses for now; both say why."""
    server.broken = True
    soft, hard = Checker(server, mode="soft"), Checker(server, mode="hard")
    person = person_of(server, by=by)
    await soft.check(person)
    with pytest.raises(StatusUnavailableError):
        await hard.check(person)
    assert (soft.notes.passes, hard.notes.passes) == (1, 0)
    assert len(soft.notes.reasons) == len(hard.notes.reasons) == 1


async def test_an_outage_is_remembered_for_a_moment(server: StatusServer) -> None:
    """A server that fails holds up the first request, not all; soon it is asked again, and then believed."""
    server.broken = True
    checker = Checker(server, mode="hard")
    person = person_of(server)
    for _ in range(3):
        with pytest.raises(StatusUnavailableError):
            await checker.check(person)
    assert server.questions == 1
    server.broken = False
    checker.now += timedelta(seconds=RETRY_SECONDS)
    await checker.check(person)
    assert server.questions == 2


@pytest.mark.parametrize("mode", ["soft", "hard"])
async def test_a_revocation_that_is_known_outlives_no_outage(server: StatusServer, mode: str) -> None:
    """Somebody known as revoked stays refused while the server is gone, also when the answer has lapsed."""
    checker = Checker(server, mode=mode)
    person = person_of(server)
    revoke(server, person)
    assert await checker.refuses(person)
    server.broken = True
    for later in (timedelta(minutes=14), timedelta(days=30)):
        checker.now += later
        assert await checker.refuses(person)
    server.broken = False
    server.revoked.clear()
    checker.now += timedelta(seconds=RETRY_SECONDS)
    await checker.check(person)
    server.broken = True
    checker.now += timedelta(days=30)
    assert not await checker.refuses(person)


async def test_an_older_list_takes_back_no_revocation(server: StatusServer) -> None:
    """Who silences the OCSP server and shows the list of yesterday, which is still good, frees nobody."""
    checker = Checker(server)
    person = person_of(server, by="ocsp+crl")
    revoke(server, person)
    assert await checker.refuses(person)
    yesterday, checker.now = checker.now - timedelta(hours=20), checker.now + timedelta(hours=2)
    server.clock = lambda: yesterday
    server.respond = lambda _body, _question: web.Response(status=500)
    server.revoked.clear()
    assert await checker.refuses(person)
    assert server.lists == 1
    server.clock = lambda: checker.now
    checker.now += timedelta(hours=2)
    await checker.check(person)


async def test_a_clock_that_was_ahead(server: StatusServer) -> None:
    """What could not be learnt while the clock ran ahead is asked again when it is right."""
    checker = Checker(server, mode="soft")
    person = person_of(server)
    revoke(server, person)
    right = checker.now
    server.clock = lambda: right
    checker.now += timedelta(days=3650)
    await checker.check(person)
    checker.now = right
    assert await checker.refuses(person)


def forged(server: StatusServer, person: Person) -> Callable[[bytes, ocsp.OCSPRequest], web.Response]:
    stranger = delegate_of(TestCA())
    return lambda _body, _question: web.Response(
        body=Answer(person.certificate, server.authority, signer=stranger).der(),
        content_type="application/ocsp-response",
    )


async def test_a_forged_answer(server: StatusServer) -> None:
    """Somebody on the way who says "good" for the authority has said nothing."""
    checker = Checker(server, mode="hard")
    person = person_of(server)
    server.respond = forged(server, person)
    with pytest.raises(StatusUnavailableError):
        await checker.check(person)


async def test_a_replayed_answer(server: StatusServer) -> None:
    """An answer that was given to another question is not taken again."""
    checker = Checker(server, mode="hard")
    person = person_of(server)
    old = Answer(person.certificate, server.authority, this_update=checker.now, nonce=b"o" * 32).der()
    server.respond = lambda _body, _question: web.Response(body=old, content_type="application/ocsp-response")
    with pytest.raises(StatusUnavailableError):
        await checker.check(person)


async def test_every_certificate_below_the_anchor(server: StatusServer) -> None:
    """An authority between a person and the anchor that was revoked takes its people with it."""
    below = TestCA("below", issuer=server.authority)
    middle = server.authority.issue(extensions=[ocsp_at(server.ocsp_url)])
    server.knows(middle)
    revoke(server, middle)
    checker = Checker(server)
    chain = (below.issue().certificate, middle.certificate, server.authority.certificate)
    with pytest.raises(CertificateRevokedError):
        await checker.checker.check(chain, checker.now)


async def test_a_caller_who_gives_up() -> None:
    """Others still get the answer, and it is remembered."""
    started, finish = asyncio.Event(), asyncio.Event()
    memo: Memo[str] = Memo(2)
    now = datetime.now(UTC)

    async def find() -> Finding[str]:
        started.set()
        await finish.wait()
        return Finding("found", now + timedelta(hours=1))

    first = asyncio.create_task(memo.get(b"k", now, find))
    await started.wait()
    second = asyncio.create_task(memo.get(b"k", now, find))
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    finish.set()
    assert await second == "found"
    assert await memo.get(b"k", now, unexpected) == "found"


async def unexpected() -> Finding[str]:
    raise AssertionError


async def test_a_search_that_fails_is_begun_again() -> None:
    """Everybody who waited hears of the failure, and the next caller searches anew."""
    memo: Memo[str] = Memo(2)
    now = datetime.now(UTC)
    waiting = [memo.get(b"k", now, unexpected) for _ in range(2)]
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [AssertionError, AssertionError]
    assert await memo.get(b"k", now, found("again", now)) == "again"


async def test_memory_is_bounded() -> None:
    """What was not asked for longest is forgotten when there is too much."""
    memo: Memo[str] = Memo(2)
    now = datetime.now(UTC)
    for key in (b"a", b"b", b"a", b"c"):
        await memo.get(key, now, found(key.decode(), now))
    assert await memo.get(b"a", now, unexpected) == "a"
    assert await memo.get(b"b", now, found("anew", now)) == "anew"


def found(value: str, now: datetime) -> Callable[[], Awaitable[Finding[str]]]:
    async def find() -> Finding[str]:
        return Finding(value, now + timedelta(hours=1))

    return find


@pytest.mark.parametrize("delegated", [False, True])
@pytest.mark.parametrize("minutes", [None, 5])
async def test_openssl_as_the_server(tmp_path: Path, *, delegated: bool, minutes: int | None) -> None:
    """OpenSSL's own OCSP server is understood: good, revoked, and not known to it."""
    authority, port = TestCA(), free_port()
    people = [authority.issue(extensions=[ocsp_at(f"http://127.0.0.1:{port}/")]) for _ in range(3)]
    signer = delegate_of(authority) if delegated else None
    checker = Checker(StatusServer(authority), mode="hard", timeout="10s")
    with openssl_ocsp(
        tmp_path / "ocsp",
        port,
        authority,
        good=people[:1],
        revoked=people[1:2],
        signer=signer,
        minutes=minutes,
    ):
        assert [await checker.refuses(person) for person in people] == [False, True, True]
    with pytest.raises(StatusUnavailableError):
        await checker.check(authority.issue(extensions=[ocsp_at(f"http://127.0.0.1:{port}/")]))
