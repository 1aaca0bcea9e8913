# SPDX-License-Identifier: MIT
"""Splitting a KEK and handing one share to each of n servers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from osak.coordinator.group import Group, Timeouts
from osak.coordinator.outcome import Outcome
from osak.coordinator.placement import Placement, Receipt, Scheme
from osak.coordinator.transport.base import NodeTransport


@dataclass(frozen=True, slots=True)
class Distribution:
    """Where the shares of one KEK lie now: what the container must record.

    Attributes:
        placements: one for each server that took its share, in index order.
        share_set: 16 random bytes that name the set at every server; empty for n-of-n.
        threshold: how many of the placements open the container; all of them for n-of-n.
        salt: the key of the commitments, as given.
        receipts: what revokes the shares again, one a placement.
        outcomes: one a server of the group, in its order.
    """

    placements: tuple[Placement, ...]
    share_set: bytes
    threshold: int
    salt: bytes
    receipts: tuple[Receipt, ...] = field(repr=False)
    outcomes: tuple[Outcome, ...]


async def distribute(
    kek: bytes,
    group: Group,
    recipient_id: str,
    transport: NodeTransport,
    *,
    scheme: Scheme,
    salt: bytes,
    expires_at: datetime | None,
    random_bytes: Callable[[int], bytes],
    timeouts: Timeouts,
) -> Distribution:
    """Split ``kek`` and store one share at each server of ``group``.

    Raises:
        DistributionError: fewer servers than the write quorum took their share.
    """
    raise NotImplementedError
