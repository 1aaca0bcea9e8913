# SPDX-License-Identifier: MIT
"""``collect`` when shares are stale, without commitments, or all needed: who is believed, who is named."""

import asyncio
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from simulator.behaviour import Lying, Refusing
from simulator.nodes import Call
from simulator.runs import KEK, TIMEOUTS, Cluster, failed, statuses, timed
from simulator.virtual_time import VirtualTimeLoop, run_virtually

from osak.coordinator import NotEnoughSharesError, Placement, Status, WrongSecretError
from osak.coordinator.recovery import Recovery
from osak.shares import Share, Threshold, add, commit, share_zero, split
from osak.shares.robust import MAX_WORK


@pytest.mark.parametrize("liars", range(3))
def test_refreshed_shares_still_open_the_container(liars: int) -> None:
    """When no share matches any more, t-subsets decide, and whoever disagrees is named."""
    cluster = Cluster(3, 5)
    placements = cluster.stored().placements
    zero = share_zero(Threshold(3, 5))
    for node, change in zip(cluster.nodes, zero, strict=True):
        share_id, stored = next(iter(node.shares.items()))
        refreshed = add(Share(change.index, stored.message.share), change)
        node.shares[share_id] = replace(stored, message=replace(stored.message, share=refreshed.value))
    for number in range(liars):
        cluster.nodes[number].behave(Lying(bytes([number + 1])))
    collected, _ = timed(cluster, placements)
    assert collected.kek == KEK
    expected = [Status.WRONG_SHARE] * liars + [Status.OK] * 3
    assert statuses(collected)[: liars + 3] == expected


def test_shares_without_commitments_are_judged_by_the_secret() -> None:
    """A container without commitments costs tries, never a wrong secret; the liar is named."""
    cluster = Cluster(3, 5)
    placements = tuple(replace(placement, commitment=None) for placement in cluster.stored().placements)
    cluster.nodes[0].behave(Lying())
    collected, _ = timed(cluster, placements)
    assert collected.kek == KEK
    assert statuses(collected) == [Status.WRONG_SHARE, Status.OK, Status.OK, Status.OK, Status.SPARE]


def test_shares_without_commitments_and_too_many_liars_blame_nobody() -> None:
    """When no subset opens the container nothing tells who lied, and the outcomes say just that."""
    cluster = Cluster(3, 4)
    placements = tuple(replace(placement, commitment=None) for placement in cluster.stored().placements)
    cluster.nodes[0].behave(Lying(b"\x01"))
    cluster.nodes[1].behave(Lying(b"\x02"))
    assert set(statuses(failed(cluster, placements))) == {Status.DOUBTFUL}


def test_a_changed_container_is_not_blamed_on_the_servers() -> None:
    """All shares match their commitments but the secret opens nothing: the container was changed."""
    cluster = Cluster(2, 3)
    placements = cluster.stored().placements
    with pytest.raises(WrongSecretError, match="together they do not open the container"):
        run_virtually(cluster.collect(placements, is_secret=lambda _: False))


def test_n_of_n_needs_everyone() -> None:
    """The official scheme: all shares, XORed, accepted by the caller's check."""
    cluster = Cluster(2, 4, scheme="n-of-n")
    collected, seconds = timed(cluster, cluster.stored().placements)
    assert collected.kek == KEK
    assert seconds == pytest.approx(0.04)
    assert statuses(collected) == [Status.OK] * 4


def test_n_of_n_with_one_node_down_fails_at_once() -> None:
    """One refusal is the end of n-of-n, before a signature."""
    cluster = Cluster(2, 4, scheme="n-of-n")
    placements = cluster.stored().placements
    cluster.nodes[3].behave(Refusing(seconds=0.001))
    error = failed(cluster, placements)
    assert cluster.credential.signatures == 0
    assert error.outcomes[3].status is Status.REFUSED


