# SPDX-License-Identifier: MIT
"""Keys and certificates in files: PKCS#12, PEM private keys, certificates, symmetric secrets.

Turns bytes into keys and says clearly what is wrong with them. Reads no files and asks no passwords
itself: whoever calls it does.
"""

import base64
import binascii
import re
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
    pkcs12,
)

from osak.client.errors import CredentialFileError

MIN_SECRET_BYTES = 32

PrivateKey = EllipticCurvePrivateKey | RSAPrivateKey
PublicKey = EllipticCurvePublicKey | RSAPublicKey

_HEX_SECRET = re.compile(rb"(?:[0-9a-fA-F]{2})+")


@dataclass(frozen=True, slots=True)
class PersonalKey:
    """A private key and the certificate that says whose it is."""

    private_key: PrivateKey = field(repr=False)
    certificate: x509.Certificate


class PasswordNeededError(CredentialFileError):
    """The file is encrypted and no password was given, or the given one is wrong."""


def load_pkcs12(data: bytes, password: str | None) -> PersonalKey:
    """Key and certificate from a PKCS#12 file (RFC 7292).

    Raises:
        PasswordNeededError: the password is missing or wrong.
        CredentialFileError: no key or no certificate inside, or not an EC or RSA key.
    """
    if not data.startswith(b"\x30"):
        raise CredentialFileError("not a PKCS#12 file")
    try:
        secret = None if password is None else password.encode()
        key, certificate, _ = pkcs12.load_key_and_certificates(data, secret)
    except ValueError as error:
        raise PasswordNeededError("the PKCS#12 file does not open with this password") from error
    except x509.InvalidVersion as error:
        raise CredentialFileError("the PKCS#12 file holds a certificate of an unknown version") from error
    if certificate is None:
        raise CredentialFileError("the PKCS#12 file holds no certificate for its key")
    return PersonalKey(_checked_private(key), certificate)


def load_private_key(data: bytes, password: str | None) -> PrivateKey:
    """EC or RSA private key from PEM or DER (PKCS#8, SEC 1, PKCS#1).

    Raises:
        PasswordNeededError: the password is missing or wrong.
        CredentialFileError: not such a key.
    """
    load = load_pem_private_key if data.lstrip().startswith(b"-----BEGIN") else load_der_private_key
    try:
        return _checked_private(load(data, None if password is None else password.encode()))
    except TypeError as error:
        # cryptography says so when a password is missing, and also when one is given without need.
        if password is None:
            raise PasswordNeededError("the private key is encrypted: its password is needed") from error
        return load_private_key(data, None)
    except ValueError as error:
        if password is not None:
            raise PasswordNeededError("the private key does not open with this password") from error
        raise CredentialFileError("not a private key in PEM or DER") from error


def load_personal_key(key: PrivateKey, certificate: bytes) -> PersonalKey:
    """A private key with its certificate in PEM or DER.

    Raises:
        CredentialFileError: no certificate, or one for another key.
    """
    found = load_recipient_key(certificate)
    if not isinstance(found, x509.Certificate):
        raise CredentialFileError("a certificate is needed, not a bare public key")
    if found.public_key() != key.public_key():
        raise CredentialFileError("the certificate is not for this private key")
    return PersonalKey(key, found)


def load_recipient_key(data: bytes) -> x509.Certificate | PublicKey:
    """What a sender has of a recipient: a certificate or a public key, PEM or DER.

    Raises:
        CredentialFileError: neither, or not EC or RSA.
    """
    pem = data.lstrip().startswith(b"-----BEGIN")
    loaders = (
        (x509.load_pem_x509_certificate, load_pem_public_key)
        if pem
        else (x509.load_der_x509_certificate, load_der_public_key)
    )
    for load in loaders:
        try:
            found = load(data)
        except (ValueError, x509.InvalidVersion):
            continue
        key = found.public_key() if isinstance(found, x509.Certificate) else found
        if not isinstance(key, EllipticCurvePublicKey | RSAPublicKey):
            raise CredentialFileError("only EC and RSA keys can receive CDOC2 files")
        return found if isinstance(found, x509.Certificate) else key
    raise CredentialFileError("neither a certificate nor a public key in PEM or DER")


def load_secret(data: bytes) -> bytes:
    """A symmetric secret of at least 32 bytes from a file: hexadecimal, base64 or raw.

    A file of only hexadecimal digits or only base64 is taken as such text; anything else is the
    secret itself.

    Raises:
        CredentialFileError: fewer than 32 bytes.
    """
    text = b"".join(data.split())
    if _HEX_SECRET.fullmatch(text):
        secret = bytes.fromhex(text.decode("ascii"))
    else:
        try:
            secret = base64.b64decode(text, validate=True)
        except binascii.Error:
            secret = data
    if len(secret) < MIN_SECRET_BYTES:
        raise CredentialFileError(
            f"a secret has at least {MIN_SECRET_BYTES} bytes; make one with: openssl rand 32"
        )
    return secret


def _checked_private(key: object) -> PrivateKey:
    if isinstance(key, EllipticCurvePrivateKey | RSAPrivateKey):
        return key
    raise CredentialFileError("the file holds no EC or RSA private key")
