# SPDX-License-Identifier: MIT
"""Several collections, one signature: who gets on a ticket, when it is signed, and who is told what."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator.behaviour import Behaviour, Dead, Garbage, HalfOpen, Honest, Lying, Refusing
from simulator.nodes import (
    RECIPIENT,
    SimulatedNode,
    SimulatedTransport,
    TestCredential,
    make_group,
    make_nodes,
)
from simulator.runs import SALT, TIMEOUTS
from simulator.virtual_time import run_virtually

from osak.coordinator import (
    Collected,
    Coordinator,
    CredentialError,
    Group,
    NotEnoughSharesError,
    Outcome,
    Placement,
    Server,
    SigningRound,
    SigningTable,
    Status,
    TicketSignature,
)
from osak.shares.errors import MessageError
from osak.shares.protocol.messages import ShareMessage
from osak.shares.protocol.ticket import MAX_TICKET_CHARACTERS, MAX_TICKET_CHARACTERS_OFFICIAL, parse_ticket
from osak.shares.protocol.urls import ServerURL

THRESHOLD = 3


class Moody(SimulatedTransport):
    """A cluster whose nodes answer for some shares in a way of their own; remembers every ticket."""

    def __init__(self, nodes: Sequence[SimulatedNode]) -> None:
        super().__init__(nodes, TIMEOUTS.request_seconds)
        self.moods: dict[str, Behaviour] = {}
        self.tickets: list[str] = []

    async def request_nonce(self, server: Server, share_id: str) -> str:
        mood = self.moods.get(share_id)
        if mood is None or isinstance(mood, Lying):
            return await super().request_nonce(server, share_id)
        return await mood.play(
            lambda: self._nodes[server.url].issue_nonce(share_id), TIMEOUTS.request_seconds
        )

    async def fetch_share(
        self,
        server: Server,
        share_id: str,
        ticket: str,
        certificate_der: bytes,
        *,
        smart_id_parameters: str = "",
    ) -> ShareMessage:
        self.tickets.append(ticket)
        mood = self.moods.get(share_id)
        if mood is None:
            return await super().fetch_share(
                server, share_id, ticket, certificate_der, smart_id_parameters=smart_id_parameters
            )
        node = self._nodes[server.url]
        return await mood.play(
            lambda: node.release(share_id, ticket, certificate_der), TIMEOUTS.request_seconds
        )


@dataclass
class Batch:
    """Several KEKs of one person over one cluster, collected together.

    Attributes:
        rounds: every signature that was announced.
        seconds: what the collection took.
    """

    size: int
    files: int
    credential: TestCredential = field(default_factory=TestCredential)
    rounds: list[SigningRound] = field(default_factory=list)
    seconds: float = 0.0
    max_characters: ClassVar[int] = MAX_TICKET_CHARACTERS

    def __post_init__(self) -> None:
        self.nodes = make_nodes(self.size)
        group = make_group(self.nodes, THRESHOLD)
        self.transport = Moody(self.nodes)
        self.coordinator = Coordinator(transport=self.transport, groups={"g": group}, timeouts=TIMEOUTS)
        self.keks = [sha256(bytes([number])).digest() for number in range(self.files)]
        self.placements = run_virtually(self._store(group))

    async def _store(self, group: Group) -> list[tuple[Placement, ...]]:
        stored = []
        for number, kek in enumerate(self.keks):
            random_bytes = Random(number).randbytes
            stored.append(
                await self.coordinator.store(
                    kek, group, RECIPIENT, scheme="t-of-n", salt=SALT, random_bytes=random_bytes
                )
            )
        return [distribution.placements for distribution in stored]

    def set_mood(self, file: int, place: int, behaviour: Behaviour) -> None:
        """Let one node answer so for one file alone, and as before for all others."""
        self.transport.moods[self.placements[file][place].share_id] = behaviour

    async def collect(self, file: int, table: SigningTable, tries: int = 1) -> Collected | Exception:
        """One file's part, of which a second try stands for a second record."""
        try:
            servers = [node.url for node in self.nodes]
            async with table.seat(servers, max_characters=self.max_characters) as seat:
                return await self.coordinator.collect(
                    self.placements[file],
                    THRESHOLD,
                    seat,
                    scheme="t-of-n",
                    salt=SALT,
                    is_secret=self.keks[file].__eq__,
                    random_below=lambda _: 0,
                )
        except (NotEnoughSharesError, CredentialError) as error:
            return await self.collect(file, table, tries - 1) if tries > 1 else error

    def run(self, tries: int = 1) -> list[Collected | Exception]:
        """All of them on a virtual clock; what came of each."""

        async def work() -> list[Collected | Exception]:
            loop = asyncio.get_running_loop()
            began = loop.time()
            async with SigningTable(self.credential, self.rounds.append) as table:
                parts = (self.collect(file, table, tries) for file in range(self.files))
                found = await asyncio.gather(*parts)
            self.seconds = loop.time() - began
            return found

        return run_virtually(work())


