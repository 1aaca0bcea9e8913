# SPDX-License-Identifier: MIT
"""Key, certificate and secret files in every form people have them, and clear refusals of others."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)
from factories.people import TestCA, of_version

from osak.client.errors import CredentialFileError
from osak.client.identity.files import (
    PasswordNeededError,
    load_pkcs12,
    load_private_key,
    load_recipient_key,
    load_secret,
)

EC_KEY = ec.generate_private_key(ec.SECP384R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)
LOCKED = BestAvailableEncryption(b"parool")


@pytest.mark.parametrize("key", [EC_KEY, RSA_KEY], ids=["ec", "rsa"])
@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("password", [None, "needless"])
def test_private_key_forms(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    encoding: Encoding,
    form: PrivateFormat,
    password: str | None,
) -> None:
    """PEM and DER, PKCS#8 and traditional; a password that is not needed does no harm."""
    data = key.private_bytes(encoding, form, NoEncryption())
    assert load_private_key(data, password).private_numbers() == key.private_numbers()


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_encrypted_private_key(encoding: Encoding) -> None:
    """An encrypted key opens with its password; without or with a wrong one the error says so."""
    data = EC_KEY.private_bytes(encoding, PrivateFormat.PKCS8, LOCKED)
    assert load_private_key(data, "parool").private_numbers() == EC_KEY.private_numbers()
    for password in (None, "vale"):
        with pytest.raises(PasswordNeededError):
            load_private_key(data, password)


@pytest.mark.parametrize(
    "data", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_no_private_key(data: bytes) -> None:
    """Anything else is refused in one sentence."""
    with pytest.raises(CredentialFileError, match="private key"):
        load_private_key(data, None)


def test_other_kinds_of_key() -> None:
    """A key that CDOC2 has no use for is refused as private and as public key."""
    key = ed25519.Ed25519PrivateKey.generate()
    with pytest.raises(CredentialFileError, match="EC or RSA"):
        load_private_key(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), None)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(CredentialFileError, match="EC and RSA"):
        load_recipient_key(public)


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_public_key(encoding: Encoding) -> None:
    """A bare public key can stand for a recipient."""
    public = EC_KEY.public_key()
    found = load_recipient_key(public.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo))
    assert isinstance(found, ec.EllipticCurvePublicKey)
    assert found.public_numbers() == public.public_numbers()


@pytest.mark.parametrize("data", [b"", b"\x30\x00", b"-----BEGIN CERTIFICATE-----\n"])
def test_no_recipient_key(data: bytes) -> None:
    """Neither certificate nor public key: refused."""
    with pytest.raises(CredentialFileError, match="neither"):
        load_recipient_key(data)


def test_a_certificate_of_a_version_that_does_not_exist() -> None:
    """It is no certificate, and no fault of the program either."""
    with pytest.raises(CredentialFileError, match="neither"):
        load_recipient_key(of_version(TestCA().issue().der, 38))


def make_p12(encryption: KeySerializationEncryption) -> bytes:
    return pkcs12.serialize_key_and_certificates(b"x", EC_KEY, None, None, encryption)


def test_p12_refusals() -> None:
    """A PKCS#12 file without certificate, with a wrong password, or that is none, is told apart."""
    with pytest.raises(CredentialFileError, match="no certificate"):
        load_pkcs12(make_p12(LOCKED), "parool")
    with pytest.raises(PasswordNeededError):
        load_pkcs12(make_p12(LOCKED), "vale")
    with pytest.raises(PasswordNeededError):
        load_pkcs12(make_p12(LOCKED), None)
    with pytest.raises(CredentialFileError, match="not a PKCS#12"):
        load_pkcs12(b"hello", None)


SECRET = bytes(range(200, 232))


@pytest.mark.parametrize(
    "data",
    [
        SECRET,
        base64.b64encode(SECRET),
        base64.b64encode(SECRET) + b"\n",
        SECRET.hex().encode() + b"\n",
        SECRET.hex().upper().encode(),
    ],
    ids=["raw", "base64", "base64 line", "hex", "HEX"],
)
def test_secret_forms(data: bytes) -> None:
    """Raw, base64 and hexadecimal files give the same secret."""
    assert load_secret(data) == SECRET


@pytest.mark.parametrize("data", [b"", b"short", bytes(31), base64.b64encode(bytes(31)), b"ab" * 31])
def test_short_secret(data: bytes) -> None:
    """Fewer than 32 bytes are refused in every form."""
    with pytest.raises(CredentialFileError, match="32 bytes"):
        load_secret(data)
