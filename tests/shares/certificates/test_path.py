# SPDX-License-Identifier: MIT
"""Paths from a certificate to an anchor, with faults that real authorities do not make."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from factories.people import TestCA, key_usage

from osak.shares.certificates.path import verify_chain
from osak.shares.errors import CertificateError

NOW = datetime.now(UTC)
Extensions = Sequence[tuple[x509.ExtensionType, bool]]
AUTHORITY: Extensions = (
    (x509.BasicConstraints(ca=True, path_length=None), True),
    (key_usage("key_cert_sign"), True),
)
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")


class Signer:
    """Somebody who issues certificates."""

    def __init__(self, name: str, issuer: "Signer | None" = None, extensions: Extensions = AUTHORITY) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.certificate = (issuer or self).issue(self.name, self.key.public_key(), extensions)

    def issue(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePublicKey,
        extensions: Extensions = (),
        *,
        days: int = 10,
    ) -> x509.Certificate:
        """Issue a certificate."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=5))
            .not_valid_after(NOW + timedelta(days=days))
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, hashes.SHA256())

    def person(self, *extensions: tuple[x509.ExtensionType, bool], days: int = 10) -> x509.Certificate:
        """Issue a certificate to a person."""
        name = x509.Name([x509.NameAttribute(x509.NameOID.SERIAL_NUMBER, "PNOEE-30303039914")])
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        return self.issue(name, key, extensions, days=days)


ROOT = Signer("root")


def refused(leaf: x509.Certificate, *intermediates: Signer, anchor: Signer = ROOT, days: int = 0) -> bool:
    """Whether there is no path from ``leaf`` to ``anchor`` after ``days``."""
    below = [signer.certificate for signer in intermediates]
    try:
        verify_chain(leaf, [anchor.certificate], below, NOW + timedelta(days=days))
    except CertificateError:
        return True
    return False


def test_direct_and_through_intermediates() -> None:
    """An anchor's own certificates are good, and those of up to two authorities below it."""
    first = Signer("first", ROOT)
    second = Signer("second", first)
    third = Signer("third", second)
    assert not refused(ROOT.person())
    assert not refused(first.person(), first)
    assert not refused(second.person(), first, second)
    assert refused(third.person(), first, second, third)
    assert refused(second.person(), second)


def test_issuing_authority_as_anchor() -> None:
    """The anchor may be the issuing authority itself, as upstream has it."""
    assert refused(Signer("issuing", ROOT).person(), anchor=Signer("issuing")) is not False
    issuing = Signer("issuing", ROOT)
    assert not refused(issuing.person(), anchor=issuing)


@pytest.mark.parametrize(
    "extensions",
    [
        (),
        ((x509.BasicConstraints(ca=False, path_length=None), True), (key_usage("key_cert_sign"), True)),
        ((x509.BasicConstraints(ca=True, path_length=None), True),),
        ((x509.BasicConstraints(ca=True, path_length=None), True), (key_usage("crl_sign"), True)),
        ((key_usage("key_cert_sign"), True),),
        (*AUTHORITY, (UNKNOWN, True)),
        (*AUTHORITY, (x509.NameConstraints([x509.DNSName("ee")], None), True)),
    ],
    ids=["nothing", "no CA", "no keyUsage", "may not sign", "no basicConstraints", "unknown", "names"],
)
def test_intermediates_that_are_no_authority(extensions: Extensions) -> None:
    """Who does not say that it may issue, or says what we do not understand, cannot issue."""
    below = Signer("below", ROOT, extensions)
    assert refused(below.person(), below)


def test_path_length() -> None:
    """An authority that may issue to people only cannot make another authority."""
    narrow = Signer("narrow", ROOT, ((x509.BasicConstraints(ca=True, path_length=0), True), AUTHORITY[1]))
    deeper = Signer("deeper", narrow)
    assert not refused(narrow.person(), narrow)
    assert refused(deeper.person(), narrow, deeper)


def test_validity_at_every_level() -> None:
    """A path holds only while all its certificates are valid."""
    below = Signer("below", ROOT)
    leaf = below.person(days=30)
    assert not refused(leaf, below, days=9)
    assert refused(leaf, below, days=11)
    assert refused(leaf, below, days=-6)


def test_critical_extensions_of_people() -> None:
    """A person's certificate with an unknown extension is refused if that is critical, else taken."""
    assert not refused(ROOT.person((UNKNOWN, False)))
    assert refused(ROOT.person((UNKNOWN, True)))


def test_same_name_other_key() -> None:
    """The issuer's name alone proves nothing; the right one of two of a name is found."""
    twin = Signer("root")
    assert refused(twin.person())
    verify_chain(ROOT.person(), [twin.certificate, ROOT.certificate], [], NOW)


def test_authorities_of_the_factory() -> None:
    """The shared test authority stands up to the same checks."""
    top = TestCA("top")
    below = TestCA("below", issuer=top)
    verify_chain(below.issue().certificate, [top.certificate], [below.certificate], NOW)