def _lie(file: int, place: int) -> bytes:
    """A mask that does not cancel against another liar's."""
    return sha256(f"lie of node {place} about file {file}".encode()).digest()


def _keks(results: Sequence[Collected | Exception]) -> list[bytes | None]:
    return [one.kek if isinstance(one, Collected) else None for one in results]


def _outcomes(result: Collected | Exception) -> tuple[Outcome, ...]:
    assert isinstance(result, Collected | NotEnoughSharesError)
    return result.outcomes


def test_one_signature_opens_them_all() -> None:
    """Ten files over five servers take one signature and as long as one file."""
    batch = Batch(5, 10)
    assert _keks(batch.run()) == batch.keks
    assert batch.credential.signatures == 1
    assert batch.rounds == [SigningRound(1, 1, 10)]
    assert batch.seconds == pytest.approx(0.04)


def test_each_server_sees_its_own_audience_of_one_file_alone() -> None:
    """A presentation names the share it is for, and hides the others behind digests."""
    batch = Batch(5, 4)
    batch.run()
    places = {place.share_id for placements in batch.placements for place in placements}
    for ticket in batch.transport.tickets:
        shown = parse_ticket(ticket).unverified_audience.share_id
        assert shown in places
        assert ticket.count("~") == 3
    assert len({ticket.split("~")[0] for ticket in batch.transport.tickets}) == 1


@pytest.mark.parametrize(("algorithm", "first"), [("ES256", 20), ("RS256", 17)])
def test_what_does_not_fit_on_one_ticket_is_signed_in_several(algorithm: str, first: int) -> None:
    """Forty files over five servers: as many on each ticket as its header takes, and the person is told."""
    batch = Batch(5, 40, TestCredential(algorithm=algorithm))
    assert _keks(batch.run()) == batch.keks
    assert [one.collections for one in batch.rounds][:1] == [first]
    assert sum(one.collections for one in batch.rounds) == 40
    assert batch.credential.signatures == len(batch.rounds) == batch.rounds[0].total
    assert [one.number for one in batch.rounds] == [*range(1, len(batch.rounds) + 1)]
    assert {one.total for one in batch.rounds} == {len(batch.rounds)}
    assert max(map(len, batch.transport.tickets)) <= MAX_TICKET_CHARACTERS


def test_servers_that_read_less_get_shorter_tickets() -> None:
    """With an official server among them, a ticket stays as short as that one reads."""

    class Official(Batch):
        max_characters = MAX_TICKET_CHARACTERS_OFFICIAL

    batch = Official(5, 12)
    assert _keks(batch.run()) == batch.keks
    assert [one.collections for one in batch.rounds] == [9, 3]
    assert max(map(len, batch.transport.tickets)) <= MAX_TICKET_CHARACTERS_OFFICIAL


def test_no_nonce_is_asked_for_before_its_file_has_a_place() -> None:
    """Who signs slowly does not let the nonces of later tickets grow old."""
    batch = Batch(5, 40, TestCredential(thinking=Honest(250)))
    batch.run()
    # Each ticket's nonces were asked for after the ticket before was signed.
    assert batch.seconds == pytest.approx(len(batch.rounds) * 250.02 + 0.02, abs=0.1)


def test_servers_that_are_down_leave_room_for_more_files() -> None:
    """A ticket has room for what answered: with two of five servers dead 33 files fit on it, not 20."""
    batch = Batch(5, 33)
    for node in batch.nodes[:2]:
        node.behave(Dead())
    assert _keks(batch.run()) == batch.keks
    assert [one.collections for one in batch.rounds] == [33]


