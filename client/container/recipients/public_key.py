# SPDX-License-Identifier: MIT
"""A recipient with a public key: EC on P-256, P-384 or P-521 (CDOC2, SC01), or RSA (SC02).

EC: a fresh ephemeral key for every record, ECDH, KEK from the shared x-coordinate. RSA: a random KEK
under RSAES-OAEP with SHA-256. Ephemeral keys and OAEP's seed come from OpenSSL's own generator, since
neither can be passed in. Points from a container are checked to lie on their curve before use.
"""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from osak.client.container import key_label
from osak.client.container.capsules import Curve, ECCapsule, Recipient, RSACapsule
from osak.client.container.certificate_label import certificate_label
from osak.client.container.errors import (
    DamagedContainerError,
    InvalidInputError,
    LimitExceededError,
)
from osak.client.container.key_schedule import KEY_BYTES, ec_kek
from osak.client.container.limits import Limits
from osak.client.container.recipients.base import Candidate, RandomBytes, sealed_record

PublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

MIN_RSA_BITS: Final = 2048

_CURVES: Final[dict[str, tuple[Curve, ec.EllipticCurve]]] = {
    "secp256r1": (Curve.P256, ec.SECP256R1()),
    "secp384r1": (Curve.P384, ec.SECP384R1()),
    "secp521r1": (Curve.P521, ec.SECP521R1()),
}
_OAEP: Final = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), label=None)
_FINGERPRINT_DIGITS: Final = 16


def public_key_bytes(key: PublicKey) -> bytes:
    """A key as records name it: uncompressed point (RFC 8446, 4.2.8.2), or DER of ``RSAPublicKey``."""
    if isinstance(key, rsa.RSAPublicKey):
        return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


class PublicKeyRecipient:
    """The owner of a certificate or of a bare public key."""

    def __init__(
        self,
        key: x509.Certificate | PublicKey,
        *,
        file_name: str | None = None,
        plain_label: bool = False,
        number: int = 1,
    ) -> None:
        """Check the key and make the label.

        Args:
            key: nothing but the key of a certificate is used; its validity is the caller's matter.
            file_name: where the key came from, for the label.
            plain_label: store the name alone: of the certificate, else of the file.
            number: stands behind a plain label from the second of the same name on.

        Raises:
            InvalidInputError: neither RSA of 2048 bits or more nor EC on a curve of CDOC2.
        """
        self._key = _public_key_of(key)
        _require_usable(self._key)
        if isinstance(key, x509.Certificate):
            label = certificate_label(key, file_name)
        else:
            label = _public_key_label(self._key, file_name)
        self.key_label = _plain(label, number) if plain_label else label

    def wrap(self, fmk: bytes, random_bytes: RandomBytes) -> Recipient:
        """Return the record.

        Raises:
            InvalidInputError: the label is too long.
        """
        capsule, kek = self.make_capsule(random_bytes)
        return sealed_record(capsule, self.key_label, fmk, kek)

    def make_capsule(self, random_bytes: RandomBytes) -> tuple[ECCapsule | RSACapsule, bytes]:
        """Return a fresh KEK and the capsule that carries it to the owner of this key."""
        if isinstance(self._key, rsa.RSAPublicKey):
            kek = random_bytes(KEY_BYTES)
            return RSACapsule(public_key_bytes(self._key), self._key.encrypt(kek, _OAEP)), kek
        ephemeral = ec.generate_private_key(self._key.curve)
        curve, _ = _CURVES[self._key.curve.name]
        points = public_key_bytes(self._key), public_key_bytes(ephemeral.public_key())
        capsule = ECCapsule(curve, *points)
        return capsule, _ec_kek(ephemeral, self._key, capsule)


