# SPDX-License-Identifier: MIT
"""Which certificates of a directory are of use for a person, and what for. Pure.

The directory is believed in nothing: where an entry stands in its tree says nothing here. What counts
is the certificate itself: issued directly by a configured authority, valid now, this person's by the
serialNumber of its subject, and of a kind that its policies name (the lists of libcdoc and of the
certificate profiles of Mobile-ID). Of a card only the key that one may encrypt to is taken; what a
certificate is for, ``osak.shares.certificates.profile`` tells, as it does for nodes.
A Mobile-ID's key encrypts nothing; its certificate tells that the person can sign for share servers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from osak.client.container import PublicKeyRecipient
from osak.client.container.certificate_label import card_of, policies_of
from osak.client.container.errors import InvalidInputError
from osak.shares.certificates.malformed import MALFORMED
from osak.shares.certificates.path import verify_chain
from osak.shares.certificates.profile import check_authentication, check_encryption
from osak.shares.errors import CertificateError

MOBILE_ID: Final = "Mobile-ID"

_MOBILE_ID_ARCS: Final = ("1.3.6.1.4.1.10015.1.3", "1.3.6.1.4.1.10015.11.1", "1.3.6.1.4.1.10015.18.1")
_UNKNOWN: Final = "certificate"


@dataclass(frozen=True, slots=True)
class Means:
    """One thing a person has.

    Attributes:
        kind: ``Mobile-ID``, or one of the cards of ``key_label.CARDS``.
        certificate: of its key for authentication and, on cards, encryption.
        doubt: that nobody could tell whether it was revoked, and why; None if it was learnt, or not asked.
    """

    kind: str
    certificate: x509.Certificate = field(repr=False)
    doubt: str | None = None

    @property
    def is_card(self) -> bool:
        """Whether its key can open a record."""
        return self.kind != MOBILE_ID

    @property
    def ends(self) -> datetime:
        """When the certificate does."""
        return self.certificate.not_valid_after_utc


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A certificate that the directory has and that is not used.

    Attributes:
        kind: as of ``Means``; ``certificate`` where it does not say.
        why: the end of a sentence.
    """

    kind: str
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a directory has of one person.

    Attributes:
        means: of use; cards that last longest first, then Mobile-ID.
        passed_over: not of use; certificates for signing documents are not even listed.
        is_whole: whether the directory did not send us on to another, which was not asked.
    """

    means: tuple[Means, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()
    is_whole: bool = True

    def without(self, means: Means, why: str) -> "Found":
        """The same, one of the means passed over for a reason that only others could know."""
        left = tuple(one for one in self.means if one is not means)
        return Found(left, (*self.passed_over, PassedOver(means.kind, why)), self.is_whole)

    def in_doubt(self, means: Means, why: str) -> "Found":
        """The same, with a word on one of the means that nobody could tell whether it was revoked."""
        told = tuple(replace(one, doubt=why) if one is means else one for one in self.means)
        return Found(told, self.passed_over, self.is_whole)


class _UnusableError(Exception):
    """Why a certificate is not used."""


class _ForSigningError(_UnusableError):
    """It is for signing documents, as every second one is."""


def sort_certificates(
    certificates: Iterable[bytes],
    serial_number: str,
    anchors: Sequence[x509.Certificate],
    now: datetime,
    *,
    is_whole: bool = True,
) -> Found:
    """Tell what of a directory's answer is of use.

    A certificate of which anything cannot be read is passed over.

    Args:
        certificates: in DER, as they came.
        serial_number: whose they should be, such as ``PNOEE-38001085718``.
        anchors: authorities that are believed.
        now: the time.
        is_whole: passed on.
    """
    means: list[Means] = []
    passed_over: list[PassedOver] = []
    for der in dict.fromkeys(certificates):  # the same one twice is one
        kind = _UNKNOWN
        try:
            certificate = x509.load_der_x509_certificate(der)
            kind = _kind_of(certificate) or kind
            _require_person(certificate, serial_number)
            _require_authority(certificate, anchors, now)
            _require_use(certificate, kind)
        except _ForSigningError:
            continue
        except MALFORMED:
            passed_over.append(PassedOver(kind, "it cannot be read"))
        except _UnusableError as error:
            passed_over.append(PassedOver(kind, str(error)))
        else:
            means.append(Means(kind, certificate))
    means.sort(key=lambda one: (not one.is_card, -one.ends.timestamp()))
    return Found(tuple(means), tuple(passed_over), is_whole)


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the certificate in hexadecimal, by which programs and people name it."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def _kind_of(certificate: x509.Certificate) -> str | None:
    card = card_of(certificate)
    if card is not None:
        return card
    policies = policies_of(certificate)
    is_mobile = any(f"{policy}.".startswith(f"{arc}.") for policy in policies for arc in _MOBILE_ID_ARCS)
    return MOBILE_ID if is_mobile else None


def _require_person(certificate: x509.Certificate, serial_number: str) -> None:
    numbers = certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
    if [str(number.value) for number in numbers] != [serial_number]:
        raise _UnusableError("it is somebody else's")


def _require_authority(
    certificate: x509.Certificate, anchors: Sequence[x509.Certificate], now: datetime
) -> None:
    if now > certificate.not_valid_after_utc:
        raise _UnusableError(f"it ended on {certificate.not_valid_after_utc:%Y-%m-%d}")
    if now < certificate.not_valid_before_utc:
        raise _UnusableError(f"it begins only on {certificate.not_valid_before_utc:%Y-%m-%d}")
    try:
        verify_chain(certificate, anchors, (), now)
    except CertificateError as error:
        raise _UnusableError("it is not by any of the authorities in the configuration") from error


def _require_use(certificate: x509.Certificate, kind: str) -> None:
    if _is_for_documents(certificate):
        raise _ForSigningError
    if kind == _UNKNOWN:
        raise _UnusableError("it is of no card that is known here, nor Mobile-ID")
    try:
        if kind == MOBILE_ID:
            check_authentication(certificate)
        else:
            PublicKeyRecipient(certificate)
            check_encryption(certificate)
    except (CertificateError, InvalidInputError) as error:
        raise _UnusableError(str(error)) from error


def _is_for_documents(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return usage.content_commitment
