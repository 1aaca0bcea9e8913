# SPDX-License-Identifier: MIT
"""Fuzz target: the certificate beside a ticket, as a node gets it from anybody, and what is read of one.

A signature never fits by chance, so what would be read after the chain is read here without it as well.
Promised: a node refuses with ``CertificateRefusedError`` and nothing else; whatever else comes out of
reading is in ``MALFORMED`` or says what is wrong; nothing is taken but what the authority signed.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from cryptography import x509
from factories.people import TestCA, crl_at, ocsp_at, of_version, purposes

from osak.node.auth.certificates import CertificateVerifier
from osak.node.errors import CertificateRefusedError
from osak.shares.certificates.malformed import MALFORMED
from osak.shares.certificates.profile import check_authentication, check_encryption
from osak.shares.certificates.sources import sources_of, split_url
from osak.shares.errors import CertificateError, StatusError
from osak.shares.protocol.strict_json import encode_base64url

_NOW = datetime.now(UTC)
_AUTHORITY = TestCA()
_CARD = _AUTHORITY.issue(
    usages=["digital_signature", "key_agreement"],
    policies=["0.4.0.2042.1.2", "1.3.6.1.4.1.51361.1.1.1"],
    extensions=[
        purposes("1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.4"),
        ocsp_at("http://aia.example/esteid"),
        crl_at("http://c.example/esteid.crl"),
    ],
)
_BARE = _AUTHORITY.issue()
_SIGNED = {person.certificate.tbs_certificate_bytes for person in (_CARD, _BARE)}
_READERS: Sequence[Callable[[x509.Certificate], object]] = (
    check_authentication,
    check_encryption,
    sources_of,
)


def seeds() -> Iterable[bytes]:
    """A card's certificate, a phone's, an authority's own, and one of a version that does not exist."""
    yield from (_CARD.der, _BARE.der, of_version(_BARE.der, 38))
    yield TestCA("another").issue().der


def check(data: bytes) -> None:
    """Verify it as a node would; read it as if it had been verified."""
    with suppress(CertificateRefusedError):
        taken = CertificateVerifier([_AUTHORITY.certificate]).verify(encode_base64url(data), _NOW).chain[0]
        # A signature has several spellings; what it is over has one.
        assert taken.tbs_certificate_bytes in _SIGNED, "a changed certificate was taken"
    try:
        certificate = x509.load_der_x509_certificate(data)
    except MALFORMED:
        return
    for read in _READERS:
        with suppress(CertificateError, *MALFORMED):
            read(certificate)
    with suppress(StatusError, *MALFORMED):
        for url in sources_of(certificate).ocsp:
            split_url(url)
