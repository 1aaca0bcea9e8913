# SPDX-License-Identifier: MIT
"""``collect``: the rules one by one, on a simulated cluster and a virtual clock."""

import asyncio
from dataclasses import replace

import pytest
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
    Stumbling,
)
from simulator.nodes import Call
from simulator.runs import KEK, TIMEOUTS, Cluster, failed, statuses, timed
from simulator.virtual_time import run_virtually

from osak.coordinator import (
    CredentialError,
    NotEnoughSharesError,
    Progress,
    Status,
    TicketSignature,
    Timeouts,
)
from osak.shares.protocol.messages import ShareMessage


def test_all_well_takes_two_round_trips_one_signature_and_only_t_shares() -> None:
    """With five honest nodes a 3-of-5 collection asks five nonces, one signature and three shares."""
    cluster = Cluster(3, 5)
    collected, seconds = timed(cluster, cluster.stored().placements)
    assert collected.kek == KEK
    assert seconds == pytest.approx(0.04)
    assert cluster.credential.signatures == 1
    calls = [call for node in cluster.nodes for call in node.calls]
    assert calls.count(Call.NONCE) == 5
    assert calls.count(Call.FETCH) == 3
    assert sorted(statuses(collected)) == [Status.OK] * 3 + [Status.SPARE] * 2


def test_a_liar_is_named_and_a_spare_takes_its_place() -> None:
    """A share that misses its commitment names its node, and costs one more fetch."""
    cluster = Cluster(3, 5)
    placements = cluster.stored().placements
    cluster.nodes[0].behave(Lying())
    collected, seconds = timed(cluster, placements)
    assert collected.kek == KEK
    assert seconds == pytest.approx(0.06)
    assert collected.outcomes[0].status is Status.WRONG_SHARE
    assert str(collected.outcomes[0]) == (
        "n1 (Organisation n1) returned a share that does not match the container"
    )


def test_a_slow_fetch_is_hedged_after_the_delay() -> None:
    """A node that answers the nonce and then hangs is replaced after the hedge delay."""
    cluster = Cluster(3, 5)
    placements = cluster.stored().placements
    cluster.nodes[1].behave(HalfOpen(), Call.FETCH)
    collected, seconds = timed(cluster, placements)
    assert seconds == pytest.approx(0.02 + 0.15 + 0.02)
    assert collected.outcomes[1].status is Status.SLOW
    assert collected.outcomes[1].elapsed_seconds == pytest.approx(0.02 + 0.17)


def test_a_slow_nonce_costs_the_hedge_delay_and_no_more() -> None:
    """One node without an answer holds the signature back for the hedge delay only."""
    cluster = Cluster(3, 5)
    placements = cluster.stored().placements
    cluster.nodes[4].behave(HalfOpen(), Call.NONCE)
    collected, seconds = timed(cluster, placements)
    assert seconds == pytest.approx(0.02 + 0.15 + 0.02)
    assert collected.outcomes[4].status is Status.SLOW


def test_dead_nodes_cost_nothing() -> None:
    """A refused connection is known at once: it is tried again, but nobody waits for that."""
    cluster = Cluster(3, 5)
    placements = cluster.stored().placements
    cluster.nodes[0].behave(Dead())
    cluster.nodes[1].behave(Dead())
    collected, seconds = timed(cluster, placements)
    assert seconds == pytest.approx(0.04)
    assert collected.kek == KEK


def test_a_nonce_that_comes_during_the_signature_is_too_late() -> None:
    """What is signed cannot be extended: a late node is reported slow, and is not asked for its share."""
    cluster = Cluster(2, 3)
    cluster.credential.thinking = Honest(60)
    placements = cluster.stored().placements
    cluster.nodes[2].behave(Honest(1.5), Call.NONCE)
    collected, seconds = timed(cluster, placements)
    assert seconds == pytest.approx(0.02 + 0.15 + 60 + 0.02)
    assert collected.outcomes[2].status is Status.SLOW
    assert collected.outcomes[2].detail == "answered after 1.50 s, too late for the signature"
    assert Call.FETCH not in cluster.nodes[2].calls


