# SPDX-License-Identifier: MIT
"""What osak asks of a card, whoever made it: the Protocol, and the few values that go through it.

A token keeps private keys and uses them for whoever has its PIN. Implementations translate their own
errors: nothing but ``CardError`` leaves them. They never keep a PIN, and never send one twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

from cryptography import x509

from osak.client.identity.errors import PINError

UNBLOCK: Final = "unblock the PIN with the card's PUK first, with the card's own software"


class Tries(Enum):
    """How many wrong PINs a token still forgives; PKCS#11 has no number for it (2.40, 3.2: token flags)."""

    ALL = "all"
    FEWER = "fewer"  # a wrong PIN came since the last right one
    ONE = "one"
    NONE = "none"  # the PIN is locked


class WrongPINError(PINError):
    """The token did not take the PIN."""


@dataclass(frozen=True, slots=True)
class TokenCertificate:
    """A certificate on a token.

    Attributes:
        key_id: what its private key is called there.
        certificate: as read from the token; nothing of it was verified.
    """

    key_id: bytes
    certificate: x509.Certificate = field(repr=False)


class Token(Protocol):
    """One token in one slot; its methods raise ``CardError`` when the card or the reader fails."""

    @property
    def slot(self) -> int:
        """The slot's number."""
        ...

    @property
    def label(self) -> str:
        """The token's name, safe to show."""
        ...

    @property
    def has_pin_pad(self) -> bool:
        """Whether the PIN is typed on the reader and never comes here."""
        ...

    @property
    def has_pkcs1(self) -> bool:
        """Whether ``sign`` is there for its RSA keys; ``sign_pss`` may be the only way."""
        ...

    def tries(self) -> Tries:
        """How many wrong PINs it still forgives, as of now."""
        ...

    def certificates(self) -> Sequence[TokenCertificate]:
        """Every certificate of a key; readable without a PIN."""
        ...

    def log_in(self, pin: str | None) -> None:
        """Open the token's keys; ``None`` lets the person use the reader's pin pad.

        Raises:
            WrongPINError: the token did not take it; one try is gone.
            PINError: it takes none any more.
        """
        ...

    def agree(self, key_id: bytes, point: bytes) -> bytes:
        """ECDH with an uncompressed point of the key's curve: the x-coordinate, full field length."""
        ...

    def decrypt(self, key_id: bytes, ciphertext: bytes) -> bytes:
        """RSAES-OAEP with SHA-256 (RFC 8017, 7.1).

        Raises:
            ValueError: the ciphertext is not for this key.
        """
        ...

    def sign(self, key_id: bytes, data: bytes, *, rsa: bool) -> bytes:
        """Sign: for RSA the data, RSASSA-PKCS1-v1_5 with SHA-256; else a digest, ECDSA, ``r || s``."""
        ...

    def sign_pss(self, key_id: bytes, digest: bytes) -> bytes:
        """Sign a SHA-256 digest: RSASSA-PSS, MGF1 with SHA-256, a salt of 32 bytes (RFC 8017, 8.1)."""
        ...
