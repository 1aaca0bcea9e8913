# SPDX-License-Identifier: MIT
"""A recipient who shares a secret key with the sender (CDOC2, SC05).

The secret is random, 32 bytes or more (exactly 32 where libcdoc shall read it). The whole stored
label goes into the derivation, so a record opens only with the label unchanged.
"""

import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import Final

from osak.client.container import key_label
from osak.client.container.capsules import Recipient, SymmetricCapsule
from osak.client.container.errors import InvalidInputError
from osak.client.container.key_schedule import symmetric_kek
from osak.client.container.limits import Limits
from osak.client.container.recipients.base import Candidate, RandomBytes, require_label, sealed_record

MIN_SECRET_BYTES: Final = 32

_SALT_BYTES: Final = 32


@dataclasses.dataclass(frozen=True, slots=True)
class SymmetricRecipient:
    """Somebody who has the secret of this label."""

    label: str
    secret: bytes = dataclasses.field(repr=False)
    plain_label: bool = False

    def __post_init__(self) -> None:
        """Check early.

        Raises:
            InvalidInputError: the secret is too short, or the label cannot be written.
        """
        if len(self.secret) < MIN_SECRET_BYTES:
            raise InvalidInputError(f"a symmetric key must have at least {MIN_SECRET_BYTES} bytes")
        require_label(self.label, plain=self.plain_label)

    def wrap(self, fmk: bytes, random_bytes: RandomBytes) -> Recipient:
        """Return the record.

        Raises:
            InvalidInputError: the label becomes too long.
        """
        salt = random_bytes(_SALT_BYTES)
        stored = self.label if self.plain_label else key_label.for_secret(self.label)
        return sealed_record(SymmetricCapsule(salt), stored, fmk, symmetric_kek(self.secret, salt, stored))


@dataclasses.dataclass(frozen=True, slots=True)
class SymmetricUnlocker:
    """Opens records for a symmetric key; with a label, only those of this label."""

    secret: bytes = dataclasses.field(repr=False)
    label: str | None = None

    def candidates(self, recipients: Sequence[Recipient], limits: Limits) -> Sequence[Candidate]:  # noqa: ARG002 - cheap work
        """Pick the records for symmetric keys."""
        return [
            Candidate(recipient, partial(symmetric_kek, self.secret, capsule.salt, recipient.key_label))
            for recipient in recipients
            if isinstance(capsule := recipient.capsule, SymmetricCapsule)
            and (self.label is None or key_label.matches(recipient.key_label, self.label))
        ]
