# SPDX-License-Identifier: MIT
"""A card in memory that counts wrong PINs and locks, as ID-cards do and SoftHSM does not."""

from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from factories.people import Person

from osak.client.identity.errors import CardError
from osak.client.identity.token import TokenCertificate, Tries, WrongPINError

_OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
_HASHES = {32: hashes.SHA256(), 48: hashes.SHA384(), 64: hashes.SHA512()}


@dataclass
class SimulatedToken:
    """One card of one or more people.

    Attributes:
        sent: every PIN that reached the card (None from its pin pad).
        left: how many wrong PINs it still forgives.
    """

    people: list[Person]
    slot: int = 0
    label: str = "ID-card (PIN1)"
    pin: str = "4821"
    has_pin_pad: bool = False
    left: int = 3
    sent: list[str | None] = field(default_factory=list)
    is_open: bool = False
    has_pkcs1: bool = True

    def tries(self) -> Tries:
        """As many as are left."""
        return {0: Tries.NONE, 1: Tries.ONE, 3: Tries.ALL}.get(self.left, Tries.FEWER)

    def certificates(self) -> list[TokenCertificate]:
        """One a person."""
        return [TokenCertificate(bytes([n]), one.certificate) for n, one in enumerate(self.people)]

    def log_in(self, pin: str | None) -> None:
        """Count, and lock."""
        self.sent.append(pin)
        if self.left == 0 or (pin != self.pin and not (pin is None and self.has_pin_pad)):
            self.left = max(self.left - 1, 0)
            raise WrongPINError("the card did not take the PIN")
        self.left, self.is_open = 3, True

    def agree(self, key_id: bytes, point: bytes) -> bytes:
        """ECDH."""
        key = self._key(key_id)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(key.curve, point))

    def decrypt(self, key_id: bytes, ciphertext: bytes) -> bytes:
        """RSAES-OAEP."""
        key = self._key(key_id)
        assert isinstance(key, rsa.RSAPrivateKey)
        return key.decrypt(ciphertext, _OAEP)

    def sign(self, key_id: bytes, data: bytes, *, rsa: bool) -> bytes:
        """RS256, or raw ECDSA."""
        key = self._key(key_id)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            assert rsa
            return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        assert not rsa
        numbers = decode_dss_signature(key.sign(data, ec.ECDSA(Prehashed(_HASHES[len(data)]))))
        return b"".join(number.to_bytes((key.key_size + 7) // 8) for number in numbers)

    def sign_pss(self, key_id: bytes, digest: bytes) -> bytes:
        """RSASSA-PSS with SHA-256."""
        key = self._key(key_id)
        assert isinstance(key, rsa.RSAPrivateKey)
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), len(digest))
        return key.sign(digest, pss, Prehashed(hashes.SHA256()))

    def _key(self, key_id: bytes) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
        if not self.is_open:
            raise CardError("not logged in")
        return self.people[key_id[0]].key