@dataclasses.dataclass(frozen=True, slots=True)
class PrivateKeyUnlocker:
    """Opens records for the public half of this key."""

    key: PrivateKey = dataclasses.field(repr=False)

    def candidates(self, recipients: Sequence[Recipient], limits: Limits) -> Sequence[Candidate]:
        """Pick the records that name this key.

        Raises:
            LimitExceededError: more than ``max_key_records`` do.
        """
        offer: Callable[[Recipient], Candidate | None]
        mine = public_key_bytes(self.key.public_key())
        if isinstance(self.key, rsa.RSAPrivateKey):
            offer = partial(_rsa_candidate, self.key, mine)
        else:
            offer = partial(_ec_candidate, self.key, mine)
        found = [candidate for recipient in recipients if (candidate := offer(recipient)) is not None]
        if len(found) > limits.max_key_records:
            raise LimitExceededError(
                "max_key_records", limits.max_key_records, f"{len(found)} records are for this one key"
            )
        return found


def _rsa_candidate(key: rsa.RSAPrivateKey, mine: bytes, recipient: Recipient) -> Candidate | None:
    capsule = recipient.capsule
    if not isinstance(capsule, RSACapsule) or capsule.recipient_public_key != mine:
        return None
    return Candidate(recipient, partial(_decrypt_kek, key, capsule.encrypted_kek))


def _ec_candidate(key: ec.EllipticCurvePrivateKey, mine: bytes, recipient: Recipient) -> Candidate | None:
    # The point alone decides: its length is checked against the record's curve when it is read.
    capsule = recipient.capsule
    if not isinstance(capsule, ECCapsule) or capsule.recipient_public_key != mine:
        return None
    return Candidate(recipient, partial(_agree_kek, key, capsule))


def _decrypt_kek(key: rsa.RSAPrivateKey, encrypted_kek: bytes) -> bytes:
    """Decrypt what is in an RSA record.

    Raises:
        DamagedContainerError: it names this key, but was not encrypted to it, or holds no KEK.
    """
    try:
        kek = key.decrypt(encrypted_kek, _OAEP)
    except ValueError as cause:
        raise DamagedContainerError("the record for this RSA key does not decrypt with it") from cause
    if len(kek) != KEY_BYTES:
        raise DamagedContainerError(f"the record holds a KEK of {len(kek)} bytes instead of {KEY_BYTES}")
    return kek


def _agree_kek(key: ec.EllipticCurvePrivateKey, capsule: ECCapsule) -> bytes:
    """Agree on the KEK with the sender's ephemeral key.

    Raises:
        DamagedContainerError: that key is not a point of the curve.
    """
    try:
        sender = ec.EllipticCurvePublicKey.from_encoded_point(key.curve, capsule.sender_public_key)
    except ValueError as cause:
        raise DamagedContainerError("the sender's key is not a point of its curve") from cause
    return _ec_kek(key, sender, capsule)


def _ec_kek(mine: ec.EllipticCurvePrivateKey, other: ec.EllipticCurvePublicKey, capsule: ECCapsule) -> bytes:
    shared_secret = mine.exchange(ec.ECDH(), other)
    return ec_kek(shared_secret, capsule.recipient_public_key, capsule.sender_public_key)


def _public_key_of(key: x509.Certificate | PublicKey) -> PublicKey:
    if not isinstance(key, x509.Certificate):
        return key
    try:
        found = key.public_key()
    except (ValueError, UnsupportedAlgorithm) as cause:
        raise InvalidInputError("the certificate's public key cannot be read") from cause
    if not isinstance(found, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise InvalidInputError("the certificate's public key is neither EC nor RSA")
    return found


def _require_usable(key: PublicKey) -> None:
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < MIN_RSA_BITS:
            raise InvalidInputError(
                f"an RSA key of {key.key_size} bits is too weak; {MIN_RSA_BITS} are needed"
            )
    elif key.curve.name not in _CURVES:
        raise InvalidInputError(
            f"the curve {key.curve.name} cannot be used in CDOC2, only {', '.join(_CURVES)}"
        )


def _public_key_label(key: PublicKey, file_name: str | None) -> str:
    """A label that differs from key to key, also for keys from files of the same name."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return key_label.for_public_key(label=digest.finalize().hex()[:_FINGERPRINT_DIGITS], file=file_name)


def _plain(label: str, number: int) -> str:
    """The bare name in a label of ours."""
    found = key_label.fields(label)
    name = next(found[name] for name in ("cn", "file", "label", "cert_sha1") if name in found)
    return name if number == 1 else f"{name} ({number})"
