# SPDX-License-Identifier: MIT
"""Looking after a group: is every server there, trusted, and who the configuration says?"""

from dataclasses import dataclass

from osak.coordinator.group import Group, Server, Timeouts
from osak.coordinator.outcome import Outcome
from osak.coordinator.transport.base import NodeTransport
from osak.shares.protocol.messages import NodeIdentity


@dataclass(frozen=True, slots=True)
class NodeCheck:
    """One server, looked at.

    Attributes:
        server: as configured.
        identity: what it says of itself; None when it did not answer or tells nothing.
        outcome: status OK when it may be used.
    """

    server: Server
    identity: NodeIdentity | None
    outcome: Outcome


async def check_group(group: Group, transport: NodeTransport, *, timeouts: Timeouts) -> tuple[NodeCheck, ...]:
    """Ask all servers of a group at once who they are; never raises for a server's sake."""
    raise NotImplementedError
