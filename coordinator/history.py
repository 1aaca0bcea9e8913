# SPDX-License-Identifier: MIT
"""Asking every server how often it gave a person's share out: did anybody open this before me?

Nonces from all at once, one signature for those that answered, then all are asked at once. A ticket that asks
is good for nothing else. Each server is a witness, and may lie; what they say together is for the caller to
judge. No call is repeated after it may have arrived, and everything ends with the overall deadline.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from osak.coordinator.attempt import attempt, failure_outcome, may_pass, outcome_of, was_never_sent
from osak.coordinator.auth.base import Credential, TicketSignature
from osak.coordinator.errors import NoAnswerError, TransportError, UnknownServerError
from osak.coordinator.group import MAX_TICKET_AUDIENCES, Server, Timeouts
from osak.coordinator.outcome import Outcome, Status
from osak.coordinator.placement import Placement
from osak.coordinator.transport.base import NodeTransport
from osak.coordinator.trust import describe_placement, outcome_of_unknown
from osak.shares.protocol.messages import ReleasesReply
from osak.shares.protocol.ticket import TicketDraft, draft_ticket
from osak.shares.protocol.urls import Audience, Purpose


@dataclass(frozen=True, slots=True)
class Testimony:
    """What one server says.

    Attributes:
        outcome: how it went; OK when it answered.
        releases: its answer; None when there is none.
    """

    outcome: Outcome
    releases: ReleasesReply | None = None


async def ask_releases(
    placements: Sequence[Placement],
    servers: Mapping[Placement, Server],
    credential: Credential,
    transport: NodeTransport,
    *,
    timeouts: Timeouts,
) -> tuple[Testimony, ...]:
    """Ask the servers of one sharing; one testimony a placement, in the container's order.

    Args:
        placements: as the container names them.
        servers: the trusted server of each placement; those without one are not contacted.
        credential: signs, once.
        transport: how calls reach servers.
        timeouts: how long to wait.

    Raises:
        UnknownServerError: no placement is at a trusted server.
        NoAnswerError: no server answered.
        CredentialError: signing was refused or failed.
    """
    if not servers:
        raise UnknownServerError([describe_placement(placement) for placement in placements])
    known = [placement for placement in placements if placement in servers]
    witnesses = [_Witness(placement, servers[placement], transport) for placement in known]
    await _all((witness.ask_nonce() for witness in witnesses), timeouts)
    ready = [witness for witness in witnesses if witness.nonce][:MAX_TICKET_AUDIENCES]
    if ready:
        audiences = [witness.audience for witness in ready]
        draft = draft_ticket(credential.recipient_id, credential.algorithm, audiences)
        signature = await credential.sign(draft.signing_input)
        calls = (witness.ask(draft, signature, position) for position, witness in enumerate(ready))
        await _all(calls, timeouts)
    said = dict(zip(known, (witness.testimony() for witness in witnesses), strict=True))
    found = tuple(said.get(placement) or Testimony(outcome_of_unknown(placement)) for placement in placements)
    if not any(testimony.releases for testimony in found):
        raise NoAnswerError([testimony.outcome for testimony in found])
    return found


class _Witness:
    """A placement at a trusted server."""

    def __init__(self, placement: Placement, server: Server, transport: NodeTransport) -> None:
        self._placement = placement
        self._server = server
        self._transport = transport
        self._started = asyncio.get_running_loop().time()
        self._outcome: Outcome | None = None
        self._releases: ReleasesReply | None = None
        self.nonce = ""

    @property
    def audience(self) -> Audience:
        """What the ticket names."""
        return Audience(self._server.url, self._placement.share_id, self.nonce, Purpose.RELEASES)

    async def ask_nonce(self) -> None:
        """Get a nonce."""
        try:
            self.nonce = await attempt(
                lambda: self._transport.request_nonce(self._server, self._placement.share_id),
                repeat_if=may_pass,
            )
        except TransportError as error:
            self._outcome = failure_outcome(self._server, error, self._elapsed())

    async def ask(self, draft: TicketDraft, signature: TicketSignature, position: int) -> None:
        """Ask the question."""
        self._started = asyncio.get_running_loop().time()
        ticket, share_id = draft.present(signature.signature, position), self._placement.share_id
        try:
            self._releases = await attempt(
                lambda: self._transport.fetch_releases(
                    self._server,
                    share_id,
                    ticket,
                    signature.certificate_der,
                    smart_id_parameters=signature.smart_id_parameters,
                ),
                repeat_if=was_never_sent,
            )
        except TransportError as error:
            self._outcome = failure_outcome(self._server, error, self._elapsed())

    def testimony(self) -> Testimony:
        """What came of it."""
        if self._releases is not None:
            said = f"answered in {self._elapsed() * 1000:.0f} ms"
            return Testimony(outcome_of(self._server, Status.OK, said, self._elapsed()), self._releases)
        slow = outcome_of(self._server, Status.SLOW, "did not answer in time", self._elapsed())
        return Testimony(self._outcome or slow)

    def _elapsed(self) -> float:
        return asyncio.get_running_loop().time() - self._started


async def _all(calls: Iterable[Coroutine[Any, Any, None]], timeouts: Timeouts) -> None:
    """Await all of them, as long as there is time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(timeouts.overall_seconds), asyncio.TaskGroup() as group:
            for call in calls:
                group.create_task(call)
