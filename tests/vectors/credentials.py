# SPDX-License-Identifier: MIT
"""The keys, the secret and the password that open the vectors. They protect nothing: they are public."""

from functools import cache
from math import gcd
from typing import Final

from Crypto.Math.Numbers import Integer
from Crypto.Math.Primality import test_probable_prime
from Crypto.PublicKey import ECC, RSA
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from vectors.entropy import Stream

CURVES: Final = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
SECRET: Final = Stream("secret")(32)
LONG_SECRET: Final = Stream("long secret")(64)
PASSWORD: Final = "Kui Arno isaga koolimajja jõudis"
_EXPONENT: Final = 65537


@cache
def ec_key(curve: str, name: str = "recipient") -> ECC.EccKey:
    """A key on this curve; the name chooses which."""
    # A byte less than the curve's order has, so it is below it.
    scalar = int.from_bytes(Stream(f"{curve} {name}")(CURVES[curve].key_size // 8 - 1))
    return ECC.construct(curve=curve, d=scalar)


@cache
def rsa_key() -> RSA.RsaKey:
    """A key of 2048 bits."""
    draw = Stream("RSA")
    p, q = _prime(draw), _prime(draw)
    d = pow(_EXPONENT, -1, (p - 1) * (q - 1))
    return RSA.construct((p * q, _EXPONENT, d, p, q))


def _prime(draw: Stream) -> int:
    """The next prime of 1024 bits above a random number whose two highest bits are set."""
    candidate = int.from_bytes(draw(128), "big") | 3 << 1022 | 1
    while gcd(candidate - 1, _EXPONENT) != 1 or not test_probable_prime(Integer(candidate)):
        candidate += 2
    return candidate


def pem(name: str) -> str:
    """The private key ``P-256``, ``P-384``, ``P-521`` or ``RSA-2048`` as PEM."""
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    if name in CURVES:
        key = ec.derive_private_key(int(ec_key(name).d), CURVES[name])
    else:
        own = rsa_key()
        public = rsa.RSAPublicNumbers(own.e, own.n)
        dp, dq = own.d % (own.p - 1), own.d % (own.q - 1)
        key = rsa.RSAPrivateNumbers(own.p, own.q, own.d, dp, dq, pow(own.q, -1, own.p), public).private_key()
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
