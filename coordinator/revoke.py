# SPDX-License-Identifier: MIT
"""Taking shares back: what the sender's receipts are for, and how a failed distribution is undone."""

import asyncio
from collections.abc import Mapping, Sequence

from osak.coordinator.attempt import attempt, failure_outcome, may_pass, outcome_of
from osak.coordinator.errors import Refused, TransportError, UnknownServerError
from osak.coordinator.group import Group, Server, Timeouts
from osak.coordinator.outcome import Outcome, Status
from osak.coordinator.placement import Receipt
from osak.coordinator.transport.base import NodeTransport
from osak.coordinator.trust import resolve

_NOT_FOUND = 404


async def revoke(
    receipts: Sequence[Receipt],
    groups: Mapping[str, Group],
    transport: NodeTransport,
    *,
    timeouts: Timeouts,
) -> tuple[Outcome, ...]:
    """Revoke every share that a receipt stands for, all at once.

    Returns one outcome a receipt; never raises for a server's sake. A server that has no such share, as after
    an earlier revocation, answers a wrong token alike (GONE).
    """
    return tuple(
        await asyncio.gather(*(_resolve_and_revoke(one, groups, transport, timeouts) for one in receipts))
    )


async def revoke_one(
    receipt: Receipt, server: Server, transport: NodeTransport, timeouts: Timeouts
) -> Outcome:
    """Revoke one share at a known server; repeated when the server is briefly away."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    try:
        async with asyncio.timeout(timeouts.overall_seconds):
            await attempt(
                lambda: transport.revoke_share(server, receipt.share_id, receipt.revocation_token),
                repeat_if=may_pass,
            )
    except Refused as error:
        if error.problem.status != _NOT_FOUND:
            return failure_outcome(server, error, loop.time() - started)
        said = "has no such share (any more), or the receipt is not its sender's"
        return outcome_of(server, Status.GONE, said, loop.time() - started)
    except TransportError as error:
        return failure_outcome(server, error, loop.time() - started)
    except TimeoutError:
        return outcome_of(server, Status.SLOW, "did not answer in time", loop.time() - started)
    return outcome_of(server, Status.OK, "revoked the share", loop.time() - started)


async def _resolve_and_revoke(
    receipt: Receipt, groups: Mapping[str, Group], transport: NodeTransport, timeouts: Timeouts
) -> Outcome:
    try:
        server = resolve(receipt, groups)
    except UnknownServerError:
        detail = "is in no configured group; it was not contacted"
        return Outcome(receipt.server_id, "", Status.UNKNOWN, detail, 0.0)
    return await revoke_one(receipt, server, transport, timeouts)
