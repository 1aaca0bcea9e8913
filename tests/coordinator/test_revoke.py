# SPDX-License-Identifier: MIT
"""``revoke``: the sender takes shares back."""

from dataclasses import replace

from simulator.behaviour import Dead, HalfOpen, Stumbling
from simulator.nodes import Call
from simulator.runs import Cluster
from simulator.virtual_time import run_virtually

from osak.coordinator import Status, Timeouts


def test_receipts_revoke_every_share_once() -> None:
    """All shares are gone; a second time the servers know nothing of them."""
    cluster = Cluster(2, 3)
    receipts = cluster.stored().receipts
    first = run_virtually(cluster.coordinator.revoke(receipts))
    assert [outcome.status for outcome in first] == [Status.OK] * 3
    assert not any(node.shares for node in cluster.nodes)
    second = run_virtually(cluster.coordinator.revoke(receipts))
    assert [outcome.status for outcome in second] == [Status.GONE] * 3


def test_each_server_has_its_own_outcome() -> None:
    """Dead, hanging, stumbling and unknown servers do not disturb each other."""
    cluster = Cluster(2, 4, timeouts=Timeouts(overall_seconds=3))
    receipts = list(cluster.stored().receipts)
    cluster.nodes[0].behave(Dead(), Call.REVOKE)
    cluster.nodes[1].behave(HalfOpen(), Call.REVOKE)
    cluster.nodes[2].behave(Stumbling(2), Call.REVOKE)
    receipts[3] = replace(receipts[3], server_id="evil", server_url="https://evil.example")
    outcomes = run_virtually(cluster.coordinator.revoke(receipts))
    assert [outcome.status for outcome in outcomes] == [
        Status.UNREACHABLE,
        Status.SLOW,
        Status.OK,
        Status.UNKNOWN,
    ]
    assert cluster.nodes[3].shares


def test_a_wrong_token_revokes_nothing() -> None:
    """Only the sender's token does."""
    cluster = Cluster(2, 2)
    first, second = cluster.stored().receipts
    forged = replace(first, revocation_token=second.revocation_token)
    (outcome,) = run_virtually(cluster.coordinator.revoke([forged]))
    assert outcome.status is Status.GONE
    assert cluster.nodes[0].shares
