# SPDX-License-Identifier: MIT
"""A recipient who knows a password (CDOC2, SC06): PBKDF2, then the derivation of a symmetric key.

Which passwords are accepted and what bytes they become stands in `password_rules`. The rounds are
always 600,000 when written, since the official Java client assumes that; when read they are the
container's, so they are limited before any work is done.
"""

import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import Final

from osak.client.container import key_label
from osak.client.container.capsules import PasswordCapsule, Recipient
from osak.client.container.errors import LimitExceededError
from osak.client.container.key_schedule import password_secret, symmetric_kek
from osak.client.container.limits import Limits
from osak.client.container.recipients.base import Candidate, RandomBytes, require_label, sealed_record
from osak.client.container.recipients.password_rules import readable_spellings, written_bytes

ITERATIONS: Final = 600_000

_SALT_BYTES: Final = 32


@dataclasses.dataclass(frozen=True, slots=True)
class PasswordRecipient:
    """Somebody who knows the password of this label."""

    label: str
    password: str = dataclasses.field(repr=False)
    plain_label: bool = False

    def __post_init__(self) -> None:
        """Check early.

        Raises:
            InvalidInputError: the password breaks a rule, or the label cannot be written.
        """
        written_bytes(self.password)
        require_label(self.label, plain=self.plain_label)

    def wrap(self, fmk: bytes, random_bytes: RandomBytes) -> Recipient:
        """Return the record. Takes a good part of a second, on purpose.

        Raises:
            InvalidInputError: the label becomes too long.
        """
        salt, password_salt = random_bytes(_SALT_BYTES), random_bytes(_SALT_BYTES)
        capsule = PasswordCapsule(salt, password_salt, ITERATIONS)
        stored = self.label if self.plain_label else key_label.for_password(self.label)
        return sealed_record(capsule, stored, fmk, _kek(written_bytes(self.password), capsule, stored))


@dataclasses.dataclass(frozen=True, slots=True)
class PasswordUnlocker:
    """Opens records for a password; with a label, only those of this label."""

    password: str = dataclasses.field(repr=False)
    label: str | None = None

    def candidates(self, recipients: Sequence[Recipient], limits: Limits) -> Sequence[Candidate]:
        """Pick the password records whose work is within ``max_pbkdf2_iterations``, alone and together.

        Raises:
            LimitExceededError: every record is beyond it, or all together are.
        """
        allowed = limits.max_pbkdf2_iterations
        fitting = [
            (recipient, capsule)
            for recipient in recipients
            if isinstance(capsule := recipient.capsule, PasswordCapsule)
            and (self.label is None or key_label.matches(recipient.key_label, self.label))
        ]
        within = [(recipient, capsule) for recipient, capsule in fitting if capsule.iterations <= allowed]
        if fitting and not within:
            least = min(capsule.iterations for _, capsule in fitting)
            raise LimitExceededError(
                "max_pbkdf2_iterations", allowed, f"the password record asks for {least} rounds of PBKDF2"
            )
        spellings = readable_spellings(self.password)
        total = sum(capsule.iterations for _, capsule in within) * len(spellings)
        if total > allowed:
            raise LimitExceededError(
                "max_pbkdf2_iterations",
                allowed,
                f"{len(within)} password records ask for {total} rounds of PBKDF2 together",
            )
        return [
            Candidate(recipient, partial(_kek, password, capsule, recipient.key_label))
            for password in spellings
            for recipient, capsule in within
        ]


def _kek(password: bytes, capsule: PasswordCapsule, stored_label: str) -> bytes:
    secret = password_secret(password, capsule.password_salt, capsule.iterations)
    return symmetric_kek(secret, capsule.salt, stored_label)
