# SPDX-License-Identifier: MIT
"""Opening a container: header, then keys, then payload; the caller holds the steps together.

The order is that of CDOC2, chapter 3: read the envelope, parse the header, find a record that fits,
get its KEK, decrypt the FMK, check the header HMAC, and only then touch the payload. Nothing is
derived for the payload before the HMAC is right. Streams are read forward only.
"""

import dataclasses
import hmac
from collections.abc import Callable, Collection
from typing import BinaryIO

from osak.client.container.capsules import Recipient
from osak.client.container.envelope import read_envelope
from osak.client.container.errors import ContainerError, NoRecipientError, WrongKeyError
from osak.client.container.header import parse_header
from osak.client.container.key_schedule import KEY_BYTES, content_key, header_hmac, payload_aad, xor
from osak.client.container.limits import Limits
from osak.client.container.recipients.base import Unlocker
from osak.client.container.sink import DiscardSink, Sink
from osak.client.container.unpack import ExtractedEntry
from osak.client.container.unpack import extract as extract_payload


@dataclasses.dataclass(frozen=True, slots=True)
class ContainerHeader:
    """The open part of a container. Nobody vouches for it before ``unlock`` returned.

    Attributes:
        recipients: every record, usable or not, in order.
        raw: the header exactly as stored.
        unverified_hmac: the HMAC as stored.
    """

    recipients: tuple[Recipient, ...]
    raw: bytes = dataclasses.field(repr=False)
    unverified_hmac: bytes = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class PayloadKeys:
    """What opens the payload: content key, and the header as the payload's tag covers it."""

    cek: bytes = dataclasses.field(repr=False)
    aad: bytes = dataclasses.field(repr=False)


def read_header(source: BinaryIO, limits: Limits | None = None) -> ContainerHeader:
    """Read the open part; the source then stands at the payload.

    Raises:
        DamagedContainerError: this is no CDOC2 container, or a damaged one.
        LimitExceededError: the header is larger than ``limits`` allow.
        UnsupportedError: another version, or another cipher for the payload.
    """
    limits = limits or Limits()
    envelope = read_envelope(source, limits)
    recipients = parse_header(envelope.header, limits)
    return ContainerHeader(recipients, envelope.header, envelope.unverified_hmac)


def unlock(header: ContainerHeader, unlocker: Unlocker, limits: Limits | None = None) -> PayloadKeys:
    """Get the keys of the payload from the first record that fits and opens.

    Raises:
        NoRecipientError: no usable record fits.
        WrongKeyError: records fit, but none opens: a wrong key, or the header was changed.
        DamagedContainerError: the only records that fit are damaged.
        LimitExceededError: they ask for more work than ``limits`` allow.
    """
    usable = [recipient for recipient in header.recipients if recipient.problem is None]
    candidates = unlocker.candidates(usable, limits or Limits())
    if not candidates:
        raise NoRecipientError(f"the key fits none of the container's recipients ({len(header.recipients)})")
    failure: ContainerError | None = None
    for candidate in candidates:
        try:
            kek = candidate.derive_kek()
        except ContainerError as error:
            failure = failure or error
            continue
        if is_right_kek(header, candidate.recipient, kek):
            fmk = xor(candidate.recipient.encrypted_fmk, kek)
            return PayloadKeys(content_key(fmk), payload_aad(header.raw, header.unverified_hmac))
    raise failure or WrongKeyError(
        "the key does not open the container: it is a wrong key, or the header was changed"
    )


def is_right_kek(header: ContainerHeader, recipient: Recipient, kek: bytes) -> bool:
    """Whether this KEK of this record leads to the header's HMAC; compared in constant time."""
    if recipient.problem is not None or len(kek) != KEY_BYTES:
        return False
    fmk = xor(recipient.encrypted_fmk, kek)
    return hmac.compare_digest(header_hmac(fmk, header.raw), header.unverified_hmac)


def extract(
    source: BinaryIO,
    keys: PayloadKeys,
    sink: Sink,
    limits: Limits | None = None,
    progress: Callable[[int], object] | None = None,
    *,
    only: Collection[str] | None = None,
) -> tuple[ExtractedEntry, ...]:
    """Decrypt and unpack the payload into the sink, all or nothing; see ``unpack.extract`` for errors."""
    return extract_payload(source, keys.cek, keys.aad, sink, limits or Limits(), only=only, progress=progress)


def list_entries(
    source: BinaryIO,
    keys: PayloadKeys,
    limits: Limits | None = None,
    progress: Callable[[int], object] | None = None,
) -> tuple[ExtractedEntry, ...]:
    """Names and sizes of all files, after the whole payload was checked; errors are those of ``extract``."""
    return extract(source, keys, DiscardSink(), limits, progress)