def test_n_of_n_with_a_liar_says_that_it_cannot_name_it() -> None:
    """XOR shares carry no commitment: one of them is wrong, and nobody is framed."""
    cluster = Cluster(2, 3, scheme="n-of-n")
    placements = cluster.stored().placements
    cluster.nodes[1].behave(Lying())
    with pytest.raises(WrongSecretError) as caught:
        run_virtually(cluster.collect(placements))
    assert statuses(caught.value) == [Status.DOUBTFUL] * 3


def test_committed_shares_that_contradict_each_other_open_nothing() -> None:
    """A sender who commits to shares of no one polynomial made a broken container, not a liar."""
    placements = Cluster(2, 3).stored().placements
    first, second, _ = split(KEK, Threshold(2, 3))
    *_, stranger = split(bytes(32), Threshold(2, 3))
    recovery = Recovery("t-of-n", 2, b"salt", lambda _: True)
    for placement, share in zip(placements, (first, second, stranger), strict=True):
        recovery.add(replace(placement, commitment=commit(share, b"salt")), share)
    assert list(recovery.attempts(still_to_come=0)) == [None]
    assert recovery.contradicted


@pytest.mark.parametrize(("needed", "total"), [(33, 64), (60, 64), (8, 16)])
def test_a_hostile_container_causes_no_more_than_a_bounded_number_of_tries(needed: int, total: int) -> None:
    """Wrong commitments for every share: tries do not start from the beginning with each share that comes."""
    tried = 0

    def is_secret(_: bytes) -> bool:
        nonlocal tried
        tried += 1
        return False

    recovery, source = Recovery("t-of-n", needed, b"salt", is_secret), Random(1)
    for index in range(1, total + 1):
        recovery.add(Placement("", "", "0" * 32, index, bytes(32)), Share(index, source.randbytes(32)))
        assert set(recovery.attempts(still_to_come=total - index)) <= {None}
    assert needed * tried < 3 * (MAX_WORK + needed)


def test_the_last_tries_have_an_allowance_of_their_own() -> None:
    """However much earlier tries cost in vain, there are tries with the last share that came."""
    all_came = False
    recovery, source = Recovery("t-of-n", 9, b"salt", lambda secret: all_came and secret == KEK), Random(1)
    liars = [Share(index, source.randbytes(32)) for index in (1, 2, 3)]
    found: list[bytes | None] = []
    for share in (*liars, *split(KEK, Threshold(9, 18))[3:]):
        all_came = share.index == 18
        recovery.add(Placement("", "", "0" * 32, share.index, bytes(32)), share)
        found += recovery.attempts(still_to_come=18 - share.index)
    assert found[-1] == KEK


class TestSlowCheck:
    """A check that takes 10 ms a try, as with a huge header, in a cluster where every server lies."""

    def test_tries_end_with_the_deadline(self) -> None:
        """They hold nobody up beyond it."""
        assert _times_of_slow_tries()[-1] < TIMEOUTS.overall_seconds + 0.5

    def test_the_loop_goes_on_between_tries(self) -> None:
        """Whoever answers, times out or cancels meanwhile is not late for it."""
        times = _times_of_slow_tries()
        assert max(later - sooner for sooner, later in pairwise(times)) < 1


def _times_of_slow_tries() -> list[float]:
    """When another task had its turn during the collection, in seconds; at last when it had ended."""
    cluster = Cluster(8, 16)
    stored = cluster.stored().placements
    placements = tuple(replace(placement, commitment=bytes(32)) for placement in stored)
    for number, node in enumerate(cluster.nodes, start=1):
        node.behave(Lying(Random(number).randbytes(32)), Call.FETCH)

    async def work() -> list[float]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        started, times = loop.time(), [0.0]

        def is_secret(_: bytes) -> bool:
            loop.spend(0.01)
            return False

        collecting = loop.create_task(cluster.collect(placements, is_secret=is_secret))
        while not collecting.done():
            await asyncio.wait([collecting], timeout=0.1)
            times.append(loop.time() - started)
        with pytest.raises(NotEnoughSharesError):
            collecting.result()
        return times

    return run_virtually(work())
