# SPDX-License-Identifier: MIT
"""Which certificates may sign tickets: the chain, the validity, the key usage and the person's number.

Rules (CDOC2 system architecture, chapter 6):

- the chain ends at a configured anchor and is valid now, at every level (``shares.certificates.path``); an
  anchor may be an issuing CA itself, as upstream has it;
- the leaf is for authentication and has an accepted policy (``shares.certificates.profile``): a signature
  made to bind a person (a qualified one) must never open a file;
- its subject has exactly one serialNumber, an ETSI semantics identifier.

A verified certificate is remembered for ``CACHE_SECONDS`` under the SHA-256 of its DER: a chain
check costs about a millisecond, a ticket's own signature less than a tenth of that. The validity of
the whole chain is checked on every use. Whether it was revoked is asked by ``revocation``, once the ticket's
signature has shown that the certificate's owner asks.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import NameOID

from osak.node.auth.observer import TrustObserver
from osak.node.errors import CertificateRefusedError
from osak.shares.certificates.malformed import MALFORMED
from osak.shares.certificates.path import verify_chain
from osak.shares.certificates.profile import check_authentication
from osak.shares.errors import CertificateError, MessageError
from osak.shares.protocol.recipient import recipient_id_from_serial_number
from osak.shares.protocol.strict_json import decode_base64, decode_base64url

CACHE_SECONDS = 300
CACHE_ENTRIES = 1024
_PEM_BEGIN: Final = "-----BEGIN CERTIFICATE-----"
_PEM_END: Final = "-----END CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class TrustedCertificate:
    """What is left of a certificate once it was verified.

    Attributes:
        recipient_id: ``etsi/`` and the subject's serialNumber.
        public_key: the leaf's key.
        not_before: since when every certificate of the chain is valid.
        not_after: until when every one of them is.
        chain: the certificate, its issuers and the anchor.
    """

    recipient_id: str = field(repr=False)
    public_key: CertificatePublicKeyTypes = field(repr=False)
    not_before: datetime
    not_after: datetime
    chain: tuple[x509.Certificate, ...] = field(repr=False)


class CertificateVerifier:
    """Verifies people's certificates against the configured anchors."""

    def __init__(
        self,
        anchors: Sequence[x509.Certificate],
        intermediates: Sequence[x509.Certificate] = (),
        policies: Sequence[str] = (),
        observer: TrustObserver | None = None,
    ) -> None:
        """Take the anchors, what may stand between them and people, and which policies people must have."""
        self._observer = observer or TrustObserver()
        self._anchors = list(anchors)
        self._intermediates = list(intermediates)
        self._policies = tuple(policies)
        self._verified: OrderedDict[bytes, tuple[datetime, TrustedCertificate]] = OrderedDict()

    def verify(self, text: str, now: datetime) -> TrustedCertificate:
        """Verify a certificate as it stands in the header.

        Raises:
            CertificateRefusedError: one of the rules above is broken.
        """
        der = decode_certificate_header(text)
        key = hashlib.sha256(der).digest()
        found = self._verified.get(key)
        if found is not None and timedelta() <= now - found[0] < timedelta(seconds=CACHE_SECONDS):
            self._observer.verified(was_known=True)
            return _check_validity(found[1], now)
        self._observer.verified(was_known=False)
        trusted = self._verify_chain(der, now)
        self._verified[key] = (now, trusted)
        self._verified.move_to_end(key)
        if len(self._verified) > CACHE_ENTRIES:
            self._verified.popitem(last=False)
        return trusted

    def _verify_chain(self, der: bytes, now: datetime) -> TrustedCertificate:
        try:
            leaf = x509.load_der_x509_certificate(der)
            chain = verify_chain(leaf, self._anchors, self._intermediates, now)
            check_authentication(leaf, self._policies)
            return _read_person(chain)
        except CertificateError as error:
            raise CertificateRefusedError(str(error)) from error
        except MALFORMED as error:
            raise CertificateRefusedError("the certificate is malformed") from error


def _read_person(chain: Sequence[x509.Certificate]) -> TrustedCertificate:
    leaf = chain[0]
    numbers = leaf.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    if len(numbers) != 1:
        raise CertificateRefusedError("the subject does not have exactly one serialNumber")
    try:
        recipient_id = recipient_id_from_serial_number(str(numbers[0].value))
    except MessageError as error:
        raise CertificateRefusedError("the subject's serialNumber is no semantics identifier") from error
    return TrustedCertificate(
        recipient_id,
        leaf.public_key(),
        max(certificate.not_valid_before_utc for certificate in chain),
        min(certificate.not_valid_after_utc for certificate in chain),
        tuple(chain),
    )


def _check_validity(certificate: TrustedCertificate, now: datetime) -> TrustedCertificate:
    if not certificate.not_before <= now <= certificate.not_after:
        raise CertificateRefusedError("the certificate is not valid now")
    return certificate


@lru_cache(maxsize=CACHE_ENTRIES)
def decode_certificate_header(text: str) -> bytes:
    """DER of ``x-cdoc2-auth-x5c``: single-line PEM (OpenAPI 1.0.1) or base64url DER (1.2.1 draft).

    White space inside the PEM is skipped, since upstream's server does so.

    Raises:
        CertificateRefusedError: neither form.
    """
    try:
        if text.startswith(_PEM_BEGIN) and text.endswith(_PEM_END):
            return decode_base64("".join(text[len(_PEM_BEGIN) : -len(_PEM_END)].split()))
        return decode_base64url(text)
    except MessageError as error:
        raise CertificateRefusedError(
            "the certificate is neither PEM on one line nor base64url DER"
        ) from error
