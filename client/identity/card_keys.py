# SPDX-License-Identifier: MIT
"""Private keys that stay on a card, in the shape of ``cryptography``'s keys.

So whatever opens records and signs tickets with a key from a file does so with a card's as well. Only
what CDOC2 and TLS need is there: ECDH and ECDSA, RSAES-OAEP, RSASSA-PKCS1-v1_5 and RSASSA-PSS all with
SHA-256. The key itself cannot be had.
"""

from typing import Any, Final, NoReturn, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from osak.client.errors import UsageError
from osak.client.identity.card import Card
from osak.client.identity.errors import CardError

_SHA256_BYTES: Final = 32

CardKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def card_key(card: Card) -> CardKey:
    """The key of the card's certificate.

    Raises:
        CardError: it is neither EC nor RSA.
    """
    try:
        public = card.certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CardError("the public key on the card cannot be read") from error
    if isinstance(public, ec.EllipticCurvePublicKey):
        return _ECKey(card, public)
    if isinstance(public, rsa.RSAPublicKey):
        return _RSAKey(card, public)
    raise CardError("the key on the card is neither EC nor RSA")


class KeyOnCard:
    """What is common to keys on cards: the PIN, and what none of them can do."""

    _card: Card

    def open_card(self) -> None:
        """Ask for the PIN now; see ``Card.open``."""
        self._card.open()

    def private_numbers(self) -> NoReturn:
        """Refuse."""
        raise UsageError("the key never leaves the card")

    def private_bytes(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse."""
        raise UsageError("the key never leaves the card")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self


class _ECKey(KeyOnCard, ec.EllipticCurvePrivateKey):
    def __init__(self, card: Card, public: ec.EllipticCurvePublicKey) -> None:
        self._card = card
        self._public = public

    @property
    def curve(self) -> ec.EllipticCurve:
        return self._public.curve

    @property
    def key_size(self) -> int:
        return self._public.curve.key_size

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> bytes:  # noqa: ARG002 - there is one algorithm
        point = peer_public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        secret = self._card.agree(point)
        if len(secret) != (self.key_size + 7) // 8:
            raise CardError("the card's ECDH gave a secret of a wrong length")
        return secret

    def sign(
        self,
        data: bytes | bytearray | memoryview,
        signature_algorithm: ec.EllipticCurveSignatureAlgorithm,
    ) -> bytes:
        algorithm = signature_algorithm.algorithm
        if isinstance(algorithm, hashes.HashAlgorithm):
            digest = hashes.Hash(algorithm)
            digest.update(data)
            data = digest.finalize()
        signature = self._card.sign(bytes(data), rsa=False)
        size = (self.key_size + 7) // 8
        if len(signature) != 2 * size:
            raise CardError("the card gave an ECDSA signature of a wrong length")
        r, s = (int.from_bytes(signature[part]) for part in (slice(size), slice(size, None)))
        return encode_dss_signature(r, s)


class _RSAKey(KeyOnCard, rsa.RSAPrivateKey):
    def __init__(self, card: Card, public: rsa.RSAPublicKey) -> None:
        self._card = card
        self._public = public

    @property
    def key_size(self) -> int:
        return self._public.key_size

    def public_key(self) -> rsa.RSAPublicKey:
        return self._public

    def decrypt(self, ciphertext: bytes, padding: padding.AsymmetricPadding) -> bytes:  # noqa: ARG002 - CDOC2 has one
        return self._card.decrypt(ciphertext)

    def sign(
        self,
        data: bytes,
        padding: padding.AsymmetricPadding,
        algorithm: object,
    ) -> bytes:
        if isinstance(padding, PSS) and isinstance(algorithm, Prehashed) and len(data) == _SHA256_BYTES:
            return self._card.sign_pss(data)
        if isinstance(padding, PKCS1v15) and isinstance(algorithm, hashes.SHA256):
            return self._card.sign(data, rsa=True)
        raise CardError("a card's RSA key signs with SHA-256: data by PKCS#1 v1.5, a digest by PSS")