def test_a_file_without_servers_holds_nobody_back() -> None:
    """A file whose shares nobody has any more fails with its outcomes; the others open with one signature."""
    batch = Batch(5, 4)
    for place in range(3):
        batch.set_mood(1, place, Refusing(404))
    results = batch.run()
    assert _keks(results) == [batch.keks[0], None, *batch.keks[2:]]
    assert [outcome.status for outcome in _outcomes(results[1])][:3] == [Status.REFUSED] * 3
    assert batch.credential.signatures == 1
    assert batch.rounds == [SigningRound(1, 1, 3)]


def test_second_records_share_a_second_signature() -> None:
    """Files whose first record came to nothing after the signature come back together, not one by one."""
    batch = Batch(5, 4)
    for file, seconds in ((0, 0.02), (2, 1.0)):
        for place in range(3):
            batch.set_mood(file, place, Lying(_lie(file, place), seconds))
    results = batch.run(tries=2)
    assert _keks(results) == [None, batch.keks[1], None, batch.keks[3]]
    assert [(one.number, one.collections) for one in batch.rounds] == [(1, 4), (2, 2)]


def test_a_refused_signature_is_not_asked_for_again() -> None:
    """Whoever presses Cancel is not asked for the next ticket; every file says why it stayed closed."""

    class Refused(TestCredential):
        async def sign(self, signing_input: bytes) -> TicketSignature:
            await super().sign(signing_input)
            raise CredentialError("cancelled")

    batch = Batch(5, 40, Refused())
    results = batch.run(tries=2)
    assert batch.credential.signatures == 1
    assert [str(result) for result in results] == ["cancelled"] * 40


def test_what_one_ticket_cannot_name_fails_alone() -> None:
    """A file for more servers than any ticket takes fails by itself, and the next is signed for."""

    async def work() -> tuple[BaseException | object, ...]:
        servers = [ServerURL(f"{'long-name.' * 20}n{n}.example", 8443, "/" + "p" * 60) for n in range(2)]
        many = [ServerURL(f"n{n}.example", 8443, "/" + "p" * 900) for n in range(64)]
        async with SigningTable(TestCredential(algorithm="RS256")) as table:

            async def sign(urls: Sequence[ServerURL]) -> object:
                async with table.seat(urls) as seat:
                    return await seat.sign([*seat.audiences] * (2 if len(urls) > 2 else 1))

            return tuple(await asyncio.gather(sign(many), sign(servers), return_exceptions=True))

    big, small = run_virtually(work())
    assert isinstance(big, MessageError)
    assert not isinstance(small, BaseException)


def test_a_cancelled_batch_stops_the_signature() -> None:
    """Ctrl-C while the person is asked: nothing goes on afterwards."""
    batch = Batch(5, 3, TestCredential(thinking=Honest(60)))

    async def work() -> None:
        async with SigningTable(batch.credential) as table, asyncio.timeout(5):
            await asyncio.gather(*(batch.collect(file, table) for file in range(3)))

    with pytest.raises(TimeoutError):
        run_virtually(work())


_BAD = st.one_of(
    st.just(Dead()),
    st.just(HalfOpen()),
    st.just(Garbage()),
    st.builds(Refusing, st.sampled_from([401, 404, 429, 503])),
    st.just(Lying()),
    st.builds(Honest, st.floats(20, 60)),
)


@settings(max_examples=100, deadline=None)
@given(st.data(), st.integers(3, 5), st.integers(1, 6))
def test_whatever_fails_elsewhere_each_file_with_t_good_servers_opens(
    data: st.DataObject, size: int, files: int
) -> None:
    """Failures drawn for every file and server: a file opens exactly if t of its servers are good.

    Its liars are named in its own outcomes and nobody else is called one; all takes one signature.
    """
    batch = Batch(size, files)
    good = [size] * files
    liars: set[tuple[int, int]] = set()
    for file in range(files):
        for place in data.draw(st.sets(st.integers(0, size - 1))):
            behaviour = data.draw(_BAD)
            if isinstance(behaviour, Lying):
                liars.add((file, place))
                behaviour = Lying(_lie(file, place))
            batch.set_mood(file, place, behaviour)
            good[file] -= 1
    results = batch.run()
    assert batch.credential.signatures <= 1
    assert batch.seconds <= TIMEOUTS.overall_seconds * 2 + 1e-6
    for file, result in enumerate(results):
        assert (good[file] >= THRESHOLD) == isinstance(result, Collected)
        assert _keks([result]) == [batch.keks[file] if good[file] >= THRESHOLD else None]
        named = {place for place, one in enumerate(_outcomes(result)) if one.status is Status.WRONG_SHARE}
        assert {(file, place) for place in named} <= liars
