# SPDX-License-Identifier: MIT
"""Whether a person's key made a JWS signature: the algorithm must fit the key, and exactly so.

RSA of at least 2048 bits for RS256 and PS256 (salt as long as the hash), and exactly one curve for each ES
algorithm, with the raw r || s of exactly that curve's length (RFC 7518, 3.3 to 3.5). Nothing else exists:
no ``none``, no HMAC.
"""

from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from osak.node.auth.rsa_keys import PSS_SHA256, check_rsa_size
from osak.node.errors import TicketRefusedError

_SHA256 = hashes.SHA256()
_RSA_PADDINGS: Final[dict[str, padding.AsymmetricPadding]] = {
    "RS256": padding.PKCS1v15(),
    "PS256": PSS_SHA256,
}
# Algorithm -> the only curve, ECDSA with its hash, and the length of r and of s in bytes.
_EC_ALGORITHMS: Final[dict[str, tuple[type[ec.EllipticCurve], ec.ECDSA, int]]] = {
    "ES256": (ec.SECP256R1, ec.ECDSA(_SHA256), 32),
    "ES384": (ec.SECP384R1, ec.ECDSA(hashes.SHA384()), 48),
    "ES512": (ec.SECP521R1, ec.ECDSA(hashes.SHA512()), 66),
}


@dataclass(frozen=True, slots=True)
class Signed:
    """A JWS that nobody has verified yet.

    Attributes:
        algorithm: what its header says.
        signing_input: what is said to be signed.
        signature: raw.
    """

    algorithm: str
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def verify_signature(signed: Signed, key: CertificatePublicKeyTypes) -> None:
    """Verify that ``key`` signed.

    Raises:
        TicketRefusedError: it did not, or the algorithm does not fit it.
    """
    algorithm = signed.algorithm
    try:
        if algorithm in _RSA_PADDINGS and isinstance(key, rsa.RSAPublicKey):
            check_rsa_size(key)
            key.verify(signed.signature, signed.signing_input, _RSA_PADDINGS[algorithm], _SHA256)
        elif algorithm in _EC_ALGORITHMS and isinstance(key, ec.EllipticCurvePublicKey):
            _verify_ecdsa(signed, key)
        else:
            raise TicketRefusedError(f"{algorithm} does not fit the certificate's key")
    except InvalidSignature as error:
        raise TicketRefusedError("the signature is not by the certificate's key") from error


def _verify_ecdsa(signed: Signed, key: ec.EllipticCurvePublicKey) -> None:
    curve, ecdsa, length = _EC_ALGORITHMS[signed.algorithm]
    if not isinstance(key.curve, curve) or len(signed.signature) != 2 * length:
        raise TicketRefusedError(f"{signed.algorithm} does not fit the key's curve or the signature")
    r, s = (int.from_bytes(signed.signature[part], "big") for part in (slice(length), slice(length, None)))
    key.verify(encode_dss_signature(r, s), signed.signing_input, ecdsa)
