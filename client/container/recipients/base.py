# SPDX-License-Identifier: MIT
"""What every kind of recipient does: wrap the FMK for somebody, or find records and get their KEK.

Two Protocols of one method. A writer makes one record. An unlocker looks through the usable records
and offers candidates; whether a KEK is right is decided by the header HMAC alone, in `reader`, so
several records may fit and each gets its try.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from osak.client.container.capsules import Capsule, Recipient
from osak.client.container.errors import InvalidInputError
from osak.client.container.key_label import MAX_LABEL_BYTES, is_machine_readable
from osak.client.container.key_schedule import KEY_BYTES, xor
from osak.client.container.limits import Limits

RandomBytes: TypeAlias = Callable[[int], bytes]
"""Gives this many fresh random bytes; ``secrets.token_bytes`` outside of tests."""


class RecipientWriter(Protocol):
    """Somebody to encrypt for."""

    def wrap(self, fmk: bytes, random_bytes: RandomBytes) -> Recipient:
        """Return a record that gives this recipient the FMK.

        Raises:
            InvalidInputError: a label that cannot be written.
        """


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """A record that fits, and the work that gives its KEK.

    ``derive_kek`` raises ``ContainerError`` when this record does not open or is damaged.
    """

    recipient: Recipient
    derive_kek: Callable[[], bytes] = dataclasses.field(repr=False)


class Unlocker(Protocol):
    """A key, password or secret that opens containers."""

    def candidates(self, recipients: Sequence[Recipient], limits: Limits) -> Sequence[Candidate]:
        """Pick the records that fit, best first; none if there are none. Cheap: no KEK is derived yet.

        Args:
            recipients: the usable records of one header.
            limits: how much work a record may ask for.

        Raises:
            LimitExceededError: records fit, but ask for too much work.
        """


def sealed_record(capsule: Capsule, key_label: str, fmk: bytes, kek: bytes) -> Recipient:
    """Return the record of this capsule with the FMK encrypted under its KEK.

    Raises:
        InvalidInputError: the label is empty, too long or no Unicode text, or the KEK is not of 32 bytes.
    """
    if len(kek) != KEY_BYTES:
        raise InvalidInputError(f"a KEK has {KEY_BYTES} bytes, not {len(kek)}")
    require_label(key_label)
    return Recipient(capsule, key_label, xor(fmk, kek))


def require_label(label: str, *, plain: bool = False) -> None:
    """Check what somebody wants as a label.

    Args:
        label: the text.
        plain: whether it is to be stored as it is.

    Raises:
        InvalidInputError: it is empty, too long or no Unicode text; or it is to be plain and would be
            taken for a machine-readable one.
    """
    if plain and is_machine_readable(label):
        raise InvalidInputError("a plain key label must not begin with data:")
    try:
        label_bytes = len(label.encode())
    except UnicodeEncodeError as cause:
        raise InvalidInputError("a key label must be Unicode text") from cause
    if not 1 <= label_bytes <= MAX_LABEL_BYTES:
        raise InvalidInputError(f"a key label must have 1 to {MAX_LABEL_BYTES} bytes, not {label_bytes}")
