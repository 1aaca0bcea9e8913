# SPDX-License-Identifier: MIT
"""From a certificate up to a configured anchor (RFC 5280, section 6, as far as we need it).

Our own and small, because the path validation of ``cryptography`` follows the web's profile and
refuses real Smart-ID certificates: they write dates before 2050 as GeneralizedTime (docs/adr/0009).
Everything not known here is refused: a critical extension, a signature with SHA-1, a deeper chain.
Names, signatures and times are checked at every level; issuers must be CAs that may sign
certificates. What a certificate is for is ``profile``'s matter, revocation that of ``inquiry``. Name
constraints are not looked at; a critical one is therefore refused.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtensionOID

from osak.shares.certificates.malformed import MALFORMED
from osak.shares.errors import CertificateError

MAX_INTERMEDIATES: Final = 2

STRONG_HASHES: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_KNOWN_CRITICAL: Final = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    }
)


def verify_chain(
    leaf: x509.Certificate,
    anchors: Sequence[x509.Certificate],
    intermediates: Sequence[x509.Certificate],
    now: datetime,
) -> tuple[x509.Certificate, ...]:
    """Return the path from ``leaf``, through at most two intermediates, to one of ``anchors``.

    Raises:
        CertificateError: there is no such chain that is valid now.
        ValueError: a certificate is malformed; or another of ``MALFORMED``.
    """
    check_alone(leaf, now)
    issuers = _path_to_anchor(leaf, anchors, intermediates, now, depth=0)
    if issuers is None:
        raise CertificateError("no chain to a trusted anchor that is valid now")
    return (leaf, *issuers)


def _path_to_anchor(
    certificate: x509.Certificate,
    anchors: Sequence[x509.Certificate],
    intermediates: Sequence[x509.Certificate],
    now: datetime,
    *,
    depth: int,
) -> tuple[x509.Certificate, ...] | None:
    """The issuers above ``certificate`` up to an anchor, if there is such a path; ``depth`` CAs are below."""
    for anchor in anchors:
        if _issued(anchor, certificate, now, depth):
            return (anchor,)
    if depth == MAX_INTERMEDIATES:
        return None
    for issuer in intermediates:
        if _issued(issuer, certificate, now, depth):
            above = _path_to_anchor(issuer, anchors, intermediates, now, depth=depth + 1)
            if above is not None:
                return (issuer, *above)
    return None


def _issued(issuer: x509.Certificate, certificate: x509.Certificate, now: datetime, depth: int) -> bool:
    if issuer.subject != certificate.issuer:
        return False
    try:
        check_alone(issuer, now)
        check_authority(issuer, depth)
        # Names and signature; the hash was checked by check_alone of the issued certificate.
        certificate.verify_directly_issued_by(issuer)
    except (CertificateError, InvalidSignature, *MALFORMED):
        return False
    return True


def check_alone(certificate: x509.Certificate, now: datetime) -> None:
    """Check what any certificate must be: valid now, its hash strong, nothing critical unknown.

    Raises:
        CertificateError: it is not so.
        ValueError: it is malformed; or another of ``MALFORMED``.
    """
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise CertificateError("a certificate is not valid now")
    if not isinstance(certificate.signature_hash_algorithm, STRONG_HASHES):
        raise CertificateError("a certificate is signed with a weak hash")
    if any(
        extension.critical and extension.oid not in _KNOWN_CRITICAL for extension in certificate.extensions
    ):
        raise CertificateError("a certificate has a critical extension that is not known here")


def is_authority(certificate: x509.Certificate) -> bool:
    """Whether it says that it is a CA's."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def check_authority(issuer: x509.Certificate, depth: int) -> None:
    """RFC 5280, 4.2.1.9 and 4.2.1.3: a CA, with room for ``depth`` CAs below, that may sign certificates.

    Raises:
        CertificateError: it is not.
        ValueError: it is malformed; or another of ``MALFORMED``.
    """
    try:
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = issuer.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound as error:
        raise CertificateError("an issuer does not say that it is a CA") from error
    too_deep = constraints.path_length is not None and depth > constraints.path_length
    if not constraints.ca or too_deep or not usage.key_cert_sign:
        raise CertificateError("an issuer is no CA, or may not sign this certificate")
