# SPDX-License-Identifier: MIT
"""What each recipient will get, and why: the sender's decision, before anything is stored or written.

Values that explain themselves. ``person_plan`` makes them for people, ``key_plan`` for everybody else;
``recipient_writers`` makes of them what writes records.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from osak.client.shared_secrets import Password, Secret

if TYPE_CHECKING:
    from cryptography import x509

    from osak.client.directory.means import Found
    from osak.client.identity.files import PublicKey
    from osak.client.share_targets import ShareTarget

Scheme: TypeAlias = Literal["SC01", "SC02", "SC03", "SC04", "SC05", "SC06", "SC07", "t-of-n"]
"""As CDOC2 counts them; ``t-of-n`` is osak's."""
Lookup: TypeAlias = Literal["asked", "no-directory", "not-asked"]


@dataclass(frozen=True, slots=True)
class KeySource:
    """The owner of a key, read.

    Attributes:
        key: the certificate or bare key.
        file_name: where it came from, for the label.
        server: the id of the capsule server that shall keep the capsule.
        number: which of one person's cards it is for, if the directory had it; None if the sender named it.
    """

    key: "x509.Certificate | PublicKey" = field(repr=False)
    file_name: str | None = None
    server: str | None = None
    number: int | None = None


Source: TypeAlias = "KeySource | ShareTarget | Password | Secret"


@dataclass(frozen=True, slots=True)
class PlannedRecord:
    """One record of the container to be.

    Attributes:
        scheme: how the key to the file is protected.
        opens_with: what opens it, such as ``ID-card``.
        where: where what is needed for that lies, as the end of a sentence.
        why: why this record is made.
        server: the id of the capsule server, if it takes one.
        group: the group's name, if it takes one.
        needed: how many servers of the group open it.
        servers: how many there are.
        doubt: that nobody could tell whether its certificate was revoked, and why; None if somebody could, or
            nobody was asked.
    """

    scheme: Scheme
    opens_with: str
    where: str
    why: str
    source: Source = field(repr=False, compare=False)
    server: str | None = None
    group: str | None = None
    needed: int | None = None
    servers: int | None = None
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedRecipient:
    """Somebody who shall be able to open the container.

    Attributes:
        who: a recipient id, or what describes a key, password or secret; safe to print.
        records: what they get; each opens the container alone.
        lookup: whether the directory was asked; None for whoever is not known by code.
        found: what it has of them.
    """

    who: str
    records: tuple[PlannedRecord, ...]
    lookup: Lookup | None = None
    found: "Found | None" = None
