# SPDX-License-Identifier: MIT
"""One signature for several collections: a table at which each has a seat until all have signed.

A person who opens ten files types one PIN. The rules:

1. A collection takes its place before it asks for nonces, and says for which servers. It is let in while
   all at the table would fit on one ticket, in the order in which they came, and for ten seconds at
   most; the others wait, so that no nonce grows old before the person has got that far.
2. The ticket is signed when everybody at the table has got nonces or has left, and nobody is fetching who
   might still come back for a second record of the same file.
3. Nothing is signed that a server would refuse for its length: that is known before.
4. A signature that failed is not asked for again, for nobody at the table.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from types import TracebackType
from typing import Self

from osak.coordinator.auth.base import Credential, TicketSignature
from osak.coordinator.group import MAX_TICKET_AUDIENCES
from osak.coordinator.signing import SignedAudiences, signed_part
from osak.shares.errors import MessageError
from osak.shares.protocol.ticket import MAX_TICKET_CHARACTERS, TicketDraft, draft_ticket, ticket_fits
from osak.shares.protocol.urls import Audience, ServerURL

# As nodes and official servers give them. Where one is longer, a file may have to wait for the next ticket.
_USUAL_SHARE_ID, _USUAL_NONCE = "0" * 32, "0" * 22
# Nonces live for five minutes, nearly all of which a person with a phone may need.
_OPEN_SECONDS = 10.0

_Signed = tuple[TicketDraft, TicketSignature]


@dataclass(frozen=True, slots=True)
class SigningRound:
    """A signature that is about to be asked for.

    Attributes:
        number: which one it is, from 1.
        total: how many there will be, as far as can be known now.
        collections: how many get their shares with this one.
    """

    number: int
    total: int
    collections: int


class _Stage(Enum):
    QUEUED = "queued"
    ASKING = "asking"
    READY = "ready"
    SIGNED = "signed"


class Seat:
    """One collection's place at the table; a ``Signer``."""

    def __init__(self, table: "SigningTable", servers: Sequence[ServerURL], max_characters: int) -> None:
        loop = asyncio.get_running_loop()
        self.max_characters = max_characters
        self.stage = _Stage.QUEUED
        self.audiences: Sequence[Audience] = [
            Audience(server, _USUAL_SHARE_ID, _USUAL_NONCE) for server in servers[:MAX_TICKET_AUDIENCES]
        ]
        self.admitted: asyncio.Future[None] = loop.create_future()
        self.signed: asyncio.Future[SignedAudiences] = loop.create_future()
        self._table = table

    @property
    def recipient_id(self) -> str:
        """The credential's."""
        return self._table.credential.recipient_id

    async def sign(self, audiences: Sequence[Audience]) -> SignedAudiences:
        """Put these audiences on the ticket and wait for the signature."""
        self.audiences, self.stage = audiences, _Stage.READY
        self._table.look()
        return await self.signed


