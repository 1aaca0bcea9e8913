# SPDX-License-Identifier: MIT
"""Public keys as capsules name them: checked when a sender uploads, recomputed from a client's certificate.

A key has exactly one spelling here, so that equal bytes mean the same key: a point on its curve,
uncompressed, or DER that encodes back to itself.
"""

from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from osak.node.errors import BadRequestError
from osak.shares.certificates.malformed import MALFORMED
from osak.shares.protocol.capsule import CapsuleMessage, CapsuleType

MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192

_CURVES: Final[dict[CapsuleType, ec.EllipticCurve]] = {
    CapsuleType.P256: ec.SECP256R1(),
    CapsuleType.P384: ec.SECP384R1(),
    CapsuleType.P521: ec.SECP521R1(),
}
_TYPES: Final = {curve.name: kind for kind, curve in _CURVES.items()}


def check_capsule_keys(message: CapsuleMessage) -> None:
    """Check that the keys in an upload are keys.

    Raises:
        BadRequestError: a point is not on its curve, the RSA key is none or of a size we do not take, or
            the encrypted KEK has not the length that this key gives.
    """
    if message.capsule_type is CapsuleType.RSA:
        _check_rsa(message)
        return
    for name in ("recipient_id", "ephemeral_key_material"):
        try:
            ec.EllipticCurvePublicKey.from_encoded_point(
                _CURVES[message.capsule_type], getattr(message, name)
            )
        except ValueError as error:
            raise BadRequestError(f"{name} is not a point of {message.capsule_type}") from error


def key_of_certificate(certificate_der: bytes) -> tuple[CapsuleType, bytes] | None:
    """The kind of capsule that this certificate's key opens, and the key as ``recipient_id`` has it.

    None for a key (or a certificate) of a kind that no capsule is for.
    """
    try:
        key = x509.load_der_x509_certificate(certificate_der).public_key()
    except MALFORMED:
        return None
    if isinstance(key, rsa.RSAPublicKey):
        return CapsuleType.RSA, key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _TYPES:
        point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return _TYPES[key.curve.name], point
    return None


def _check_rsa(message: CapsuleMessage) -> None:
    try:
        key = load_der_public_key(message.recipient_id)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadRequestError("recipient_id is not the DER of an RSAPublicKey") from error
    # The loader takes other forms too, SubjectPublicKeyInfo above all.
    if (
        not isinstance(key, rsa.RSAPublicKey)
        or key.public_bytes(Encoding.DER, PublicFormat.PKCS1) != message.recipient_id
    ):
        raise BadRequestError("recipient_id is not the DER of an RSAPublicKey (PKCS#1)")
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise BadRequestError(f"an RSA key has {MIN_RSA_BITS} to {MAX_RSA_BITS} bits")
    if len(message.ephemeral_key_material) != (key.key_size + 7) // 8:
        raise BadRequestError("ephemeral_key_material is not as long as the RSA key's modulus")
