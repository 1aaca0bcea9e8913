# SPDX-License-Identifier: MIT
"""Whether an eID service's answer is worth showing to share servers: whose certificate, whose signature.

The rules are those the servers apply (and upstream's client, as far as it goes), so that a person is told
here what is wrong, before anything is sent: the certificate is this person's, valid now, for
authentication, and issued directly by one of the configured authorities; the signature is by its key.
Revocation is the servers' to check.
"""

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.x509.oid import NameOID

from osak.client.identity.errors import BadSignatureError, IdentityServiceError
from osak.shares.certificates.anchors import AnchorSource, read_anchors
from osak.shares.certificates.malformed import MALFORMED
from osak.shares.certificates.profile import check_authentication
from osak.shares.errors import CertificateError, ConfigurationError

_SHA256 = Prehashed(hashes.SHA256())
_P256_BYTES = 32


def read_authorities(sources: Sequence[AnchorSource]) -> list[x509.Certificate]:
    """The configured authorities' certificates.

    Raises:
        IdentityServiceError: a file holds something else, or cannot be read.
    """
    try:
        return read_anchors(sources)
    except (OSError, ConfigurationError) as error:
        raise IdentityServiceError(f"the authorities under anchors cannot be read: {error}") from error


def read_certificate(der: bytes) -> x509.Certificate:
    """Parse a certificate.

    Raises:
        BadSignatureError: it is none.
    """
    try:
        return x509.load_der_x509_certificate(der)
    except MALFORMED as error:
        raise BadSignatureError("the service sent a certificate that cannot be read") from error


def check_certificate(
    certificate: x509.Certificate, recipient_id: str, anchors: Sequence[x509.Certificate], now: datetime
) -> None:
    """Check that the certificate is this person's, for authentication, valid, and issued by an anchor.

    Raises:
        BadSignatureError: one of these is not so.
    """
    try:
        check_authentication(certificate)
    except (CertificateError, *MALFORMED) as error:
        raise BadSignatureError("the service sent a certificate that is not for authentication") from error
    check_owner(certificate, recipient_id)
    if not _valid(certificate, now):
        raise BadSignatureError("the certificate that the service sent is not valid now")
    if not any(is_issued_by(anchor, certificate, now) for anchor in anchors):
        raise BadSignatureError("the certificate is not by any of the authorities in the configuration")


def check_owner(certificate: x509.Certificate, recipient_id: str) -> None:
    """Check that the certificate names this person, once.

    Raises:
        BadSignatureError: it does not.
    """
    try:
        numbers = certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    except MALFORMED as error:
        raise BadSignatureError("the service sent a certificate that cannot be read") from error
    if [f"etsi/{number.value!s}" for number in numbers] != [recipient_id]:
        raise BadSignatureError("the service sent the certificate of somebody else")


def check_rs256(certificate: x509.Certificate, digest: bytes, signature: bytes) -> None:
    """Check RSASSA-PKCS1-v1_5 over a SHA-256.

    Raises:
        BadSignatureError: it is not by the certificate's key.
    """
    key = _public_key(certificate)
    if not isinstance(key, rsa.RSAPublicKey):
        raise BadSignatureError("the certificate's key is not RSA, as it is for this service")
    try:
        key.verify(signature, digest, padding.PKCS1v15(), _SHA256)
    except InvalidSignature as error:
        raise BadSignatureError("the signature is not by the key of the certificate") from error


def check_ps256(certificate: x509.Certificate, data: bytes, signature: bytes) -> None:
    """Check RSASSA-PSS with SHA-256 throughout and a salt of 32 bytes, over ``data`` (RFC 7518, 3.5).

    Raises:
        BadSignatureError: it is not by the certificate's key.
    """
    key = _public_key(certificate)
    if not isinstance(key, rsa.RSAPublicKey):
        raise BadSignatureError("the certificate's key is not RSA, as it is for this service")
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)
    try:
        key.verify(signature, data, pss, hashes.SHA256())
    except InvalidSignature as error:
        raise BadSignatureError("the signature is not by the key of the certificate") from error


def check_es256(certificate: x509.Certificate, digest: bytes, signature: bytes) -> None:
    """Check raw ``r || s`` by a P-256 key over a SHA-256 (RFC 7518, 3.4).

    Raises:
        BadSignatureError: it is not by the certificate's key.
    """
    key = _public_key(certificate)
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadSignatureError("the certificate's key is not on P-256, as it is for this service")
    if len(signature) != 2 * _P256_BYTES:
        raise BadSignatureError("the signature has not the form of one")
    r, s = (int.from_bytes(signature[part]) for part in (slice(_P256_BYTES), slice(_P256_BYTES, None)))
    try:
        key.verify(encode_dss_signature(r, s), digest, ec.ECDSA(_SHA256))
    except InvalidSignature as error:
        raise BadSignatureError("the signature is not by the key of the certificate") from error


def _public_key(certificate: x509.Certificate) -> object:
    try:
        return certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadSignatureError("the certificate's key cannot be read") from error


def is_issued_by(anchor: x509.Certificate, certificate: x509.Certificate, now: datetime) -> bool:
    """Whether the anchor is a CA that is valid now and signed the certificate (RFC 5280, 6.1.3)."""
    try:
        if not anchor.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        certificate.verify_directly_issued_by(anchor)
    except (x509.ExtensionNotFound, InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return _valid(anchor, now)


def _valid(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
