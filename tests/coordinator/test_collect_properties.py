# SPDX-License-Identifier: MIT
"""What a collection promises for every threshold up to 5-of-6 and any placement of failures.

Failures are drawn for each node and call; the cluster and the clock are simulated. The virtual-time
runner also fails on any task that outlives a collection, and on any deadlock.
"""

import asyncio
from dataclasses import dataclass
from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st
from simulator.behaviour import (
    Behaviour,
    Dead,
    Garbage,
    HalfOpen,
    Honest,
    Impostor,
    Lying,
    Refusing,
    ReplyLost,
)
from simulator.nodes import Call
from simulator.runs import KEK, TIMEOUTS, Cluster
from simulator.virtual_time import run_virtually

from osak.coordinator import Collected, NotEnoughSharesError, Outcome, Placement, Scheme, Status

SIZES = [(needed, total) for total in range(2, 7) for needed in range(2, min(total, 5) + 1)]
PROMPT_SECONDS = 0.04

_PROMPT = st.floats(0.001, PROMPT_SECONDS)
_ANY_CALL = st.sampled_from([(Call.NONCE,), (Call.FETCH,), (Call.NONCE, Call.FETCH)])
_FAILURES: st.SearchStrategy[Behaviour] = st.one_of(
    st.builds(Dead, _PROMPT),
    st.builds(Refusing, st.sampled_from([400, 401, 404, 429, 500, 503]), _PROMPT),
    st.builds(Garbage, _PROMPT),
    st.just(HalfOpen()),
    st.just(Impostor()),
    st.just(ReplyLost()),
    st.builds(Honest, st.floats(20, 60)),
)


@dataclass
class Trouble:
    """A cluster that has stored its shares and then went bad in some places.

    Attributes:
        bad: places of nodes that fail or lie somewhere.
        liars: places of those that return wrong shares.
    """

    cluster: Cluster
    placements: tuple[Placement, ...]
    bad: set[int]
    liars: set[int]


@st.composite
def troubles(draw: st.DrawFn, *, enough: bool, scheme: Scheme = "t-of-n") -> Trouble:
    """Trouble that leaves enough good nodes, or just too few."""
    needed, total = draw(st.sampled_from(SIZES))
    cluster = Cluster(needed, total, scheme=scheme)
    spare = total - cluster.needed
    least, most = (0, spare) if enough else (spare + 1, total)
    bad = draw(st.sets(st.integers(0, total - 1), min_size=least, max_size=most))
    liars = draw(st.sets(st.sampled_from(sorted(bad)))) if bad else set()
    trouble = Trouble(cluster, cluster.stored().placements, bad, liars)
    for place, node in enumerate(cluster.nodes):
        node.behave(draw(st.builds(Honest, _PROMPT)))
        if place in liars:
            node.behave(Lying(_lie(place, draw(st.integers(0, 3))), draw(_PROMPT)), Call.FETCH)
        elif place in bad:
            node.behave(draw(_FAILURES), *draw(_ANY_CALL))
    return trouble


def _lie(place: int, number: int) -> bytes:
    """A mask that does not cancel against another liar's; such lies would add up to the truth."""
    return sha256(f"lie {number} of node {place}".encode()).digest()


def _run(trouble: Trouble) -> tuple[Collected | NotEnoughSharesError, float]:
    async def work() -> tuple[Collected | NotEnoughSharesError, float]:
        loop = asyncio.get_running_loop()
        started = loop.time()
        result: Collected | NotEnoughSharesError
        try:
            result = await trouble.cluster.collect(trouble.placements)
        except NotEnoughSharesError as error:
            result = error
        return result, loop.time() - started

    return run_virtually(work())


def _count(outcomes: tuple[Outcome, ...], status: Status) -> int:
    return sum(outcome.status is status for outcome in outcomes)


@settings(max_examples=200, deadline=None)
@given(troubles(enough=True))
def test_t_good_nodes_always_win_within_the_hedge_delay(trouble: Trouble) -> None:
    """Any t prompt honest nodes open the container, whatever the others do, in one hedge delay a bad node."""
    result, seconds = _run(trouble)
    assert isinstance(result, Collected)
    assert result.kek == KEK
    assert trouble.cluster.credential.signatures == 1
    # Nonces and the wait for those that are slow; then each bad node costs at most one hedged fetch.
    step = PROMPT_SECONDS + TIMEOUTS.hedge_after_seconds
    assert seconds <= step + PROMPT_SECONDS + len(trouble.bad) * step + 1e-6
    assert _count(result.outcomes, Status.OK) >= trouble.cluster.needed
    for place, outcome in enumerate(result.outcomes):
        assert outcome.server_id == f"n{place + 1}"
        if place not in trouble.bad:
            assert outcome.status in {Status.OK, Status.SPARE, Status.SLOW}
        assert (outcome.status is Status.WRONG_SHARE) <= (place in trouble.liars)


@settings(max_examples=200, deadline=None)
@given(troubles(enough=False))
def test_fewer_than_t_good_nodes_always_say_so(trouble: Trouble) -> None:
    """Never a hang, never a wrong secret: an error with one outcome a node, in the container's order."""
    result, seconds = _run(trouble)
    assert isinstance(result, NotEnoughSharesError)
    assert seconds <= TIMEOUTS.overall_seconds + 1e-6
    assert trouble.cluster.credential.signatures <= 1
    assert [outcome.server_id for outcome in result.outcomes] == [node.id for node in trouble.cluster.nodes]
    assert result.got < trouble.cluster.needed
    for place, outcome in enumerate(result.outcomes):
        assert (outcome.status is Status.OK) <= (place not in trouble.bad)
        assert (outcome.status is Status.WRONG_SHARE) <= (place in trouble.liars)


@settings(max_examples=60, deadline=None)
@given(troubles(enough=True, scheme="n-of-n"))
def test_n_of_n_wins_when_all_are_good(trouble: Trouble) -> None:
    """The official scheme with every node honest."""
    result, _ = _run(trouble)
    assert isinstance(result, Collected)
    assert result.kek == KEK


@settings(max_examples=60, deadline=None)
@given(troubles(enough=False, scheme="n-of-n"))
def test_n_of_n_never_gives_a_wrong_secret(trouble: Trouble) -> None:
    """One bad node is enough to fail, and nobody is called a liar for certain."""
    result, _ = _run(trouble)
    assert isinstance(result, NotEnoughSharesError)
    assert _count(result.outcomes, Status.WRONG_SHARE) == 0


@settings(max_examples=60, deadline=None)
@given(troubles(enough=True))
def test_a_liar_that_was_asked_is_always_named(trouble: Trouble) -> None:
    """Whoever returned a changed share stands in the outcomes as having done so."""
    result, _ = _run(trouble)
    for place in trouble.liars:
        node, outcome = trouble.cluster.nodes[place], result.outcomes[place]
        if Call.FETCH in node.calls:
            # It may have been asked last and not have answered before enough others had.
            assert outcome.status in {Status.WRONG_SHARE, Status.NOT_ASKED, Status.SLOW}
        else:
            assert outcome.status in {Status.SPARE, Status.SLOW}
