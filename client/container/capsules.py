# SPDX-License-Identifier: MIT
"""What a recipient record carries: one frozen value for each kind of capsule of CDOC2, and ours.

A capsule here is always one that this version can work with: its curve is known, its lengths are
right. What a reader cannot use becomes an ``UnknownCapsule`` that says why, so that one strange
record never closes the file for the other recipients. Nothing here is secret: all of it stands in
the open header. Bytes of the header are read in `header` and written in `header_builder`.
"""

import dataclasses
import enum
from typing import Final, TypeAlias

from osak.client.container.key_schedule import KEY_BYTES

COMMITMENT_BYTES: Final = 32
SHARE_SET_BYTES: Final = 16
MAX_SHARES: Final = 255


class CapsuleType(enum.IntEnum):
    """Members of the union ``Capsule``; 64 is our addition (docs/format.md)."""

    ECC_PUBLIC_KEY = 1
    RSA_PUBLIC_KEY = 2
    KEY_SERVER = 3
    SYMMETRIC_KEY = 4
    PBKDF2 = 5
    KEY_SHARES = 6
    THRESHOLD_SHARES = 64


class Curve(enum.IntEnum):
    """Elliptic curves by their number in a record; 2 and 3 were added by libcdoc."""

    P384 = 1
    P256 = 2
    P521 = 3

    @property
    def point_bytes(self) -> int:
        """Length of an uncompressed point (RFC 8446, 4.2.8.2)."""
        return {Curve.P256: 65, Curve.P384: 97, Curve.P521: 133}[self]


@dataclasses.dataclass(frozen=True, slots=True)
class ECCapsule:
    """A public key on a curve and the sender's ephemeral one, both as uncompressed points."""

    curve: Curve
    recipient_public_key: bytes
    sender_public_key: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class RSACapsule:
    """A public key (DER of PKCS#1 ``RSAPublicKey``) and the KEK encrypted to it by OAEP."""

    recipient_public_key: bytes
    encrypted_kek: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class KeyServerCapsule:
    """A capsule that a capsule server keeps for the owner of a key; ``curve`` is None for RSA."""

    curve: Curve | None
    recipient_public_key: bytes
    keyserver_id: str
    transaction_id: str


@dataclasses.dataclass(frozen=True, slots=True)
class SymmetricCapsule:
    """The salt that goes with a symmetric key."""

    salt: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class PasswordCapsule:
    """Both salts that go with a password, and the rounds of PBKDF2-HMAC-SHA256."""

    salt: bytes
    password_salt: bytes
    iterations: int


@dataclasses.dataclass(frozen=True, slots=True)
class KeyShare:
    """Where one share of an n-of-n scheme is kept."""

    server_base_url: str
    share_id: str


@dataclasses.dataclass(frozen=True, slots=True)
class KeySharesCapsule:
    """Shares that give the KEK when all of them are XORed (the official n-of-n scheme)."""

    shares: tuple[KeyShare, ...]
    salt: bytes
    recipient_id: str


@dataclasses.dataclass(frozen=True, slots=True)
class ThresholdShare:
    """Where one share of a t-of-n scheme is kept, and how to recognise it."""

    server_base_url: str
    share_id: str
    index: int
    commitment: bytes
    server_id: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class ThresholdSharesCapsule:
    """Shares any ``threshold`` of which give the KEK (Shamir over GF(2^8); docs/format.md).

    ``share_set`` names the set at every node; ``group`` is only a hint for the reader's YAML.
    """

    shares: tuple[ThresholdShare, ...]
    salt: bytes
    recipient_id: str
    threshold: int
    share_set: bytes
    group: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class UnknownCapsule:
    """A capsule that this version cannot use, by its number in the union, and why."""

    type_number: int
    reason: str


Capsule: TypeAlias = (
    ECCapsule
    | RSACapsule
    | KeyServerCapsule
    | SymmetricCapsule
    | PasswordCapsule
    | KeySharesCapsule
    | ThresholdSharesCapsule
    | UnknownCapsule
)


@dataclasses.dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient record of a header.

    ``fmk_encryption_method`` is 1 (XOR) in every record of today.
    """

    capsule: Capsule
    key_label: str
    encrypted_fmk: bytes
    fmk_encryption_method: int = 1

    @property
    def problem(self) -> str | None:
        """Why this record cannot be used, or None when it can."""
        if isinstance(self.capsule, UnknownCapsule):
            return self.capsule.reason
        if self.fmk_encryption_method != 1:
            return f"unknown FMK encryption method {self.fmk_encryption_method}"
        if len(self.encrypted_fmk) != KEY_BYTES:
            return f"its encrypted FMK has {len(self.encrypted_fmk)} bytes instead of {KEY_BYTES}"
        return None


def capsule_problem(capsule: Capsule) -> str | None:  # noqa: PLR0911 - one a kind
    """Why the values of a capsule make no sense, or None when they do. Works without secrets."""
    match capsule:
        case UnknownCapsule():
            return capsule.reason
        case ECCapsule(curve, recipient_key, sender_key):
            return _point_problem(curve, recipient_key) or _point_problem(curve, sender_key)
        case KeyServerCapsule(curve=Curve() as curve, recipient_public_key=recipient_key):
            return _point_problem(curve, recipient_key)
        case PasswordCapsule(iterations=iterations) if iterations < 1:
            return f"{iterations} rounds of PBKDF2 are impossible"
        case KeySharesCapsule(shares=()):
            return "it names no share"
        case ThresholdSharesCapsule():
            return _threshold_problem(capsule)
        case _:
            return None


def _point_problem(curve: Curve, point: bytes) -> str | None:
    if len(point) != curve.point_bytes or point[0] != 4:
        return "a public key is not an uncompressed point of its curve"
    return None


def _threshold_problem(capsule: ThresholdSharesCapsule) -> str | None:
    shares = capsule.shares
    indices = {share.index for share in shares}
    if not 2 <= capsule.threshold <= len(shares) <= MAX_SHARES:
        return f"a threshold of {capsule.threshold} of {len(shares)} is impossible"
    if len(indices) != len(shares) or min(indices) < 1 or max(indices) > MAX_SHARES:
        return "the indices of its shares are not distinct numbers from 1 to 255"
    if any(len(share.commitment) != COMMITMENT_BYTES for share in shares):
        return f"a commitment is not of {COMMITMENT_BYTES} bytes"
    if len(capsule.share_set) != SHARE_SET_BYTES:
        return f"its share set is not of {SHARE_SET_BYTES} bytes"
    return None
