# SPDX-License-Identifier: MIT
"""``ask_releases``: every server is asked at once, with one signature, and each has its own outcome."""

from dataclasses import replace
from datetime import timedelta

import pytest
from simulator.behaviour import Dead, HalfOpen, Stumbling
from simulator.nodes import STORED_AT, Call, TestCredential
from simulator.runs import Cluster
from simulator.virtual_time import run_virtually

from osak.coordinator import CredentialError, NoAnswerError, Status, Timeouts, UnknownServerError
from osak.shares.protocol.messages import ReleasesReply


def test_all_are_asked_with_one_signature() -> None:
    """Each server's record comes back beside its outcome; no share was fetched."""
    cluster = Cluster(2, 3)
    placements = cluster.stored().placements
    record = ReleasesReply(STORED_AT, 2, (STORED_AT + timedelta(days=1), STORED_AT + timedelta(days=2)))
    cluster.nodes[1].releases[placements[1].share_id] = record
    credential = TestCredential()
    said = run_virtually(cluster.coordinator.ask_releases(placements, credential))
    assert [each.outcome.status for each in said] == [Status.OK] * 3
    assert [each.releases for each in said] == [
        ReleasesReply(STORED_AT, 0, ()),
        record,
        ReleasesReply(STORED_AT, 0, ()),
    ]
    assert credential.signatures == 1
    assert all(Call.FETCH not in node.calls for node in cluster.nodes)


def test_each_server_has_its_own_outcome() -> None:
    """Dead, hanging, stumbling and unknown servers keep nobody from hearing the others."""
    cluster = Cluster(2, 5, timeouts=Timeouts(overall_seconds=3))
    placements = list(cluster.stored().placements)
    cluster.nodes[0].behave(Dead(), Call.NONCE)
    cluster.nodes[1].behave(HalfOpen(), Call.RELEASES)
    cluster.nodes[2].behave(Stumbling(2), Call.NONCE)
    placements[3] = replace(placements[3], server_id="evil", server_url="https://evil.example")
    said = run_virtually(cluster.coordinator.ask_releases(placements, TestCredential()))
    assert [each.outcome.status for each in said] == [
        Status.UNREACHABLE,
        Status.SLOW,
        Status.OK,
        Status.UNKNOWN,
        Status.OK,
    ]
    assert [each.releases is not None for each in said] == [False, False, True, False, True]
    assert cluster.nodes[3].calls.count(Call.NONCE) == 0


def test_a_server_that_hangs_is_not_waited_for_for_ever() -> None:
    """One that never gives its nonce is told as slow; the others are signed for and asked."""
    cluster = Cluster(2, 3, timeouts=Timeouts(overall_seconds=2))
    placements = cluster.stored().placements
    cluster.nodes[0].behave(HalfOpen(), Call.NONCE)
    credential = TestCredential()
    said = run_virtually(cluster.coordinator.ask_releases(placements, credential))
    assert [each.outcome.status for each in said] == [Status.SLOW, Status.OK, Status.OK]
    assert credential.signatures == 1


def test_nobody_is_asked_to_sign_in_vain() -> None:
    """Without a nonce there is no signature; the error has every outcome."""
    cluster = Cluster(2, 3)
    placements = cluster.stored().placements
    for node in cluster.nodes:
        node.behave(Dead(), Call.NONCE)
    credential = TestCredential()
    with pytest.raises(NoAnswerError) as caught:
        run_virtually(cluster.coordinator.ask_releases(placements, credential))
    assert [outcome.status for outcome in caught.value.outcomes] == [Status.UNREACHABLE] * 3
    assert credential.signatures == 0


def test_only_unknown_servers() -> None:
    """A container whose servers nobody configured sends no ticket anywhere."""
    cluster = Cluster(2, 2)
    strangers = [
        replace(placement, server_id=f"evil{number}", server_url=f"https://evil{number}.example")
        for number, placement in enumerate(cluster.stored().placements)
    ]
    with pytest.raises(UnknownServerError):
        run_virtually(cluster.coordinator.ask_releases(strangers, TestCredential()))


def test_a_refused_signature_ends_it() -> None:
    """Who does not sign asks nobody."""

    class Unwilling(TestCredential):
        async def sign(self, signing_input: bytes) -> "object":  # type: ignore[override]  # it never returns
            raise CredentialError("you cancelled the request")

    cluster = Cluster(2, 2)
    placements = cluster.stored().placements
    with pytest.raises(CredentialError):
        run_virtually(cluster.coordinator.ask_releases(placements, Unwilling()))  # type: ignore[arg-type]  # see above
    assert all(Call.RELEASES not in node.calls for node in cluster.nodes)
