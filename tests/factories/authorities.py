# SPDX-License-Identifier: MIT
"""What an authority says of the certificates that it issued: OCSP answers and lists, right and wrong ones.

``Answer`` and ``revocation_list`` make the bytes, ``StatusServer`` gives them out over HTTP and counts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from factories.people import Person, TestCA, purposes

OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
Clock = Callable[[], datetime]


def now_utc() -> datetime:
    """The time of the real clock."""
    return datetime.now(UTC)


def delegate_of(authority: TestCA, *, oids: Sequence[str] = (OCSP_SIGNING,), **issue: Any) -> Person:
    """A responder that ``authority`` made its own."""
    return authority.issue(
        common_name="OCSP RESPONDER", serial_numbers=(), extensions=[purposes(*oids)] if oids else [], **issue
    )


@dataclass
class Answer:
    """One OCSP answer, in every part as a test wants it.

    Attributes:
        about: the certificate that it is about.
        issuer: that certificate's authority.
        signer: certificate and key of who signs; None for the authority itself.
        status: what is said.
        this_update: the time of the news.
        next_update: when the next comes, None for no word on it.
        nonce: None for none.
        certificates: what is sent along; None for the signer's.
        by_key: the signer is named by its key, not by its name.
        extensions: more of them, each with whether it is critical.
    """

    about: x509.Certificate
    issuer: TestCA
    signer: Person | None = None
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD
    this_update: datetime = field(default_factory=now_utc)
    next_update: datetime | None = None
    nonce: bytes | None = None
    certificates: Sequence[x509.Certificate] | None = None
    by_key: bool = False
    hash_algorithm: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = ()

    def der(self) -> bytes:
        """Sign it."""
        is_revoked = self.status is ocsp.OCSPCertStatus.REVOKED
        certificate = self.issuer.certificate if self.signer is None else self.signer.certificate
        encoding = ocsp.OCSPResponderEncoding.HASH if self.by_key else ocsp.OCSPResponderEncoding.NAME
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                self.about,
                self.issuer.certificate,
                hashes.SHA1(),  # noqa: S303 - names the certificate, protects nothing
                self.status,
                self.this_update,
                self.next_update,
                self.this_update - timedelta(days=1) if is_revoked else None,
                None,
            )
            .responder_id(encoding, certificate)
        )
        sent = self.certificates
        if sent is None and self.signer is not None:
            sent = [certificate]
        if sent:
            builder = builder.certificates(list(sent))
        if self.nonce is not None:
            builder = builder.add_extension(x509.OCSPNonce(self.nonce), critical=False)
        for extension, critical in self.extensions:
            builder = builder.add_extension(extension, critical)
        key = self.issuer.key if self.signer is None else self.signer.key
        return builder.sign(key, self.hash_algorithm).public_bytes(Encoding.DER)


def revocation_list(
    authority: TestCA,
    *revoked: x509.Certificate,
    updated: datetime | None = None,
    days: int | None = 1,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    key: ec.EllipticCurvePrivateKey | None = None,
    hash_algorithm: hashes.SHA224 | hashes.SHA256 | None = None,
) -> bytes:
    """A list by ``authority``, good for ``days`` from ``updated`` on."""
    start = updated or now_utc()
    builder = x509.CertificateRevocationListBuilder().issuer_name(authority.name).last_update(start)
    builder = builder.next_update(start + timedelta(days=days or 0, seconds=1))
    for certificate in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(certificate.serial_number)
        builder = builder.add_revoked_certificate(entry.revocation_date(start).build())
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(key or authority.key, hash_algorithm or hashes.SHA256()).public_bytes(Encoding.DER)


@dataclass
class StatusServer:
    """An authority's OCSP server and list over plain HTTP, on a loopback port.

    Attributes:
        authority: whose it is.
        revoked: serial numbers.
        questions: how often OCSP was asked.
        lists: how often the list was fetched.
        clock: what the authority takes for now.
        life: until the next update; None for no word on it.
        broken: every answer is an HTTP 500.
        respond: makes another response to an OCSP request of a certificate with this nonce.
    """

    authority: TestCA
    revoked: set[int] = field(default_factory=set)
    questions: int = 0
    lists: int = 0
    clock: Clock = now_utc
    life: timedelta | None = None
    broken: bool = False
    respond: Callable[[bytes, ocsp.OCSPRequest], web.Response] | None = None
    issued: list[Person] = field(default_factory=list)
    _server: TestServer = field(init=False)

    async def start(self) -> None:
        """Open the port."""
        app = web.Application()
        app.add_routes([web.post("/ocsp", self._ocsp), web.get("/crl", self._list)])
        self._server = TestServer(app)
        await self._server.start_server()

    async def stop(self) -> None:
        """Close it."""
        await self._server.close()

    @property
    def ocsp_url(self) -> str:
        """Where it answers OCSP."""
        return f"http://127.0.0.1:{self._server.port}/ocsp"

    @property
    def crl_url(self) -> str:
        """Where its list is."""
        return f"http://127.0.0.1:{self._server.port}/crl"

    def knows(self, person: Person) -> Person:
        """Note somebody whom the authority issued a certificate to."""
        self.issued.append(person)
        return person

    async def _ocsp(self, request: web.Request) -> web.Response:
        self.questions += 1
        body = await request.read()
        question = ocsp.load_der_ocsp_request(body)
        if self.broken:
            return web.Response(status=500)
        if self.respond is not None:
            return self.respond(body, question)
        (about,) = [one for one in self.issued if one.certificate.serial_number == question.serial_number]
        is_revoked = question.serial_number in self.revoked
        answer = Answer(
            about.certificate,
            self.authority,
            status=ocsp.OCSPCertStatus.REVOKED if is_revoked else ocsp.OCSPCertStatus.GOOD,
            this_update=self.clock(),
            next_update=None if self.life is None else self.clock() + self.life,
            nonce=question.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce,
        )
        return web.Response(body=answer.der(), content_type="application/ocsp-response")

    async def _list(self, _: web.Request) -> web.Response:
        self.lists += 1
        if self.broken:
            return web.Response(status=500)
        revoked = [one.certificate for one in self.issued if one.certificate.serial_number in self.revoked]
        return web.Response(body=revocation_list(self.authority, *revoked, updated=self.clock()))
