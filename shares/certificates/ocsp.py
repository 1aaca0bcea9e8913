# SPDX-License-Identifier: MIT
"""One question about one certificate, and the answer to it (RFC 6960; the nonce RFC 9654).

An answer counts if it is about exactly this certificate, of this time, and signed by the certificate's issuer
or by somebody whom that very issuer made its responder (extendedKeyUsage OCSPSigning). If it carries a nonce
that must be ours; an answer without one is believed for the time it says, as authorities that sign answers in
advance need it. Whether a responder's own certificate was revoked is not asked: its issuer gives it a short
life, or says so with ocsp-nocheck. ``unknown`` means that the authority never issued this certificate: it
counts as revoked.
"""

from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from osak.shares.certificates.malformed import MALFORMED
from osak.shares.certificates.path import check_alone
from osak.shares.certificates.status import Status, check_times, verify_signature
from osak.shares.errors import CertificateError, StatusError

NONCE_BYTES: Final = 32
_MAX_RESPONDER_CERTIFICATES: Final = 4


def ask(certificate: x509.Certificate, issuer: x509.Certificate, nonce: bytes) -> bytes:
    """The question in DER."""
    # SHA-1 names the certificate here and protects nothing; it is what every responder knows.
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1())  # noqa: S303 - see above
    return builder.add_extension(x509.OCSPNonce(nonce), critical=False).build().public_bytes(Encoding.DER)


def read_answer(
    der: bytes, certificate: x509.Certificate, issuer: x509.Certificate, nonce: bytes, now: datetime
) -> Status:
    """What the answer to ``ask`` with the same arguments says.

    Raises:
        StatusError: it is malformed, forged, about another certificate, or of another time.
    """
    try:
        response = ocsp.load_der_ocsp_response(der)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise StatusError(f"the OCSP server answers {response.response_status.name.lower()}")
        key = _responder(response, issuer, now).public_key()
        verify_signature(
            key, response.signature, response.tbs_response_bytes, response.signature_hash_algorithm
        )
        _check_extensions(response, nonce)
        single = _about(response, certificate, issuer)
        until = check_times(single.this_update_utc, single.next_update_utc, now)
        is_revoked = single.certificate_status is not ocsp.OCSPCertStatus.GOOD
        return Status(is_revoked, until, "ocsp", single.this_update_utc)
    except MALFORMED as error:
        raise StatusError("the OCSP server's answer is malformed") from error


def _responder(response: ocsp.OCSPResponse, issuer: x509.Certificate, now: datetime) -> x509.Certificate:
    """Who signed: the issuer, or its delegate."""
    if _is_named(response, issuer):
        return issuer
    for candidate in response.certificates[:_MAX_RESPONDER_CERTIFICATES]:
        if _is_named(response, candidate):
            _check_delegate(candidate, issuer, now)
            return candidate
    raise StatusError("the OCSP answer is not by the certificate's issuer nor by a delegate of it")


def _is_named(response: ocsp.OCSPResponse, certificate: x509.Certificate) -> bool:
    if response.responder_name is not None:
        return response.responder_name == certificate.subject
    key = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
    return response.responder_key_hash == key.digest


def _check_delegate(delegate: x509.Certificate, issuer: x509.Certificate, now: datetime) -> None:
    """RFC 6960, 4.2.2.2: issued by the same authority, and for this."""
    try:
        check_alone(delegate, now)
        delegate.verify_directly_issued_by(issuer)
        purposes = delegate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (CertificateError, InvalidSignature, x509.ExtensionNotFound) as error:
        raise StatusError("the OCSP server's certificate is not to be believed") from error
    if ExtendedKeyUsageOID.OCSP_SIGNING not in purposes or not _may_sign(delegate):
        raise StatusError("the OCSP server's certificate is not for OCSP")


def _may_sign(delegate: x509.Certificate) -> bool:
    """Whether keyUsage, if it is there, lets the key sign."""
    try:
        return delegate.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    except x509.ExtensionNotFound:
        return True


def _check_extensions(response: ocsp.OCSPResponse, nonce: bytes) -> None:
    """The nonce, if one is there; anything else that is critical is not known here (RFC 6960, 4.4)."""
    for extension in response.extensions:
        if isinstance(extension.value, x509.OCSPNonce):
            if extension.value.nonce != nonce:
                raise StatusError("the OCSP answer is to another question")
        elif extension.critical:
            raise StatusError("the OCSP answer has a critical extension that is not known here")


def _about(
    response: ocsp.OCSPResponse, certificate: x509.Certificate, issuer: x509.Certificate
) -> ocsp.OCSPSingleResponse:
    """The one statement about ``certificate``."""
    builder = ocsp.OCSPRequestBuilder()
    found = []
    for single in response.responses:
        wanted = builder.add_certificate(certificate, issuer, single.hash_algorithm).build()
        if (
            single.serial_number == wanted.serial_number
            and single.issuer_key_hash == wanted.issuer_key_hash
            and single.issuer_name_hash == wanted.issuer_name_hash
        ):
            found.append(single)
    if len(found) != 1:
        raise StatusError("the OCSP answer is about another certificate")
    return found[0]
