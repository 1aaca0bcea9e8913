# SPDX-License-Identifier: MIT
"""A throw-away certificate authority: issues what eID authorities issue, to people who do not exist.

Its name says that it is a simulator's. Certificates have what a node asks of an eID certificate: a
subject serialNumber ``PNOEE-…``, keyUsage and policy for authentication, an issuer that is a CA.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from osak.client.errors import UsageError

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

CERTIFICATE_LIFE: Final = dt.timedelta(days=30)
_AUTHORITY_LIFE: Final = dt.timedelta(days=365)
# ETSI EN 319 411-1: the key is in a device of its own; every certificate that signs tickets says so.
_NCP_PLUS: Final = "0.4.0.2042.1.2"
_USAGES: Final = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


@dataclass(frozen=True, slots=True)
class Holder:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)

    @property
    def der(self) -> bytes:
        """The certificate in DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def certificate_pem(self) -> bytes:
        """The certificate in PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The key in PEM, not encrypted."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class Authority:
    """Issues certificates; as trustworthy as whoever can read its key."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self.certificate = certificate
        self.key = key

    @classmethod
    def make(cls, name: str) -> "Authority":
        """A new authority of this name."""
        key = ec.generate_private_key(ec.SECP384R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = _begin(subject, subject, key.public_key(), key.public_key(), _AUTHORITY_LIFE)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_key_usage("key_cert_sign", "crl_sign"), critical=True)
        return cls(builder.sign(key, hashes.SHA384()), key)

    @classmethod
    def kept_in(cls, folder: Path, name: str) -> "Authority":
        """The authority that an earlier run left in ``folder``, or a new one that is left there.

        Raises:
            UsageError: its files are there but are no authority, or one that has ended.
            OSError: they cannot be read or written.
        """
        certificate_file, key_file = folder / f"{name}-ca.pem", folder / f"{name}-ca.key"
        if not key_file.exists():
            made = cls.make(f"osak SIMULATOR {name}, trust it with nothing")
            write_private(key_file, Holder(made.certificate, made.key).key_pem)
            certificate_file.write_bytes(made.certificate_pem)
            return made
        try:
            certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
            key = load_pem_private_key(key_file.read_bytes(), None)
        except ValueError as error:
            raise UsageError(f"{key_file} and {certificate_file.name} are no simulator's: {error}") from error
        ended = certificate.not_valid_after_utc < dt.datetime.now(dt.UTC) + CERTIFICATE_LIFE
        if not isinstance(key, ec.EllipticCurvePrivateKey) or ended:
            raise UsageError(f"the authority in {folder} is too old or not a simulator's: remove the folder")
        return cls(certificate, key)

    @property
    def certificate_pem(self) -> bytes:
        """The authority's certificate in PEM: what nodes and clients of a test trust."""
        return self.certificate.public_bytes(Encoding.PEM)

    def issue(
        self,
        serial_number: str,
        key: PrivateKey | None = None,
        *,
        name: str = "TESTNUMBER,OK",
        usages: Sequence[str] = ("digital_signature",),
    ) -> Holder:
        """A person's certificate for authentication; a new P-256 key unless one is given."""
        chosen = key or ec.generate_private_key(ec.SECP256R1())
        surname, _, given_name = name.partition(",")
        # All that the real services' certificates have: the official Java client ends without a country.
        parts = {
            NameOID.COUNTRY_NAME: serial_number[3:5],
            NameOID.COMMON_NAME: name,
            NameOID.SURNAME: surname,
            NameOID.GIVEN_NAME: given_name,
            NameOID.SERIAL_NUMBER: serial_number,
        }
        subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in parts.items() if value])
        builder = self._begin_leaf(subject, chosen).add_extension(_key_usage(*usages), critical=True)
        purposes, policies = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), [_policy(_NCP_PLUS)]
        builder = builder.add_extension(purposes, critical=False)
        builder = builder.add_extension(x509.CertificatePolicies(policies), critical=False)
        return Holder(builder.sign(self.key, hashes.SHA384()), chosen)

    def issue_server(self, *hosts: str) -> Holder:
        """A certificate for a TLS server under these names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        builder = self._begin_leaf(subject, key).add_extension(names, critical=False)
        return Holder(builder.sign(self.key, hashes.SHA384()), key)

    def _begin_leaf(self, subject: x509.Name, key: PrivateKey) -> x509.CertificateBuilder:
        builder = _begin(
            subject, self.certificate.subject, key.public_key(), self.key.public_key(), CERTIFICATE_LIFE
        )
        return builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)


def write_private(path: Path, data: bytes) -> None:
    """Write a file that nobody but its owner reads, from its first byte on."""
    path.touch(mode=0o600)
    path.write_bytes(data)


def _begin(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    issuer_key: ec.EllipticCurvePublicKey,
    life: dt.timedelta,
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _policy(identifier: str) -> x509.PolicyInformation:
    return x509.PolicyInformation(x509.ObjectIdentifier(identifier), None)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_usage(*usages: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in usages for name in _USAGES})
