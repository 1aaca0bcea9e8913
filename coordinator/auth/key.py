# SPDX-License-Identifier: MIT
"""A credential whose private key is at hand, for example from a PKCS#12 file.

The key decides the algorithm: RS256 for RSA, or PS256 where its holder has no other; ES256, ES384 or
ES512 for P-256, P-384 and P-521 (RFC 7518, section 3). The certificate says whose key it is; servers
check it, so nothing of it is verified here except that it belongs to the key.
"""

import hashlib
from collections.abc import Callable
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.x509.oid import NameOID

from osak.coordinator.auth.base import TicketSignature
from osak.coordinator.errors import CredentialError
from osak.shares.errors import MessageError
from osak.shares.protocol.recipient import recipient_id_from_serial_number

_CURVES: Final[dict[str, tuple[str, Callable[[], hashes.HashAlgorithm]]]] = {
    "secp256r1": ("ES256", hashes.SHA256),
    "secp384r1": ("ES384", hashes.SHA384),
    "secp521r1": ("ES512", hashes.SHA512),
}
_MIN_RSA_BITS: Final = 2048
# RFC 7518, 3.5: MGF1 with the same hash, and a salt as long as the hash.
_PSS: Final = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)


class KeyCredential:
    """Signs tickets with a software key, without asking anybody; an RSA key by PS256 if ``with_pss``.

    Raises:
        CredentialError: the key is of a kind that cannot sign tickets, is not the certificate's, or the
            certificate does not name a person.
    """

    def __init__(
        self, private_key: PrivateKeyTypes, certificate: x509.Certificate, *, with_pss: bool = False
    ) -> None:
        if not isinstance(private_key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise CredentialError("tickets are signed with an RSA or EC key")
        self._key = private_key
        self._algorithm = _algorithm_of(private_key, with_pss=with_pss)
        if _spki(private_key.public_key()) != _certificate_spki(certificate):
            raise CredentialError("the certificate belongs to another key")
        self._certificate_der = certificate.public_bytes(serialization.Encoding.DER)
        self._recipient_id = _recipient_of(certificate)

    @property
    def recipient_id(self) -> str:
        """The person of the certificate, e.g. ``etsi/PNOEE-48010010101``."""
        return self._recipient_id

    @property
    def algorithm(self) -> str:
        """RS256, PS256, ES256, ES384 or ES512."""
        return self._algorithm

    async def sign(self, signing_input: bytes) -> TicketSignature:
        """Sign at once."""
        if isinstance(self._key, rsa.RSAPrivateKey) and self._algorithm == "PS256":
            # A digest: that is what cards take for it.
            digest = hashlib.sha256(signing_input).digest()
            signature = self._key.sign(digest, _PSS, Prehashed(hashes.SHA256()))
        elif isinstance(self._key, rsa.RSAPrivateKey):
            signature = self._key.sign(signing_input, padding.PKCS1v15(), hashes.SHA256())
        else:
            _, curve_hash = _CURVES[self._key.curve.name]
            encoded = self._key.sign(signing_input, ec.ECDSA(curve_hash()))
            # RFC 7518 3.4: r and s as octets of the curve's size, one behind the other.
            size = (self._key.curve.key_size + 7) // 8
            signature = b"".join(number.to_bytes(size, "big") for number in decode_dss_signature(encoded))
        return TicketSignature(signature, self._certificate_der)


def _algorithm_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, *, with_pss: bool) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < _MIN_RSA_BITS:
            raise CredentialError("an RSA key of less than 2048 bits cannot sign tickets")
        return "PS256" if with_pss else "RS256"
    if key.curve.name not in _CURVES:
        raise CredentialError(f"an EC key on {key.curve.name} cannot sign tickets")
    return _CURVES[key.curve.name][0]


def _recipient_of(certificate: x509.Certificate) -> str:
    # ETSI EN 319 412-1: the person's semantics identifier stands in the subject's serialNumber.
    try:
        numbers = certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
        if len(numbers) != 1 or not isinstance(numbers[0].value, str):
            raise CredentialError("the certificate's subject has not one serialNumber: it names no person")
        return recipient_id_from_serial_number(numbers[0].value)
    except (MessageError, ValueError) as error:
        raise CredentialError("the certificate's serialNumber is not that of a person (PNOEE-…)") from error


def _certificate_spki(certificate: x509.Certificate) -> bytes:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CredentialError("the certificate's public key cannot be read") from error
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _spki(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
