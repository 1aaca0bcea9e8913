# SPDX-License-Identifier: MIT
"""A throw-away certificate authority and one person it vouches for, for the demo only.

The certificate has what the node asks of an eID certificate: a subject serialNumber
``PNOEE-…``, keyUsage digitalSignature, and an issuer the nodes were told to trust.
"""

import datetime as dt
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    pkcs12,
)
from cryptography.x509.oid import NameOID

_LIFE = dt.timedelta(days=30)


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Who receives the demo's file, and the files that prove it.

    Attributes:
        code: Estonian personal code of a person who does not exist.
        authority_file: PEM certificate of the throw-away authority.
        p12_file: the person's key and certificate.
        password_file: the password of ``p12_file``.
    """

    code: str
    authority_file: Path
    p12_file: Path
    password_file: Path = field(repr=False)


def make_person(folder: Path, code: str = "38001085718") -> DemoPerson:
    """Write a fresh authority and a fresh person into ``folder``."""
    authority_key = ec.generate_private_key(ec.SECP384R1())
    authority = _certificate(_name("osak demo authority"), authority_key, None)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, f"JÕEORG,JAAK-KRISTJAN,{code}"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, f"PNOEE-{code}"),
        ]
    )
    certificate = _certificate(subject, key, (authority, authority_key))
    password = secrets.token_urlsafe(12)
    person = DemoPerson(code, folder / "authority.pem", folder / "person.p12", folder / "person.password")
    person.authority_file.write_bytes(authority.public_bytes(Encoding.PEM))
    person.password_file.touch(mode=0o600)
    person.password_file.write_text(password + "\n", encoding="utf-8")
    person.p12_file.touch(mode=0o600)
    person.p12_file.write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"osak demo", key, certificate, None, BestAvailableEncryption(password.encode())
        )
    )
    return person


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None,
) -> x509.Certificate:
    """An authority's own certificate, or one issued by ``issuer`` to a person."""
    now = dt.datetime.now(dt.UTC)
    issuer_name, issuer_key = (issuer[0].subject, issuer[1]) if issuer else (subject, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + _LIFE)
        .add_extension(
            x509.BasicConstraints(ca=issuer is None, path_length=0 if issuer is None else None), critical=True
        )
        .add_extension(_key_usage(authority=issuer is None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )
    return builder.sign(issuer_key, hashes.SHA384())


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
