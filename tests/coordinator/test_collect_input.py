# SPDX-License-Identifier: MIT
"""``collect`` and what a stranger's container may say: unknown servers, impossible placements."""

from dataclasses import replace

import pytest
from simulator.runs import Cluster, timed
from simulator.virtual_time import run_virtually

from osak.client.cli.failures import describe_failure
from osak.coordinator import InvalidPlacementError, Status, UnknownServerError


def test_unknown_servers_are_never_contacted() -> None:
    """A server that only the container knows is reported; the others go on without it."""
    cluster = Cluster(2, 3)
    first, *others = cluster.stored().placements
    stranger = replace(first, server_id="evil", server_url="https://evil.example:443")
    collected, _ = timed(cluster, (stranger, *others))
    assert collected.outcomes[0].status is Status.UNKNOWN
    assert "evil (https://evil.example:443)" in str(collected.outcomes[0])


def test_too_few_known_servers_are_an_error_of_its_own() -> None:
    """With fewer than t trusted servers nothing is asked at all."""
    cluster = Cluster(2, 2)
    first, other = cluster.stored().placements
    stranger = replace(first, server_id="evil", server_url="https://evil.example:443")
    with pytest.raises(UnknownServerError, match=r"evil \(https://evil.example:443\)"):
        run_virtually(cluster.collect((stranger, other)))
    assert cluster.nodes[1].calls == []


@pytest.mark.parametrize(
    "change",
    [{"index": 2}, {"index": 0}, {"index": 256}, {"share_id": "../../admin/secrets"}, {"share_id": ""}],
    ids=repr,
)
def test_placements_of_no_sharing_are_refused(change: dict[str, str | int]) -> None:
    """Repeated or impossible indices and share ids that are paths reach no server."""
    cluster = Cluster(2, 2)
    first, other = cluster.stored().placements
    with pytest.raises(InvalidPlacementError):
        run_virtually(cluster.collect((replace(first, **change), other)))  # type: ignore[arg-type]  # bad on purpose


@pytest.mark.parametrize("threshold", [0, 1, 3])
def test_thresholds_of_no_sharing_are_refused(threshold: int) -> None:
    """A container that asks for one share, or for more than there are, is not believed."""
    cluster = Cluster(2, 2)
    placements = cluster.stored().placements
    cluster.threshold = threshold
    with pytest.raises(InvalidPlacementError):
        run_virtually(cluster.collect(placements))


@pytest.mark.parametrize("url", ["https://n1.example:8443/", "https://elsewhere.example"])
def test_two_shares_at_one_server_are_refused(url: str) -> None:
    """By another spelling of its URL or by its id: a server that is asked twice is no sharing of two."""
    cluster = Cluster(2, 3)
    first, second, third = cluster.stored().placements
    twin = replace(second, server_id="n1", server_url=url)
    with pytest.raises(InvalidPlacementError, match="at the same server"):
        run_virtually(cluster.collect((first, twin, third)))
    assert all(node.calls == [] for node in cluster.nodes)


def test_a_threshold_beyond_a_ticket_is_refused_as_the_containers_fault() -> None:
    """65 shares cannot be had with one signature: exit code 5, before any server is asked."""
    cluster = Cluster(3, 65)
    placements = cluster.stored().placements
    cluster.threshold = 65
    with pytest.raises(InvalidPlacementError) as caught:
        run_virtually(cluster.collect(placements))
    failure = describe_failure(caught.value)
    assert failure is not None
    assert failure.exit_code == 5
    assert all(node.calls == [] for node in cluster.nodes)
