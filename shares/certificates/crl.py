# SPDX-License-Identifier: MIT
"""A list of what an authority revoked (RFC 5280, 5): signed by that authority, whole, and of this time.

A list that tells less than all (a delta, or one of some reasons or some certificates only) is not used. One
certificate on hold is revoked for as long as it is.
"""

from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from osak.shares.certificates.malformed import MALFORMED
from osak.shares.certificates.path import STRONG_HASHES
from osak.shares.certificates.status import Status, check_times
from osak.shares.errors import StatusError

_KNOWN_CRITICAL = frozenset({ExtensionOID.ISSUING_DISTRIBUTION_POINT, ExtensionOID.AUTHORITY_KEY_IDENTIFIER})


@dataclass(frozen=True, slots=True)
class RevocationList:
    """What is left of a list once it was verified: serial numbers, and until when they may be believed."""

    serial_numbers: frozenset[int] = field(repr=False)
    valid_until: datetime

    def status_of(self, certificate: x509.Certificate) -> Status:
        """What the list says of a certificate by its authority."""
        return Status(certificate.serial_number in self.serial_numbers, self.valid_until, "crl")


def read_list(content: bytes, issuer: x509.Certificate, now: datetime) -> RevocationList:
    """Verify a list in DER (or PEM); costs time with its length, so not for an event loop.

    Raises:
        StatusError: it is malformed, by somebody else, not of this time, or does not tell all.
    """
    try:
        found = _load(content)
        if found.issuer != issuer.subject or not _may_sign(issuer):
            raise StatusError("the list is by another authority")
        if not isinstance(found.signature_hash_algorithm, STRONG_HASHES):
            raise StatusError("the list is signed with a weak hash")
        if not found.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]  # another kind raises TypeError
            raise StatusError("the list's signature is wrong")
        _check_whole(found)
        if found.next_update_utc is None:
            raise StatusError("the list does not say when the next one comes")
        until = check_times(found.last_update_utc, found.next_update_utc, now)
        return RevocationList(frozenset(entry.serial_number for entry in found), until)
    except MALFORMED as error:
        raise StatusError("the list is malformed") from error


def _load(content: bytes) -> x509.CertificateRevocationList:
    if content.startswith(b"-----BEGIN"):
        return x509.load_pem_x509_crl(content)
    return x509.load_der_x509_crl(content)


def _may_sign(issuer: x509.Certificate) -> bool:
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return False


def _check_whole(found: x509.CertificateRevocationList) -> None:
    for extension in found.extensions:
        value = extension.value
        if isinstance(value, x509.DeltaCRLIndicator) or (
            extension.critical and extension.oid not in _KNOWN_CRITICAL
        ):
            raise StatusError("the list is of a kind that is not used here")
        if isinstance(value, x509.IssuingDistributionPoint) and (
            value.indirect_crl
            or value.only_some_reasons
            or value.only_contains_ca_certs
            or value.only_contains_attribute_certs
        ):
            raise StatusError("the list does not tell all")
