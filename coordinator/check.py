# SPDX-License-Identifier: MIT
"""Looking after a group: is every server there, trusted, and who the configuration says?

Nothing is stored or fetched. An official shares server tells no identity: it guards every path that it
does not know (401), and a proxy before it may hide them (404). Such a server is asked for a nonce of a
share that nobody has, and must know of none. Where all of that was 404 any web server would have said
the same, so one more question tells them apart: for an id that cannot be a share's, the share API answers
that the request is malformed (400).
"""

import asyncio
import secrets
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from osak.coordinator.attempt import attempt, failure_outcome, may_pass, outcome_of
from osak.coordinator.errors import BadReply, Refused, TransportError
from osak.coordinator.group import Group, Server, Timeouts
from osak.coordinator.outcome import Outcome, Status
from osak.coordinator.transport.base import NodeTransport
from osak.shares.protocol.messages import NodeIdentity

_NO_IDENTITY: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
_IMPOSSIBLE_ID: Final = "no-share-id"


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
            identity = await _identity(server, transport)
    except TimeoutError:
        return NodeCheck(
            server, None, outcome_of(server, Status.SLOW, "did not answer in time", loop.time() - started)
        )
    except TransportError as error:
        return NodeCheck(server, None, failure_outcome(server, error, loop.time() - started))
    return NodeCheck(server, identity, _judge(server, identity, loop.time() - started))


async def _identity(server: Server, transport: NodeTransport) -> NodeIdentity | None:
    """What the server says of itself, or None from one that keeps shares and does not say.

    Raises:
        TransportError: it cannot be used.
    """
    try:
        return await attempt(lambda: transport.read_identity(server), repeat_if=may_pass)
    except Refused as error:
        identity_status = error.problem.status
        if identity_status not in _NO_IDENTITY:
            raise
    await _expect_refusal(server, transport, secrets.token_hex(16), HTTPStatus.NOT_FOUND)
    if identity_status == HTTPStatus.NOT_FOUND:
        try:
            await _expect_refusal(server, transport, _IMPOSSIBLE_ID, HTTPStatus.BAD_REQUEST)
        except Refused as error:
            raise BadReply("answered, but nothing shows that it is a share server") from error
    return None


async def _expect_refusal(
    server: Server, transport: NodeTransport, share_id: str, status: HTTPStatus
) -> None:
    """Ask for a nonce of a share that cannot be there.

    Raises:
        BadReply: it was issued.
        TransportError: it was refused in another way than with ``status``, or there was no answer.
    """
    try:
        await attempt(lambda: transport.request_nonce(server, share_id), repeat_if=may_pass)
    except Refused as error:
        if error.problem.status != status:
            raise
    else:
        raise BadReply("issued a nonce for a share that nobody has")


def _judge(server: Server, identity: NodeIdentity | None, elapsed_seconds: float) -> Outcome:
    """A server with another name or URL than it gives itself: a mistake, found before files stay shut."""
    if identity is None:
        detail = "answered as a share server, but tells no identity"
        return outcome_of(server, Status.OK, detail, elapsed_seconds)
    if identity.id != server.id:
        detail = f"answered, but calls itself {identity.id}: correct its id in the configuration"
        return outcome_of(server, Status.BAD_REPLY, detail, elapsed_seconds)
    if identity.url not in (None, server.url):
        detail = f"answered, but takes tickets for {identity.url} alone: correct its URL in the configuration"
        return outcome_of(server, Status.BAD_REPLY, detail, elapsed_seconds)
    detail = f"answered in {elapsed_seconds * 1000:.0f} ms (version {identity.version})"
    return outcome_of(server, Status.OK, detail, elapsed_seconds)
