# SPDX-License-Identifier: MIT
"""What can go wrong with a card, a phone or an app, drawn as one tree.

IdentityError                  a ``CredentialError``: what a recipient proves identity with failed
├── CardError                  the card or its reader cannot do what is needed
│   ├── NoCardError            no card, none that fits, or several
│   └── PINError               the PIN was wrong, was not sent, or is locked
├── RefusedSignatureError      the eID service ended without a signature; says why
├── BadSignatureError          the eID service answered with a signature or certificate not to be believed
└── IdentityServiceError       the eID service cannot be reached or trusted, or does not answer as it should

No text ever carries a PIN.
"""

from osak.coordinator.errors import CredentialError


class IdentityError(CredentialError):
    """Base of every error of the means that a person has in hand.

    Attributes:
        hint: what the person can do next; empty when the text says it.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.hint = hint
        super().__init__(message)


class CardError(IdentityError):
    """The card or its reader cannot do what is needed."""


class NoCardError(CardError):
    """There is no card, none with a certificate that fits, or several."""


class PINError(CardError):
    """The PIN was wrong, was not sent to the card on purpose, or is locked."""


class RefusedSignatureError(IdentityError):
    """The eID service ended without a signature.

    Attributes:
        reason: why, as a short stable name for programs.
    """

    def __init__(self, message: str, reason: str, *, hint: str = "") -> None:
        self.reason = reason
        super().__init__(message, hint=hint)


class BadSignatureError(IdentityError):
    """The eID service answered with a signature or certificate that is not to be believed."""


class IdentityServiceError(IdentityError):
    """The eID service cannot be reached or trusted, or does not answer as it should."""
