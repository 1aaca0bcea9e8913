# SPDX-License-Identifier: MIT
"""What lies at servers for a container that is being written, and the records that lead to it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from osak.client.capsule_server.receipt import UploadedCapsule
    from osak.client.container import KekRecipient
    from osak.coordinator import Outcome, Receipt


@dataclass(frozen=True, slots=True)
class Stored:
    """What lies at servers now.

    Attributes:
        records: what leads there, for the container's header.
        outcomes: one a share server, for every target in turn.
        capsules: what capsule servers took.
        receipts: what takes the shares back.
    """

    records: "tuple[KekRecipient, ...]" = ()
    outcomes: "tuple[Outcome, ...]" = ()
    capsules: "tuple[UploadedCapsule, ...]" = ()
    receipts: "tuple[Receipt, ...]" = field(default=(), repr=False)
