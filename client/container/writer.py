# SPDX-License-Identifier: MIT
"""Writing a container: one FMK, a record for every recipient, then the payload in one pass.

Nothing is written before all records are made, so a recipient that cannot be served leaves no trace.
Once the payload has begun, an error leaves an unfinished file without a tag; making it disappear is
the caller's part. The output need not be seekable.
"""

import dataclasses
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import BinaryIO, Final, Self

from osak.client.container.aead import NONCE_BYTES
from osak.client.container.archive import ArchiveWriter, Entry, write_archive
from osak.client.container.capsules import Recipient
from osak.client.container.compression import Compression
from osak.client.container.envelope import envelope_bytes
from osak.client.container.errors import InvalidInputError
from osak.client.container.header_builder import build_header
from osak.client.container.key_schedule import content_key, file_master_key, header_hmac, payload_aad
from osak.client.container.limits import Limits
from osak.client.container.payload import PayloadWriter
from osak.client.container.recipients.base import RandomBytes, RecipientWriter
from osak.client.container.sink import SinkFile

_FMK_RANDOM_BYTES: Final = 32


@dataclasses.dataclass(frozen=True, slots=True)
class ContainerSummary:
    """What was written.

    Attributes:
        recipients: the records, in order.
        header_bytes: length of the header.
        exceeds_java_ratio: whether the official Java client will refuse it (see `ratio_watch`).
    """

    recipients: tuple[Recipient, ...]
    header_bytes: int
    exceeds_java_ratio: bool = False


class ContainerWriter:
    """A container whose header is written and whose files follow, one after another.

    It is a ``Sink``, so that what comes out of one container can go straight into another: ``open``
    packs a file, ``commit`` writes the end and the tag. Use it in a ``with`` block, so that the worker
    is gone whatever happens.

    Attributes:
        summary: what was written so far.
    """

    def __init__(
        self,
        out: BinaryIO,
        recipients: Sequence[RecipientWriter],
        *,
        random_bytes: RandomBytes = secrets.token_bytes,
        limits: Limits | None = None,
        compression: Compression = Compression.FAST,
    ) -> None:
        """Make all records and write everything before the payload.

        Args:
            out: where it goes.
            recipients: who can open it; at least one.
            random_bytes: source of the FMK, salts and nonce.
            limits: what readers accept.
            compression: how hard to pack.

        Raises:
            InvalidInputError: recipients that cannot go into a container, or that readers would refuse.
        """
        limits = limits or Limits()
        fmk = file_master_key(random_bytes(_FMK_RANDOM_BYTES))
        records = _records(recipients, fmk, random_bytes, limits)
        header = build_header(records)
        hmac = header_hmac(fmk, header)
        self.summary = ContainerSummary(records, len(header))
        out.write(envelope_bytes(header, hmac, limits))
        nonce, aad = random_bytes(NONCE_BYTES), payload_aad(header, hmac)
        self._payload = PayloadWriter(
            out, content_key(fmk), nonce, aad, compression=compression, limits=limits
        )
        self._archive = ArchiveWriter(self._payload.write, limits)
        self._limits = limits

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._payload.__exit__(kind, error, trace)

    def open(self, name: str, size: int) -> SinkFile:
        """Begin a file.

        Raises:
            InvalidInputError: its name or size cannot go into a container.
        """
        return self._archive.open(name, size)

    def commit(self) -> None:
        """End the archive and write the tag; the container is whole now.

        Raises:
            InvalidInputError: no file was given, or the last is not complete.
        """
        self._archive.finish()
        self._finish(self._archive.contents)

    def discard(self) -> None:
        """Do nothing: without its tag the output is no container."""

    def write_all(self, entries: Iterable[Entry], progress: Callable[[int], object] | None = None) -> None:
        """Pack these files, checked all before the first, and ``commit``.

        Raises:
            InvalidInputError: files that cannot go into a container, or that change meanwhile.
        """
        self._finish(write_archive(self._payload.write, entries, self._limits, progress))

    def _finish(self, contents: Sequence[tuple[int, int]]) -> None:
        self._payload.finish()
        self.summary = dataclasses.replace(
            self.summary, exceeds_java_ratio=self._payload.exceeds_java_ratio(contents)
        )


def write_container(
    out: BinaryIO,
    entries: Iterable[Entry],
    recipients: Sequence[RecipientWriter],
    *,
    random_bytes: RandomBytes = secrets.token_bytes,
    limits: Limits | None = None,
    compression: Compression = Compression.FAST,
    progress: Callable[[int], object] | None = None,
) -> ContainerSummary:
    """Write a whole container.

    Args:
        out: where it goes.
        entries: the files; at least one.
        recipients: who can open it; at least one.
        random_bytes: source of the FMK, salts and nonce.
        limits: what readers accept.
        compression: how hard to pack.
        progress: told of each number of content bytes as they are packed.

    Raises:
        InvalidInputError: something that cannot go into a container, or that readers would refuse.
    """
    with ContainerWriter(
        out, recipients, random_bytes=random_bytes, limits=limits, compression=compression
    ) as container:
        container.write_all(entries, progress)
    return container.summary


def _records(
    recipients: Sequence[RecipientWriter], fmk: bytes, random_bytes: RandomBytes, limits: Limits
) -> tuple[Recipient, ...]:
    if not recipients:
        raise InvalidInputError("a container needs at least one recipient")
    if len(recipients) > limits.max_recipients:
        raise InvalidInputError(f"{len(recipients)} recipients are more than {limits.max_recipients}")
    records = tuple(recipient.wrap(fmk, random_bytes) for recipient in recipients)
    # Labels must differ within one container (CDOC2, chapter 3): readers choose records by them.
    label, count = Counter(record.key_label for record in records).most_common(1)[0]
    if count > 1:
        raise InvalidInputError(f"two recipients have the same label: {label}")
    return records
