# SPDX-License-Identifier: MIT
"""A list of what an authority revoked (RFC 5280, 5): signed by that authority, whole, and of this time.

A list that tells less than all (a delta, or one of some reasons) is not used, nor is one about certificates
that it does not cover: a list of people's certificates says nothing of an authority's, and one part of many
nothing of who belongs to another part, though all are signed alike. A list that is too old for people may
still be the last one about authorities: roots make theirs once a year. One certificate on hold is revoked for
as long as it is.
"""

from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from osak.shares.certificates.malformed import MALFORMED
from osak.shares.certificates.path import STRONG_HASHES, is_authority
from osak.shares.certificates.sources import list_names
from osak.shares.certificates.status import MAX_LIFE, MAX_LIFE_OF_AUTHORITIES, SKEW, Status, check_times
from osak.shares.errors import StatusError

_KNOWN_CRITICAL = frozenset({ExtensionOID.ISSUING_DISTRIBUTION_POINT, ExtensionOID.AUTHORITY_KEY_IDENTIFIER})


@dataclass(frozen=True, slots=True)
class RevocationList:
    """What is left of a list once it was verified.

    Attributes:
        serial_numbers: of the revoked.
        valid_until: until when that may be believed of authorities.
        valid_for_people_until: until when of people; None if the list is too old for that.
        as_of: when it was made.
        names: by which certificates name this list; None if it is the whole of its authority.
        is_of_people: whether it says nothing of authorities.
    """

    serial_numbers: frozenset[int] = field(repr=False)
    valid_until: datetime
    valid_for_people_until: datetime | None
    as_of: datetime
    names: frozenset[x509.GeneralName] | None = None
    is_of_people: bool = False

    def status_of(self, certificate: x509.Certificate) -> Status:
        """What the list says of a certificate by its authority.

        Raises:
            StatusError: nothing; it is about other certificates.
        """
        is_of_authority = is_authority(certificate)
        until = self.valid_until if is_of_authority else self.valid_for_people_until
        if until is None:
            raise StatusError("the list is too old")
        is_revoked = certificate.serial_number in self.serial_numbers
        # Who stands on it is revoked, wherever they should stand; who does not may stand on another.
        if not is_revoked and self.is_of_people and is_of_authority:
            raise StatusError("the list is of people's certificates, not of authorities'")
        if not is_revoked and self.names is not None and self.names.isdisjoint(list_names(certificate)):
            raise StatusError("the list is another part than the one that the certificate names")
        return Status(is_revoked, until, "crl", self.as_of)


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
        names, is_of_people = _scope(found)
        if found.next_update_utc is None:
            raise StatusError("the list does not say when the next one comes")
        made = found.last_update_utc
        until = check_times(made, found.next_update_utc, now, MAX_LIFE_OF_AUTHORITIES)
        people_until = min(until, max(made + MAX_LIFE, now)) if made + MAX_LIFE + SKEW >= now else None
        revoked = frozenset(entry.serial_number for entry in found)
        return RevocationList(revoked, until, people_until, made, names, is_of_people)
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


def _scope(found: x509.CertificateRevocationList) -> tuple[frozenset[x509.GeneralName] | None, bool]:
    """Names of the part that this is, if it is one, and whether it is of people alone."""
    names, is_of_people = None, False
    for extension in found.extensions:
        value = extension.value
        if isinstance(value, x509.DeltaCRLIndicator) or (
            extension.critical and extension.oid not in _KNOWN_CRITICAL
        ):
            raise StatusError("the list is of a kind that is not used here")
        if isinstance(value, x509.IssuingDistributionPoint):
            _check_whole(value)
            names = None if value.full_name is None else frozenset(value.full_name)
            is_of_people = value.only_contains_user_certs
    return names, is_of_people


def _check_whole(point: x509.IssuingDistributionPoint) -> None:
    if (
        point.indirect_crl
        or point.only_some_reasons
        or point.only_contains_ca_certs
        or point.only_contains_attribute_certs
        or point.relative_name is not None
    ):
        raise StatusError("the list does not tell all")
