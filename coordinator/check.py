# SPDX-License-Identifier: MIT
"""Looking after a group: is every server there, trusted, and who the configuration says?

Nothing is stored or fetched. An official shares server tells no identity; that it answered over a
verified connection is then all there is to know.
"""

import asyncio
from dataclasses import dataclass

from osak.coordinator.attempt import attempt, failure_outcome, may_pass, outcome_of
from osak.coordinator.errors import Refused, TransportError
from osak.coordinator.group import Group, Server, Timeouts
from osak.coordinator.outcome import Outcome, Status
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
    return tuple(await asyncio.gather(*(_check(server, transport, timeouts) for server in group.servers)))


async def _check(server: Server, transport: NodeTransport, timeouts: Timeouts) -> NodeCheck:
    loop = asyncio.get_running_loop()
    started = loop.time()
    try:
        async with asyncio.timeout(timeouts.overall_seconds):
            identity = await attempt(lambda: transport.read_identity(server), repeat_if=may_pass)
    except TimeoutError:
        return NodeCheck(
            server, None, outcome_of(server, Status.SLOW, "did not answer in time", loop.time() - started)
        )
    except TransportError as error:
        elapsed = loop.time() - started
        if isinstance(error, Refused) and error.problem.status == 404:
            return NodeCheck(
                server, None, outcome_of(server, Status.OK, "answered, but tells no identity", elapsed)
            )
        return NodeCheck(server, None, failure_outcome(server, error, elapsed))
    return NodeCheck(server, identity, _judge(server, identity, loop.time() - started))


def _judge(server: Server, identity: NodeIdentity, elapsed_seconds: float) -> Outcome:
    """A server at the right place with the wrong name: a configuration mistake, found before it hurts."""
    if identity.id != server.id:
        detail = f"answered, but calls itself {identity.id}: correct its id in the configuration"
        return outcome_of(server, Status.BAD_REPLY, detail, elapsed_seconds)
    detail = f"answered in {elapsed_seconds * 1000:.0f} ms (version {identity.version})"
    return outcome_of(server, Status.OK, detail, elapsed_seconds)
