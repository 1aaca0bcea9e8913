# SPDX-License-Identifier: MIT
"""Was this certificate issued, directly or through intermediates, by an anchor? A strict part of RFC 5280.

Why not the library's own path validation: it refuses the certificates Smart-ID really issues (their
validity stands in GeneralizedTime before 2050; tried on upstream's sample), and no policy turns that
off. What eID chains need is little: each step is a name, a signature by an accepted hash, a validity, and
for the issuer basicConstraints and keyUsage. Everything not understood is refused: a critical
extension outside ``_UNDERSTOOD``, and name constraints on directory names. (Constraints on DNS, IP and mail
names, which Smart-ID's CAs have, are about names that nobody reads here.)

An anchor is a name and a key that the operator chose (RFC 5280 6.1.1 d): it may be an issuing CA rather
than a root, and what it says of itself is checked only where it says it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtensionOID

from osak.node.errors import CertificateRefusedError

ExtensionT = TypeVar("ExtensionT", bound=x509.ExtensionType)

MAX_INTERMEDIATES = 2
_ACCEPTED_HASHES: Final = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
_UNDERSTOOD: Final = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,  # who a person is does not depend on it
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.NAME_CONSTRAINTS,
    }
)


def verify_chain(
    leaf: x509.Certificate,
    anchors: Sequence[x509.Certificate],
    intermediates: Sequence[x509.Certificate],
    now: datetime,
) -> None:
    """Return if a chain from ``leaf`` to an anchor holds at ``now``.

    Raises:
        CertificateRefusedError: there is none.
        ValueError: a certificate is malformed.
    """
    _check_itself(leaf, now)
    _climb(leaf, anchors, intermediates, now, below=0)


def _climb(
    certificate: x509.Certificate,
    anchors: Sequence[x509.Certificate],
    intermediates: Sequence[x509.Certificate],
    now: datetime,
    *,
    below: int,
) -> None:
    """Find an issuer of ``certificate``; ``below`` is how many intermediates were climbed so far."""
    refusal = CertificateRefusedError("not issued by a trusted authority")
    # Beyond the longest chain only an anchor will do.
    usable = intermediates if below < MAX_INTERMEDIATES else ()
    for is_anchor, issuer in [(True, item) for item in anchors] + [(False, item) for item in usable]:
        if issuer.subject != certificate.issuer:
            continue
        try:
            _check_issued(certificate, issuer)
            _check_itself(issuer, now)
            _check_authority(issuer, below, stated=not is_anchor)
            if not is_anchor:
                _climb(issuer, anchors, intermediates, now, below=below + 1)
        except CertificateRefusedError as error:  # another issuer of the same name may do
            refusal = error
        else:
            return
    raise refusal


def _check_issued(certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    if not isinstance(certificate.signature_hash_algorithm, _ACCEPTED_HASHES):
        raise CertificateRefusedError("a certificate is signed with a hash that is not accepted")
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError) as error:
        raise CertificateRefusedError("a certificate is not signed by its issuer") from error


def _check_itself(certificate: x509.Certificate, now: datetime) -> None:
    """Validity now, and no critical extension we would have to obey without knowing it."""
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise CertificateRefusedError("a certificate of the chain is not valid now")
    if any(item.critical and item.oid not in _UNDERSTOOD for item in certificate.extensions):
        raise CertificateRefusedError("a certificate has a critical extension that is not understood")
    constraints = _extension(certificate, x509.NameConstraints)
    if constraints is not None:
        names = [*(constraints.permitted_subtrees or ()), *(constraints.excluded_subtrees or ())]
        if any(isinstance(name, x509.DirectoryName) for name in names):
            raise CertificateRefusedError("an authority is constrained in a way that is not understood")


def _check_authority(issuer: x509.Certificate, below: int, *, stated: bool) -> None:
    """RFC 5280 6.1.4 k to n; an intermediate must state what an anchor may leave out."""
    constraints = _extension(issuer, x509.BasicConstraints)
    usage = _extension(issuer, x509.KeyUsage)
    if stated and (constraints is None or usage is None):
        raise CertificateRefusedError("an issuer does not say that it is an authority")
    if constraints is not None and not constraints.ca:
        raise CertificateRefusedError("an issuer is no authority")
    if constraints is not None and constraints.path_length is not None and constraints.path_length < below:
        raise CertificateRefusedError("the chain is longer than an issuer allows")
    if usage is not None and not usage.key_cert_sign:
        raise CertificateRefusedError("an issuer may not sign certificates")


def _extension(certificate: x509.Certificate, kind: type[ExtensionT]) -> ExtensionT | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
