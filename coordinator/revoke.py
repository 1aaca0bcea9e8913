# SPDX-License-Identifier: MIT
"""Taking shares back."""

from collections.abc import Mapping, Sequence

from osak.coordinator.group import Group, Timeouts
from osak.coordinator.outcome import Outcome
from osak.coordinator.placement import Receipt
from osak.coordinator.transport.base import NodeTransport


async def revoke(
    receipts: Sequence[Receipt],
    groups: Mapping[str, Group],
    transport: NodeTransport,
    *,
    timeouts: Timeouts,
) -> tuple[Outcome, ...]:
    """Revoke every share that a receipt stands for; one outcome a receipt, never raises for a server."""
    raise NotImplementedError