def test_a_person_may_take_longer_to_sign_than_every_network_deadline() -> None:
    """The overall deadline stands still while a person signs."""
    cluster = Cluster(2, 2, timeouts=Timeouts(overall_seconds=1, request_seconds=1))
    cluster.credential.thinking = Honest(240)
    collected, _ = timed(cluster, cluster.stored().placements)
    assert collected.kek == KEK
    assert max(outcome.elapsed_seconds for outcome in collected.outcomes) < 0.1


def test_too_few_nonces_end_it_before_anyone_is_asked_to_sign() -> None:
    """When t nodes can no longer answer, nobody types a PIN, and nobody waits for the others."""
    cluster = Cluster(3, 5)
    placements = cluster.stored().placements
    behaviours: tuple[Behaviour, ...] = (Refusing(), Garbage(), Impostor(), HalfOpen(), Honest(0.005))
    for node, behaviour in zip(cluster.nodes, behaviours, strict=True):
        node.behave(behaviour)
    error = failed(cluster, placements)
    assert cluster.credential.signatures == 0
    assert statuses(error) == [
        Status.REFUSED,
        Status.BAD_REPLY,
        Status.UNTRUSTED,
        Status.NOT_ASKED,
        Status.NOT_ASKED,
    ]
    assert (error.needed, error.got) == (3, 1)


def test_too_few_shares_name_every_node() -> None:
    """After the signature, too: the error tells of liar, refuser and the good ones."""
    cluster = Cluster(3, 4)
    placements = cluster.stored().placements
    cluster.nodes[0].behave(Lying(), Call.FETCH)
    cluster.nodes[1].behave(Refusing(), Call.FETCH)
    error = failed(cluster, placements)
    assert statuses(error) == [Status.WRONG_SHARE, Status.REFUSED, Status.OK, Status.OK]
    assert (error.needed, error.got) == (3, 2)
    assert "not enough shares: 3 needed, 2 to be had from 4 servers" in str(error)
    assert "wrong-share: n1 (Organisation n1) returned a share that does not match the container" in str(
        error
    )


def test_the_overall_deadline_ends_everything() -> None:
    """Servers that hang for longer than the overall deadline cannot hold a person up."""
    cluster = Cluster(2, 2, timeouts=Timeouts(overall_seconds=3, request_seconds=10))
    placements = cluster.stored().placements
    cluster.nodes[0].behave(HalfOpen(), Call.FETCH)

    async def work() -> float:
        loop = asyncio.get_running_loop()
        started = loop.time()
        with pytest.raises(NotEnoughSharesError) as caught:
            await cluster.collect(placements)
        assert statuses(caught.value) == [Status.SLOW, Status.OK]
        return loop.time() - started

    assert run_virtually(work()) == pytest.approx(3)


def test_the_overall_deadline_ends_the_wait_for_nonces() -> None:
    """The same before the signature."""
    cluster = Cluster(2, 2, timeouts=Timeouts(overall_seconds=3, request_seconds=10))
    placements = cluster.stored().placements
    cluster.nodes[0].behave(HalfOpen(), Call.NONCE)
    assert statuses(failed(cluster, placements)) == [Status.SLOW, Status.NOT_ASKED]


def test_a_stumble_is_repeated_when_every_node_is_needed() -> None:
    """A connection that fails once is tried again, for the nonce and for a share never asked for."""
    cluster = Cluster(2, 2)
    placements = cluster.stored().placements
    cluster.nodes[0].behave(Stumbling(2), Call.NONCE)
    cluster.nodes[1].behave(Stumbling(1), Call.FETCH)
    collected, _ = timed(cluster, placements)
    assert collected.kek == KEK
    assert cluster.credential.signatures == 1


