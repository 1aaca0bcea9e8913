# SPDX-License-Identifier: MIT
"""A recipient whose KEK is kept elsewhere: in shares on servers, or wherever the caller got it.

Knows nothing of shares; whoever distributes and collects them passes the whole KEK in.
"""

import dataclasses
from collections.abc import Sequence

from osak.client.container.capsules import Capsule, Recipient
from osak.client.container.limits import Limits
from osak.client.container.recipients.base import Candidate, RandomBytes, sealed_record


@dataclasses.dataclass(frozen=True, slots=True)
class KekRecipient:
    """A record with a given capsule for a given KEK, which must be used for this record only."""

    capsule: Capsule
    key_label: str
    kek: bytes = dataclasses.field(repr=False)

    def wrap(self, fmk: bytes, random_bytes: RandomBytes) -> Recipient:  # noqa: ARG002 - the KEK is there
        """Return the record.

        Raises:
            InvalidInputError: the label cannot be written, or the KEK is not of 32 bytes.
        """
        return sealed_record(self.capsule, self.key_label, fmk, self.kek)


@dataclasses.dataclass(frozen=True, slots=True)
class KekUnlocker:
    """Opens one record with its KEK."""

    recipient: Recipient
    kek: bytes = dataclasses.field(repr=False)

    def candidates(self, recipients: Sequence[Recipient], limits: Limits) -> Sequence[Candidate]:  # noqa: ARG002 - no work to limit
        """Offer the one record, if the header has it."""
        return [Candidate(self.recipient, lambda: self.kek)] if self.recipient in recipients else []
