# SPDX-License-Identifier: MIT
"""Gathering shares until they open the container."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from osak.coordinator.auth.base import Credential
from osak.coordinator.group import Server, Timeouts
from osak.coordinator.outcome import Outcome
from osak.coordinator.placement import Placement, Scheme
from osak.coordinator.progress import Progress
from osak.coordinator.transport.base import NodeTransport


@dataclass(frozen=True, slots=True)
class Collected:
    """A KEK that opens its container, and how it went with each server.

    Attributes:
        kek: 32 bytes, accepted by the caller's check.
        outcomes: one a placement, in the container's order.
    """

    kek: bytes = field(repr=False)
    outcomes: tuple[Outcome, ...]


async def collect(
    placements: Sequence[Placement],
    servers: Mapping[Placement, Server],
    needed: int,
    credential: Credential,
    transport: NodeTransport,
    *,
    scheme: Scheme,
    salt: bytes,
    is_secret: Callable[[bytes], bool],
    timeouts: Timeouts,
    on_progress: Callable[[Progress], None] | None = None,
) -> Collected:
    """Fetch ``needed`` shares with one signature and put the KEK together.

    Raises:
        NotEnoughSharesError: fewer than ``needed`` good shares; one outcome a placement.
        UnknownServerError: fewer than ``needed`` placements are at trusted servers.
        InvalidPlacementError: the placements cannot belong to one sharing.
        CredentialError: signing was refused or failed.
    """
    raise NotImplementedError