@dataclass(slots=True)
class SigningTable:
    """Where collections of one person meet; an ``async with`` block, which no signing outlives.

    Attributes:
        credential: signs.
        on_round: told before each signature is asked for.
    """

    credential: Credential = field(repr=False)
    on_round: Callable[[SigningRound], object] = lambda _: None
    _seats: list[Seat] = field(default_factory=list)
    _rounds: int = 0
    _signing: asyncio.Task[_Signed] | None = None
    _failure: BaseException | None = None
    _opened: float = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._signing is not None:
            self._signing.cancel()
            await asyncio.gather(self._signing, return_exceptions=True)

    @asynccontextmanager
    async def seat(
        self, servers: Sequence[ServerURL], *, max_characters: int = MAX_TICKET_CHARACTERS
    ) -> AsyncIterator[Seat]:
        """Wait for a place for a collection from these servers; it is given up with the block.

        Args:
            servers: where its shares lie.
            max_characters: how long a ticket with others on it may be, for these servers to read it.

        Raises:
            Exception: what an earlier signature failed with.
        """
        taken = Seat(self, servers, max_characters)
        self._seats.append(taken)
        try:
            self.look()
            await taken.admitted
            yield taken
        finally:
            self._seats.remove(taken)
            # Not at once: who leaves for the sake of a second record takes a seat again before that.
            asyncio.get_running_loop().call_soon(self.look)

    def look(self) -> None:
        """Something changed: let in who can be, and have signed what is complete."""
        if self._failure is not None:
            self._turn_away(self._failure)
        elif self._signing is None:
            self._let_in()
            ready = self._in(_Stage.READY)
            if ready and not self._in(_Stage.ASKING) and not self._in(_Stage.SIGNED):
                chosen = self._first_that_fit(ready)
                self._signing = asyncio.get_running_loop().create_task(self._sign(chosen))
                self._signing.add_done_callback(lambda signing: self._conclude(chosen, signing))

    def _let_in(self) -> None:
        waiting, now = self._in(_Stage.ASKING) + self._in(_Stage.READY), asyncio.get_running_loop().time()
        if not waiting:
            self._opened = now
        for seat in self._in(_Stage.QUEUED):
            # A collection that is too big even alone is let in alone, to fail by its own name.
            if waiting and (now > self._opened + _OPEN_SECONDS or not self._fit([*waiting, seat])):
                return
            waiting.append(seat)
            seat.stage = _Stage.ASKING
            seat.admitted.set_result(None)

    async def _sign(self, seats: Sequence[Seat]) -> _Signed:
        audiences = [audience for seat in seats for audience in seat.audiences]
        draft = draft_ticket(self.credential.recipient_id, self.credential.algorithm, audiences)
        self._rounds += 1
        self.on_round(SigningRound(self._rounds, self._rounds + self._further_rounds(seats), len(seats)))
        return draft, await self.credential.sign(draft.signing_input)

    def _conclude(self, seats: Sequence[Seat], signing: "asyncio.Task[_Signed]") -> None:
        """Give every seat its part of what was signed, or the error."""
        if signing.cancelled():
            return
        self._signing, error, first = None, signing.exception(), 0
        if error is not None and not isinstance(error, MessageError):
            self._failure = error
        for seat in seats:
            seat.stage = _Stage.SIGNED
            if seat.signed.done():  # whose collection was cancelled does not wait any more
                continue
            if error is None:
                seat.signed.set_result(signed_part(*signing.result(), first))
            else:  # if no ticket can be made for these servers, others may have one yet
                seat.signed.set_exception(error)
            first += len(seat.audiences)
        self.look()

    def _further_rounds(self, chosen: Sequence[Seat]) -> int:
        """How many more tickets it takes for those who are not on this one."""
        others = [seat for seat in self._seats if seat.stage is not _Stage.SIGNED and seat not in chosen]
        rounds = 0
        while others:
            others = others[len(self._first_that_fit(others)) :]
            rounds += 1
        return rounds

    def _first_that_fit(self, seats: Sequence[Seat]) -> Sequence[Seat]:
        """As many as one ticket takes, the first in any case: one that is too big alone has to fail alone."""
        count = 1
        while count < len(seats) and self._fit(seats[: count + 1]):
            count += 1
        return seats[:count]

    def _turn_away(self, error: BaseException) -> None:
        for future in (future for seat in self._seats for future in (seat.admitted, seat.signed)):
            if not future.done():
                future.set_exception(error)
                future.exception()  # seen: who has left does not look any more

    def _fit(self, seats: Sequence[Seat]) -> bool:
        audiences = [audience for seat in seats for audience in seat.audiences]
        longest = min(seat.max_characters for seat in seats)
        return not audiences or ticket_fits(
            self.credential.recipient_id, self.credential.algorithm, audiences, longest
        )

    def _in(self, stage: _Stage) -> list[Seat]:
        return [seat for seat in self._seats if seat.stage is stage]