def test_a_fetch_whose_answer_was_lost_is_not_repeated() -> None:
    """Its nonce may be spent: the node counts as unreachable and is asked no second time."""
    cluster = Cluster(2, 2)
    placements = cluster.stored().placements
    cluster.nodes[0].behave(ReplyLost(), Call.FETCH)
    error = failed(cluster, placements)
    assert error.outcomes[0].status is Status.UNREACHABLE
    assert cluster.nodes[0].calls.count(Call.FETCH) == 1


def test_a_share_of_another_recipient_or_length_is_not_used() -> None:
    """A reply about somebody else, or of the wrong length, fails its node and not the collection."""
    cluster = Cluster(2, 4)
    placements = cluster.stored().placements
    for node, message in (
        (cluster.nodes[0], ShareMessage(bytes(32), "etsi/PNOEE-60001017869")),
        (cluster.nodes[1], ShareMessage(bytes(64), cluster.credential.recipient_id)),
    ):
        # No behaviour says just this; the node is a fake of ours, so it is told directly.
        node.release = lambda *_, message=message: message  # type: ignore[method-assign]  # as said above
    collected, _ = timed(cluster, placements)
    assert statuses(collected) == [Status.BAD_REPLY, Status.WRONG_SHARE, Status.OK, Status.OK]


def test_a_cancelled_signature_ends_the_collection() -> None:
    """The credential's error comes out as it is, and nothing runs on."""
    cluster = Cluster(2, 3)
    placements = cluster.stored().placements
    cluster.nodes[2].behave(HalfOpen())

    async def refuse(signing_input: bytes) -> TicketSignature:
        raise CredentialError("cancelled on the phone")

    cluster.credential.sign = refuse  # type: ignore[method-assign]  # a credential of one method
    with pytest.raises(CredentialError, match="cancelled on the phone"):
        run_virtually(cluster.collect(placements))


def test_progress_tells_each_step_once() -> None:
    """A display can follow: nonces, the person, shares."""
    cluster = Cluster(2, 2)
    placements = cluster.stored().placements
    cluster.nodes[1].behave(Honest(0.05))
    told: list[Progress] = []
    run_virtually(cluster.collect(placements, on_progress=told.append))
    assert told == [
        Progress("asking", 0, 2),
        Progress("asking", 1, 2),
        Progress("asking", 2, 2),
        Progress("signing", 0, 1),
        Progress("signing", 1, 1),
        Progress("fetching", 0, 2),
        Progress("fetching", 1, 2),
        Progress("fetching", 2, 2),
    ]


def test_a_moved_server_gets_tickets_for_its_new_url() -> None:
    """The configuration moved an id: the node checks the audience against its new URL and releases."""
    cluster = Cluster(2, 2)
    placements = tuple(
        replace(placement, server_url=f"https://old-{placement.index}.example:8443")
        for placement in cluster.stored().placements
    )
    collected, _ = timed(cluster, placements)
    assert collected.kek == KEK


def test_very_many_servers_fit_on_one_ticket() -> None:
    """A ticket is one HTTP header: of 120 servers the 64 quickest are signed for."""
    cluster = Cluster(3, 120)
    placements = cluster.stored().placements
    collected, _ = timed(cluster, placements)
    assert collected.kek == KEK


def test_cancelling_a_collection_leaves_nothing_running() -> None:
    """Ctrl-C ends all calls."""
    cluster = Cluster(2, 3)
    placements = cluster.stored().placements
    for node in cluster.nodes:
        node.behave(HalfOpen())

    async def work() -> None:
        task = asyncio.get_running_loop().create_task(cluster.collect(placements))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_virtually(work())


def test_no_hedge_delay_asks_everyone_at_once() -> None:
    """``hedge_after_seconds: 0`` trades load for latency: all nodes are fetched from together."""
    cluster = Cluster(2, 4, timeouts=TIMEOUTS.model_copy(update={"hedge_after_seconds": 0.0}))
    placements = cluster.stored().placements
    for node in cluster.nodes[:2]:
        node.behave(Honest(0.5), Call.FETCH)
    collected, seconds = timed(cluster, placements)
    assert seconds == pytest.approx(0.04)
    assert collected.kek == KEK
