# SPDX-License-Identifier: MIT
"""Gathering shares until they open the container: nonces, one signature, then the first t good shares.

1. All servers are asked for a nonce at once. The signature is asked for when every server has
   answered or failed, or when t have and the others had the hedge delay to catch up.
2. One signature covers every server that answered. It is the only one: a person types a PIN for it.
   No network deadline runs meanwhile.
3. t shares are fetched, from prompt servers in random order first (so that nobody gets itself chosen
   by being quick), and a spare whenever one is slow, refused or wrong. It ends with a secret that the
   caller's check accepts, or, as soon as too few servers are left for that, with an error that says
   how it went with each. Nothing runs on afterwards.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from osak.coordinator.crew import Crew
from osak.coordinator.errors import (
    InvalidPlacementError,
    NotEnoughSharesError,
    UnknownServerError,
    WrongSecretError,
)
from osak.coordinator.group import MAX_TICKET_AUDIENCES, Server, Timeouts
from osak.coordinator.outcome import Outcome, Status
from osak.coordinator.placement import Placement, Scheme
from osak.coordinator.progress import Progress
from osak.coordinator.recovery import Recovery, Verdict
from osak.coordinator.signing import SignedAudiences, Signer
from osak.coordinator.source import Source, Stage
from osak.coordinator.transport.base import NodeTransport
from osak.coordinator.trust import describe_placement, outcome_of_unknown
from osak.shares import SHARE_BYTES, MessageError, Share
from osak.shares.protocol.urls import check_share_id
from osak.shares.threshold import EVERY_INDEX

_ANY_ORDER = 2**32
# Between looks at the clock; a try takes 2 ms where the header is as big as is allowed.
_TRIES_A_TURN = 16

ProgressListener = Callable[[Progress], None]


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
    signer: Signer,
    transport: NodeTransport,
    *,
    scheme: Scheme,
    salt: bytes,
    is_secret: Callable[[bytes], bool],
    timeouts: Timeouts,
    on_progress: ProgressListener | None = None,
    random_below: Callable[[int], int] = secrets.randbelow,
) -> Collected:
    """Fetch ``needed`` shares with one signature and put the KEK together.

    Args:
        placements: as the container names them.
        servers: the trusted server of each placement; those without one are not contacted.
        needed: how many good shares open the container; for n-of-n all of them.
        signer: gets the one signature.
        transport: how calls reach servers.
        scheme: the container's.
        salt: key of the commitments.
        is_secret: whether 32 bytes open the container; the last word on every result.
        timeouts: how long to wait.
        on_progress: told of every step.
        random_below: source of the order in which prompt servers are fetched from.

    Raises:
        NotEnoughSharesError: fewer than ``needed`` good shares; one outcome a placement.
        UnknownServerError: fewer than ``needed`` placements are at trusted servers.
        InvalidPlacementError: the placements cannot belong to one sharing, or not to one that a single
            ticket opens.
        MessageError: no ticket can be made for these servers.
        CredentialError: signing was refused or failed.
    """
    _check_placements(placements, needed, scheme)
    _check_servers(servers)
    if sum(placement in servers for placement in placements) < needed:
        unknown = [placement for placement in placements if placement not in servers]
        raise UnknownServerError([describe_placement(placement) for placement in unknown])
    async with Crew() as crew:
        sources = [
            Source(placement, servers[placement], transport, crew)
            for placement in placements
            if placement in servers
        ]
        recovery = Recovery(scheme, needed, salt, is_secret)
        collection = _Collection(
            placements,
            sources,
            recovery,
            timeouts,
            crew=crew,
            on_progress=on_progress,
            random_below=random_below,
        )
        await collection.ask()
        signed = await collection.sign(signer)
        kek = await collection.fetch(signed, signer.recipient_id)
        return Collected(kek, collection.outcomes(won=True))


def _check_placements(placements: Sequence[Placement], needed: int, scheme: Scheme) -> None:
    """A stranger wrote them; what cannot be right is refused before anything is sent."""
    count = len(placements)
    if not 2 <= needed <= count or (scheme == "n-of-n" and needed != count):
        raise InvalidPlacementError(f"{count} shares, {needed} of them needed: not a sharing")
    if needed > MAX_TICKET_AUDIENCES:
        raise InvalidPlacementError(
            f"{needed} shares needed: one ticket is for {MAX_TICKET_AUDIENCES} servers"
        )
    indices = [placement.index for placement in placements]
    if len(set(indices)) != count or not all(index in EVERY_INDEX for index in indices):
        raise InvalidPlacementError("share indices must be different numbers from 1 to 255")
    try:
        for placement in placements:
            check_share_id(placement.share_id)
    except MessageError as error:
        raise InvalidPlacementError(str(error)) from error


def _check_servers(servers: Mapping[Placement, Server]) -> None:
    """Every share of a sharing lies at a server of its own; else one server could be asked for hundreds."""
    if len({server.url for server in servers.values()}) != len(servers):
        raise InvalidPlacementError("several shares are said to be at the same server")


class _Collection:
    """One run of ``collect``: its sources, its clock, and its three steps."""

    def __init__(
        self,
        placements: Sequence[Placement],
        sources: Sequence[Source],
        recovery: Recovery,
        timeouts: Timeouts,
        *,
        crew: Crew,
        on_progress: ProgressListener | None,
        random_below: Callable[[int], int],
    ) -> None:
        self._placements = placements
        self._sources = sources
        self._recovery = recovery
        self._needed = recovery.needed
        self._hedge = timeouts.hedge_after_seconds
        self._crew = crew
        self._on_progress = on_progress
        self._random_below = random_below
        self._told: Progress | None = None
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + timeouts.overall_seconds

    async def ask(self) -> None:
        """Step 1: return when there are nonces to sign for."""
        for source in self._sources:
            source.call_started = self._loop.time()
            self._crew.start(source.ask())
        patience: float | None = None
        while True:
            ready, asking, now = self._in(Stage.READY), self._in(Stage.ASKING), self._loop.time()
            self._tell(Progress("asking", len(self._sources) - len(asking), len(self._sources)))
            if len(ready) + len(asking) < self._needed or now >= self._deadline:
                raise NotEnoughSharesError(self.outcomes(won=False), self._needed, len(ready))
            if len(ready) >= self._needed:
                if patience is None:
                    patience = now + self._hedge
                if now >= patience or all(source.stumbled for source in asking):
                    return
            await self._crew.wait(self._deadline if patience is None else min(patience, self._deadline))

    async def sign(self, signer: Signer) -> SignedAudiences:
        """Step 2: one ticket for all that answered, the quickest if there are very many."""
        ready = sorted(self._in(Stage.READY), key=lambda source: source.waited_seconds)
        chosen = set(map(id, ready[:MAX_TICKET_AUDIENCES]))
        # In the container's order, so that the order of audiences tells no server who was quick.
        signed = [source for source in self._sources if id(source) in chosen]
        for position, source in enumerate(signed):
            source.position = position
        self._tell(Progress("signing", 0, 1))
        started = self._loop.time()
        part = await signer.sign([source.audience for source in signed])
        self._deadline += self._loop.time() - started
        self._tell(Progress("signing", 1, 1))
        return part

    async def fetch(self, part: SignedAudiences, recipient_id: str) -> bytes:
        """Step 3: return the secret."""
        signed = [source for source in self._sources if source.position is not None]
        signed.sort(key=lambda source: (source.waited_seconds > self._hedge, self._random_below(_ANY_ORDER)))
        while True:
            self._take_in(recipient_id)
            under_way, spares = self._in(Stage.FETCHING), [one for one in signed if one.stage is Stage.READY]
            secret = await self._conclude(len(under_way) + len(spares))
            if secret is not None:
                return secret
            now = self._loop.time()
            prompt = [source for source in under_way if not source.is_slow(now, self._hedge)]
            missing = max(max(self._needed - self._recovery.usable, 1) - len(prompt), 0)
            for source in spares[:missing]:
                assert source.position is not None, "whoever is signed for has a position"
                source.begin_fetch(part.present(source.position), part.signature)
                prompt.append(source)
            more_to_start = len(spares) > missing
            wake = [source.call_started + self._hedge for source in prompt if more_to_start]
            await self._crew.wait(min([self._deadline, *wake]))

    def outcomes(self, *, won: bool) -> tuple[Outcome, ...]:
        """One outcome a placement, in the container's order."""
        now = self._loop.time()
        signed = any(source.position is not None for source in self._sources)
        known = {
            source.placement.index: source.outcome(
                self._recovery.verdicts.get(source.placement.index),
                now=now,
                hedge_after_seconds=self._hedge,
                signed=signed,
                won=won,
            )
            for source in self._sources
        }
        return tuple(
            known.get(placement.index) or outcome_of_unknown(placement) for placement in self._placements
        )

    def _take_in(self, recipient_id: str) -> None:
        """Hand new shares to the recovery; what has not even the form of one is the server's failure."""
        for source in self._in(Stage.RETURNED):
            message = source.message
            if message is None or source.placement.index in self._recovery.verdicts:
                continue
            if message.recipient != recipient_id:
                source.reject(Status.BAD_REPLY, "returned a share of another recipient")
            elif len(message.share) != SHARE_BYTES:
                source.reject(Status.WRONG_SHARE, "returned a share that does not match the container")
            else:
                self._recovery.add(source.placement, Share(source.placement.index, message.share))
        self._tell(Progress("fetching", min(self._recovery.usable, self._needed), self._needed))

    async def _conclude(self, remaining: int) -> bytes | None:
        """Return the secret if it is there; raise as soon as ``remaining`` sources can no longer help."""
        recovery = self._recovery
        secret = await self._recover(remaining)
        if secret is not None:
            return secret
        could_match = recovery.usable + remaining >= self._needed
        # Shares that match no commitment may all be right, if the set was refreshed (see ``recovery``).
        could_differ = recovery.usable < recovery.received and recovery.received + remaining >= self._needed
        got = sum(verdict is Verdict.GOOD for verdict in recovery.verdicts.values())
        if recovery.contradicted:
            raise WrongSecretError(self.outcomes(won=False), self._needed, recovery.received)
        out_of_reach = remaining == 0 or not (could_match or could_differ)
        if out_of_reach or self._loop.time() >= self._deadline:
            raise NotEnoughSharesError(self.outcomes(won=False), self._needed, got)
        return None

    async def _recover(self, remaining: int) -> bytes | None:
        """Try what the recovery has to offer; calls go on meanwhile, and the deadline ends this too."""
        for number, secret in enumerate(self._recovery.attempts(still_to_come=remaining), start=1):
            if secret is not None:
                return secret
            if number % _TRIES_A_TURN == 0:
                await asyncio.sleep(0)
                if self._loop.time() >= self._deadline:
                    break
        return None

    def _in(self, stage: Stage) -> list[Source]:
        return [source for source in self._sources if source.stage is stage]

    def _tell(self, progress: Progress) -> None:
        if self._on_progress is not None and progress != self._told:
            self._told = progress
            self._on_progress(progress)
