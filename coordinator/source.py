# SPDX-License-Identifier: MIT
"""One server during a collection: its two calls, how far it got, and its outcome at the end.

A source never raises for its server's sake: a failed call becomes its outcome. It rings the crew's
bell whenever something changed that the collection may want to act on.
"""

import asyncio
from dataclasses import dataclass, field
from enum import Enum

from osak.coordinator.attempt import attempt, failure_outcome, may_pass, outcome_of, was_never_sent
from osak.coordinator.auth.base import TicketSignature
from osak.coordinator.crew import Crew
from osak.coordinator.errors import TransportError
from osak.coordinator.group import Server
from osak.coordinator.outcome import Outcome, Status
from osak.coordinator.placement import Placement
from osak.coordinator.recovery import Verdict
from osak.coordinator.transport.base import NodeTransport
from osak.shares.protocol.messages import ShareMessage
from osak.shares.protocol.urls import Audience


class Stage(Enum):
    """How far a source is."""

    ASKING = "asking"
    READY = "ready"
    FETCHING = "fetching"
    RETURNED = "returned"
    FAILED = "failed"


@dataclass(slots=True)
class Source:
    """A placement at a trusted server.

    Attributes:
        stage: how far it is.
        stumble: why its present call failed once; it is being repeated and nobody should wait for it.
        call_started: event loop time when its present or last call began.
        waited_seconds: time its finished calls took.
        nonce: since READY.
        position: place of its audience on the signed ticket; None if it is not on it.
        message: since RETURNED.
        failure: since FAILED.
    """

    placement: Placement
    server: Server
    transport: NodeTransport = field(repr=False)
    crew: Crew = field(repr=False)
    stage: Stage = Stage.ASKING
    stumble: TransportError | None = field(default=None, repr=False)
    call_started: float = 0.0
    waited_seconds: float = 0.0
    nonce: str = field(default="", repr=False)
    position: int | None = None
    message: ShareMessage | None = field(default=None, repr=False)
    failure: Outcome | None = None

    @property
    def stumbled(self) -> bool:
        """Whether its present call failed once already."""
        return self.stumble is not None

    @property
    def audience(self) -> Audience:
        """What the ticket names: the server as configured (it knows its own URL), share and nonce."""
        return Audience(self.server.url, self.placement.share_id, self.nonce)

    async def ask(self) -> None:
        """Get a nonce: ASKING to READY or FAILED."""
        self._begin(Stage.ASKING)
        try:
            self.nonce = await attempt(
                lambda: self.transport.request_nonce(self.server, self.placement.share_id),
                repeat_if=may_pass,
                on_stumble=self._stumble,
            )
        except TransportError as error:
            self._fail(error)
        else:
            self._end(Stage.READY)

    def begin_fetch(self, ticket: str, signature: TicketSignature) -> None:
        """Start to fetch the share: READY to FETCHING, and later to RETURNED or FAILED."""
        self._begin(Stage.FETCHING)
        self.crew.start(self._fetch(ticket, signature))

    async def _fetch(self, ticket: str, signature: TicketSignature) -> None:
        try:
            # The nonce may be spent once the request is out, so only an unsent request is repeated.
            self.message = await attempt(
                lambda: self.transport.fetch_share(
                    self.server,
                    self.placement.share_id,
                    ticket,
                    signature.certificate_der,
                    smart_id_parameters=signature.smart_id_parameters,
                ),
                repeat_if=was_never_sent,
                on_stumble=self._stumble,
            )
        except TransportError as error:
            self._fail(error)
        else:
            self._end(Stage.RETURNED)

    def is_slow(self, now: float, hedge_after_seconds: float) -> bool:
        """Whether its present call takes so long that a spare should be asked too."""
        return self.stumbled or now >= self.call_started + hedge_after_seconds

    def reject(self, status: Status, detail: str) -> None:
        """What it returned cannot be used: RETURNED to FAILED."""
        self.failure = outcome_of(self.server, status, detail, self.waited_seconds)
        self.stage = Stage.FAILED

    def outcome(
        self, verdict: Verdict | None, *, now: float, hedge_after_seconds: float, signed: bool, won: bool
    ) -> Outcome:
        """How it went, seen from the end of the collection.

        Args:
            verdict: on its share, if one came before it was too late to matter.
            now: event loop time.
            hedge_after_seconds: what counts as slow.
            signed: whether the collection came as far as a signature.
            won: whether the collection found the secret.
        """
        if self.failure is not None:
            return self.failure
        waited = self.waited_seconds
        status, detail = Status.NOT_ASKED, "was not asked for its share any more"
        if self.stage is Stage.RETURNED and verdict is not None:
            status, detail = _judged(verdict, waited)
        elif self.stage in (Stage.ASKING, Stage.FETCHING):
            waited += now - self.call_started
            if self.stumble is not None:
                return failure_outcome(self.server, self.stumble, waited)
            answer = "answered" if self.stage is Stage.ASKING else "returned its share"
            status, detail = Status.SLOW, f"had not {answer} after {waited:.2f} s"
            if now < self.call_started + hedge_after_seconds:
                status, detail = Status.NOT_ASKED, "was not waited for any more"
        elif signed and self.position is None:
            status, detail = Status.SLOW, f"answered after {waited:.2f} s, too late for the signature"
        elif won:
            status, detail = Status.SPARE, f"answered in {waited * 1000:.0f} ms; its share was not needed"
        return outcome_of(self.server, status, detail, waited)

    def _begin(self, stage: Stage) -> None:
        self.stage, self.stumble = stage, None
        self.call_started = asyncio.get_running_loop().time()

    def _end(self, stage: Stage) -> None:
        self.waited_seconds += asyncio.get_running_loop().time() - self.call_started
        self.stage = stage

    def _fail(self, error: TransportError) -> None:
        self._end(Stage.FAILED)
        self.failure = failure_outcome(self.server, error, self.waited_seconds)

    def _stumble(self, error: TransportError) -> None:
        self.stumble = error
        self.crew.ring()


def _judged(verdict: Verdict, waited_seconds: float) -> tuple[Status, str]:
    match verdict:
        case Verdict.GOOD:
            return Status.OK, f"returned its share in {waited_seconds * 1000:.0f} ms"
        case Verdict.WRONG:
            return Status.WRONG_SHARE, "returned a share that does not match the container"
        case Verdict.UNPROVEN:
            return Status.DOUBTFUL, "returned a share that may be wrong; nothing can tell"
