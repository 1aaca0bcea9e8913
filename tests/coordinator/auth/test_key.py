# SPDX-License-Identifier: MIT
"""``KeyCredential``: signatures that a JOSE library believes, and keys that it refuses."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import NameOID
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from osak.coordinator import Credential, CredentialError, KeyCredential
from osak.shares.protocol.strict_json import encode_base64url

_: type[Credential] = KeyCredential

ISSUER_KEY = ec.generate_private_key(ec.SECP256R1())


def _certificate(key: PrivateKeyTypes, *serial_numbers: str) -> x509.Certificate:
    names = [x509.NameAttribute(NameOID.SERIAL_NUMBER, number) for number in serial_numbers]
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name(names))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")]))
        .public_key(key.public_key())  # type: ignore[arg-type]  # every key here can be certified
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(ISSUER_KEY, hashes.SHA256())
    )


@pytest.mark.parametrize(
    ("make_key", "algorithm", "signature_bytes"),
    [
        (lambda: ec.generate_private_key(ec.SECP256R1()), "ES256", 64),
        (lambda: ec.generate_private_key(ec.SECP384R1()), "ES384", 96),
        (lambda: ec.generate_private_key(ec.SECP521R1()), "ES512", 132),
        (lambda: rsa.generate_private_key(65537, 2048), "RS256", 256),
        (lambda: rsa.generate_private_key(65537, 2048), "PS256", 256),
    ],
    ids=["P-256", "P-384", "P-521", "RSA", "RSA with PSS"],
)
async def test_signatures_are_what_jose_expects(
    make_key: type[ec.EllipticCurvePrivateKey], algorithm: str, signature_bytes: int
) -> None:
    """The key chooses the algorithm, and an independent library verifies the raw signature."""
    key = make_key()
    certificate = _certificate(key, "PNOEE-48010010101")
    credential = KeyCredential(key, certificate, with_pss=algorithm == "PS256")
    assert credential.algorithm == algorithm
    assert credential.recipient_id == "etsi/PNOEE-48010010101"
    header = encode_base64url(f'{{"alg":"{algorithm}"}}'.encode())
    signed = await credential.sign(f"{header}.e30".encode())
    assert len(signed.signature) == signature_bytes
    assert signed.certificate_der == certificate.public_bytes(serialization.Encoding.DER)
    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    public = ECKey.import_key(pem) if algorithm.startswith("ES") else RSAKey.import_key(pem)
    token = f"{header}.e30.{encode_base64url(signed.signature)}"
    assert jws.deserialize_compact(token, public, algorithms=[algorithm]).payload == b"{}"


@pytest.mark.parametrize(
    "key",
    [
        ed25519.Ed25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP256K1()),
        rsa.generate_private_key(65537, 1024),  # noqa: S505 - that it is too short is the test
    ],
    ids=["Ed25519", "secp256k1", "RSA-1024"],
)
def test_keys_that_cannot_sign_tickets_are_refused(key: PrivateKeyTypes) -> None:
    """A wrong kind of key is found before any server is asked."""
    with pytest.raises(CredentialError):
        KeyCredential(key, _certificate(key, "PNOEE-48010010101"))


def test_a_certificate_of_another_key_is_refused() -> None:
    """A mixed-up pair would cost a refusal at every server."""
    other = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(CredentialError, match="another key"):
        KeyCredential(other, _certificate(ISSUER_KEY, "PNOEE-48010010101"))


@pytest.mark.parametrize("numbers", [(), ("48010010101",), ("PNOEE-48010010101", "PNOEE-60001017869")])
def test_a_certificate_that_names_no_one_person_is_refused(numbers: tuple[str, ...]) -> None:
    """The recipient id comes from exactly one serialNumber of the ETSI form."""
    with pytest.raises(CredentialError, match="serialNumber"):
        KeyCredential(ISSUER_KEY, _certificate(ISSUER_KEY, *numbers))


async def test_a_signature_does_not_show() -> None:
    """Neither key nor signature appears in a repr."""
    credential = KeyCredential(ISSUER_KEY, _certificate(ISSUER_KEY, "PNOEE-48010010101"))
    signed = await credential.sign(b"x")
    assert repr(signed) == "TicketSignature()"
