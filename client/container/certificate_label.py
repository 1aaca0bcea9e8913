# SPDX-License-Identifier: MIT
"""The key label of a record for a certificate: whose card it is, or which certificate (CDOC2, appendix D).

Estonian cards are known by the certificate policies that their issuers set, the list that libcdoc goes
by. Those get the official label of their kind: who holds the card, and not the name of a file. All others
are ``type=cert``, and so is what claims to be a card but does not say whose. A part of a certificate that
cannot be read only costs the label that part. Nothing is verified: a label is a hint for people.
"""

from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from osak.client.container import key_label

_TEST_ARC: Final = "2.999."
"""What the policies of the card manufacturer's test certificates begin with."""

_CARDS: Final = (
    # The first that fits counts. 51361 is the Police and Border Guard Board, 51455 the Foreign Ministry.
    ("1.3.6.1.4.1.51361.1.1.3", "Digi-ID"),
    ("1.3.6.1.4.1.51361.1.2.3", "Digi-ID"),
    ("1.3.6.1.4.1.51361.1.1.4", "Digi-ID E-RESIDENT"),
    ("1.3.6.1.4.1.51361.1.2.4", "Digi-ID E-RESIDENT"),
    ("1.3.6.1.4.1.51361.2.1.6", "Digi-ID E-RESIDENT"),
    ("1.3.6.1.4.1.51361.1.1", "ID-card"),
    ("1.3.6.1.4.1.51361.1.2", "ID-card"),
    ("1.3.6.1.4.1.51361.2.1", "ID-card"),
    ("1.3.6.1.4.1.51455.1.1", "ID-card"),
    ("1.3.6.1.4.1.51455.1.2", "ID-card"),
    ("1.3.6.1.4.1.51455.2.1", "ID-card"),
)


def certificate_label(certificate: x509.Certificate, file_name: str | None) -> str:
    """Return the label; ``file_name`` is where the certificate came from."""
    common_name = _subject(certificate, x509.NameOID.COMMON_NAME)
    serial_number = _subject(certificate, x509.NameOID.SERIAL_NUMBER)
    digest = certificate.fingerprint(hashes.SHA1()).hex()  # noqa: S303 - the label's format; not security
    card = card_of(certificate)
    if card and common_name and serial_number:
        return key_label.for_card(
            card,
            cn=common_name,
            serial_number=serial_number,
            last_name=_subject(certificate, x509.NameOID.SURNAME),
            first_name=_subject(certificate, x509.NameOID.GIVEN_NAME),
            cert_sha1=digest,
        )
    return key_label.for_certificate(cn=common_name, cert_sha1=digest, file=file_name)


def _subject(certificate: x509.Certificate, name: x509.ObjectIdentifier) -> str | None:
    """The first such name in the subject, if the subject can be read."""
    try:
        found = certificate.subject.get_attributes_for_oid(name)
    except ValueError:
        return None
    return str(found[0].value) if found else None


def card_of(certificate: x509.Certificate) -> str | None:
    """Which kind of card the certificate says it is on: one of ``key_label.CARDS``."""
    for policy in policies_of(certificate):
        for arc, card in _CARDS:
            if f"{policy}.".startswith(f"{arc}."):
                return card
    return None


def policies_of(certificate: x509.Certificate) -> list[str]:
    """Its policies, dotted, those of test certificates as the real ones; none where they cannot be read."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    except (
        ValueError,
        x509.DuplicateExtension,
        x509.ExtensionNotFound,
        x509.UnsupportedGeneralNameType,
    ):
        return []
    return [policy.policy_identifier.dotted_string.removeprefix(_TEST_ARC) for policy in found]
