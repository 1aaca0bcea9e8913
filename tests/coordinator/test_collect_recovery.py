# SPDX-License-Identifier: MIT
"""``collect`` when shares are stale, without commitments, or all needed: who is believed, who is named."""

from dataclasses import replace

import pytest
from simulator.behaviour import Lying, Refusing
from simulator.runs import KEK, Cluster, failed, statuses, timed
from simulator.virtual_time import run_virtually

from osak.coordinator import Status, WrongSecretError
from osak.coordinator.recovery import Recovery
from osak.shares import Share, Threshold, add, commit, share_zero, split


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
    assert recovery.recover(nothing_else_left=False) is None
    assert recovery.contradicted
