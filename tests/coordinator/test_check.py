# SPDX-License-Identifier: MIT
"""``check_group``: what an administrator learns about each server."""

import pytest
from simulator.behaviour import Behaviour, HalfOpen, Impostor, Refusing
from simulator.nodes import Call
from simulator.runs import Cluster
from simulator.virtual_time import run_virtually

from osak.coordinator import NodeCheck, Status, Timeouts
from osak.shares.protocol.urls import ServerURL


def _check(cluster: Cluster) -> tuple[NodeCheck, ...]:
    return run_virtually(cluster.coordinator.check(cluster.group))


def test_good_servers_are_who_the_configuration_says() -> None:
    """Identity, version and time, in the group's order."""
    checks = _check(Cluster(2, 3))
    assert [check.outcome.status for check in checks] == [Status.OK] * 3
    assert [check.identity.id for check in checks if check.identity] == ["n1", "n2", "n3"]
    assert checks[0].outcome.detail == "answered in 20 ms (version 1.0)"


def test_each_trouble_has_its_name() -> None:
    """An impostor, a hanging server and one that refuses are told apart."""
    cluster = Cluster(2, 3, timeouts=Timeouts(overall_seconds=3))
    behaviours: list[Behaviour] = [Impostor(), HalfOpen(), Refusing(500)]
    for node, behaviour in zip(cluster.nodes, behaviours, strict=True):
        node.behave(behaviour)
    statuses = [check.outcome.status for check in _check(cluster)]
    assert statuses == [Status.UNTRUSTED, Status.SLOW, Status.REFUSED]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_official_server_without_identity_is_usable(status: int) -> None:
    """It knows the API and no share of that id; that its identity is missing or hidden is no fault."""
    cluster = Cluster(2, 2)
    cluster.nodes[0].behave(Refusing(status), Call.IDENTITY)
    first, _ = _check(cluster)
    assert (first.outcome.status, first.identity) == (Status.OK, None)


@pytest.mark.parametrize("status", [401, 403, 400])
def test_a_server_that_refuses_everything_is_not_usable(status: int) -> None:
    """No identity and no share API: some other web server."""
    cluster = Cluster(2, 2)
    cluster.nodes[0].behave(Refusing(status))
    first, _ = _check(cluster)
    assert first.outcome.status is Status.REFUSED


def test_a_server_that_finds_nothing_is_not_usable() -> None:
    """404 to everything is what any web server says: nothing shows that it keeps shares."""
    cluster = Cluster(2, 2)
    cluster.nodes[0].behave(Refusing(404))
    first, _ = _check(cluster)
    assert first.outcome.status is Status.BAD_REPLY
    assert first.outcome.detail == "answered, but nothing shows that it is a share server"


def test_a_server_that_issues_nonces_for_any_share_is_not_usable() -> None:
    """A nonce for a share that nobody has shows that it does not look."""
    cluster = Cluster(2, 2)
    first_node = cluster.nodes[0]
    first_node.behave(Refusing(401), Call.IDENTITY)
    # No behaviour says just this; the node is a fake of ours, so it is told directly.
    first_node.issue_nonce = lambda share_id: share_id[:22]  # type: ignore[method-assign]  # as said above
    first, _ = _check(cluster)
    assert first.outcome.status is Status.BAD_REPLY
    assert first.outcome.detail == "issued a nonce for a share that nobody has"


def test_a_server_with_another_name_is_noticed() -> None:
    """Containers name servers by id: a wrong one in the configuration must come out early."""
    cluster = Cluster(2, 2)
    cluster.nodes[0].id = "renamed"
    first, _ = _check(cluster)
    assert first.outcome.status is Status.BAD_REPLY
    assert "calls itself renamed" in first.outcome.detail


def test_a_server_whose_tickets_name_another_url_is_noticed() -> None:
    """It would take shares and never give one back: its tickets would be for somebody else."""
    cluster = Cluster(2, 2)
    cluster.nodes[0].url = ServerURL("elsewhere.example", 443)
    first, second = _check(cluster)
    assert first.outcome.status is Status.BAD_REPLY
    assert "takes tickets for https://elsewhere.example:443 alone" in first.outcome.detail
    assert second.outcome.status is Status.OK
