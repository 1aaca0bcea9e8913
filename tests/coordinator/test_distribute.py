# SPDX-License-Identifier: MIT
"""``distribute``: a quorum takes its shares, or nobody keeps one."""

import asyncio
import hashlib
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator.behaviour import (
    Behaviour,
    Dead,
    Garbage,
    HalfOpen,
    Honest,
    Impostor,
    Refusing,
    ReplyLost,
    Stumbling,
)
from simulator.nodes import RECIPIENT, Call, SimulatedNode
from simulator.runs import KEK, SALT, Cluster
from simulator.virtual_time import run_virtually

from osak.coordinator import DistributionError, Scheme, Status, Timeouts
from osak.shares import MessageError, Share, ThresholdError, commit
from osak.shares.protocol.share_set import ShareSetMember
from osak.shares.protocol.strict_json import decode_base64


def _kept(cluster: Cluster) -> int:
    """How many shares lie somewhere."""
    return sum(len(node.shares) for node in cluster.nodes)


def _only_share(node: SimulatedNode) -> str:
    (share_id,) = node.shares
    return share_id


def _fail(cluster: Cluster) -> DistributionError:
    with pytest.raises(DistributionError) as caught:
        run_virtually(cluster.store())
    return caught.value


def test_every_server_gets_its_own_share_and_the_container_its_record() -> None:
    """Placements name server, share and commitment; the nodes know set, expiry and revocation hash."""
    cluster = Cluster(3, 5)
    expires_at = datetime(2030, 1, 31, tzinfo=UTC)
    distribution = run_virtually(
        cluster.coordinator.store(
            KEK,
            cluster.group,
            RECIPIENT,
            scheme="t-of-n",
            salt=SALT,
            expires_at=expires_at,
            random_bytes=Random(7).randbytes,
        )
    )
    assert distribution.threshold == 3
    assert distribution.salt == SALT
    assert [outcome.status for outcome in distribution.outcomes] == [Status.OK] * 5
    for index, (node, placement, receipt) in enumerate(
        zip(cluster.nodes, distribution.placements, distribution.receipts, strict=True), start=1
    ):
        stored = node.shares[_only_share(node)]
        assert placement.index == index
        assert placement.server_url == f"https://n{index}.example:8443"
        assert (placement.server_id, placement.share_id) == (node.id, _only_share(node))
        assert placement.commitment == commit(Share(index, stored.message.share), SALT)
        assert stored.message.recipient == RECIPIENT
        assert stored.options.expires_at == expires_at
        assert stored.options.share_set == ShareSetMember(distribution.share_set, index, 3, 5)
        token = decode_base64(receipt.revocation_token)
        assert stored.options.revocation_hash == hashlib.sha256(token).digest()


def test_all_uploads_run_at_once() -> None:
    """Five servers take as long as the slowest of them."""
    cluster = Cluster(3, 5)

    async def work() -> float:
        started = asyncio.get_running_loop().time()
        await cluster.store()
        return asyncio.get_running_loop().time() - started

    assert run_virtually(work()) == pytest.approx(0.02)


def test_n_of_n_carries_no_commitments_and_is_no_share_set() -> None:
    """XOR shares must not look like Shamir shares to a node, and the official record has no commitments."""
    cluster = Cluster(2, 3, scheme="n-of-n", write_quorum=2)
    distribution = run_virtually(cluster.store())
    assert distribution.threshold == 3
    assert distribution.share_set == b""
    assert {placement.commitment for placement in distribution.placements} == {None}
    assert all(node.shares[_only_share(node)].options.share_set is None for node in cluster.nodes)


def test_secrets_do_not_show() -> None:
    """Neither the KEK nor a token nor the salt appears in what a log might print."""
    distribution = run_virtually(Cluster(2, 2).store())
    shown = repr(distribution) + repr(distribution.receipts)
    assert distribution.receipts[0].revocation_token not in shown
    assert repr(SALT) not in shown


def test_one_server_down_undoes_everything_by_default() -> None:
    """Without a write quorum every server is needed; the others' shares are revoked again."""
    cluster = Cluster(2, 4)
    cluster.nodes[3].behave(Refusing(500))
    error = _fail(cluster)
    assert _kept(cluster) == 0
    assert error.orphans == ()
    assert (error.needed, error.got) == (4, 3)
    assert error.outcomes[3].status is Status.REFUSED
    assert error.outcomes[0].detail == "took its share; it was revoked again"
    assert "refused: n4 (Organisation n4) answered 500" in str(error)


def test_the_write_quorum_lets_a_server_be_down() -> None:
    """With quorum 3 of 4 only those that took their share become placements."""
    cluster = Cluster(2, 4, write_quorum=3)
    cluster.nodes[1].behave(Dead())
    distribution = run_virtually(cluster.store())
    assert [placement.index for placement in distribution.placements] == [1, 3, 4]
    assert len(distribution.receipts) == 3
    assert distribution.outcomes[1].status is Status.UNREACHABLE
    cluster.nodes[0].behave(Dead())
    assert run_virtually(cluster.collect(distribution.placements)).kek == KEK


def test_n_of_n_ignores_the_write_quorum() -> None:
    """A missing XOR share is a lost container, whatever quorum the group has."""
    cluster = Cluster(2, 3, scheme="n-of-n", write_quorum=2)
    cluster.nodes[0].behave(Dead())
    _fail(cluster)
    assert _kept(cluster) == 0


def test_an_upload_still_under_way_is_revoked_when_its_answer_comes() -> None:
    """Failure is clear at once, yet a server that answers a second later keeps no orphan."""
    cluster = Cluster(2, 3)
    cluster.nodes[0].behave(Refusing(500, 0.001))
    cluster.nodes[2].behave(Honest(1.0), Call.CREATE)
    error = _fail(cluster)
    assert _kept(cluster) == 0
    assert error.outcomes[2].status is Status.OK


def test_undoing_does_not_wait_forever() -> None:
    """A server that hangs with our share is given a moment, then reported."""
    cluster = Cluster(2, 3)
    cluster.nodes[0].behave(Refusing(500, 0.001))
    cluster.nodes[2].behave(HalfOpen(), Call.CREATE)

    async def work() -> float:
        started = asyncio.get_running_loop().time()
        with pytest.raises(DistributionError) as caught:
            await cluster.store()
        assert caught.value.outcomes[2].status is Status.SLOW
        return asyncio.get_running_loop().time() - started

    assert run_virtually(work()) < 2.1


def test_what_cannot_be_revoked_is_handed_back_as_receipts() -> None:
    """The error carries what a later ``revoke`` needs, and says where."""
    cluster = Cluster(2, 3)
    cluster.nodes[0].behave(Refusing(500))
    cluster.nodes[1].behave(Refusing(404), Call.REVOKE)
    error = _fail(cluster)
    assert [orphan.server_id for orphan in error.orphans] == ["n2"]
    assert "could not be revoked at: n2" in str(error)
    assert error.orphans[0].revocation_token not in str(error) + repr(error.orphans)
    cluster.nodes[1].behave(Honest())
    outcomes = run_virtually(cluster.coordinator.revoke(error.orphans))
    assert [outcome.status for outcome in outcomes] == [Status.OK]
    assert _kept(cluster) == 0


def test_an_upload_is_never_repeated_once_it_was_sent() -> None:
    """A lost answer may hide a stored share; a second one would be an orphan more."""
    cluster = Cluster(2, 3, write_quorum=2)
    cluster.nodes[0].behave(ReplyLost(), Call.CREATE)
    distribution = run_virtually(cluster.store())
    assert cluster.nodes[0].calls.count(Call.CREATE) == 1
    assert distribution.outcomes[0].status is Status.UNREACHABLE


def test_an_upload_that_was_never_sent_is_repeated() -> None:
    """A refused connection is safe to try again."""
    cluster = Cluster(2, 2)
    cluster.nodes[0].behave(Stumbling(2), Call.CREATE)
    assert len(run_virtually(cluster.store()).placements) == 2


def test_the_overall_deadline_ends_the_wait_for_stragglers() -> None:
    """With the quorum reached, a hanging server is given up when the deadline comes."""
    cluster = Cluster(2, 3, write_quorum=2, timeouts=Timeouts(overall_seconds=3, request_seconds=10))
    cluster.nodes[1].behave(HalfOpen())
    distribution = run_virtually(cluster.store())
    assert [placement.index for placement in distribution.placements] == [1, 3]
    assert distribution.outcomes[1].elapsed_seconds == pytest.approx(3)


def test_cancelling_revokes_what_was_stored() -> None:
    """Ctrl-C in the middle leaves no share behind either."""
    cluster = Cluster(2, 3)
    cluster.nodes[2].behave(Honest(1.5), Call.CREATE)

    async def work() -> None:
        task = asyncio.get_running_loop().create_task(cluster.store())
        await asyncio.sleep(0.5)
        assert _kept(cluster) == 2
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_virtually(work())
    assert _kept(cluster) == 0


@pytest.mark.parametrize("scheme", ["n-of-n", "t-of-n"])
def test_what_no_ticket_could_open_is_not_stored(scheme: Scheme) -> None:
    """One signature reaches 64 servers: whoever needs 65 is told so, and no server hears of it."""
    cluster = Cluster(2, 65, scheme=scheme)
    if scheme == "t-of-n":
        # As somebody may who raises a threshold without validating the group again.
        cluster.group = cluster.group.model_copy(update={"threshold": 65})
    with pytest.raises(ThresholdError, match="65 of 65 servers would be needed"):
        run_virtually(cluster.store())
    assert all(node.calls == [] for node in cluster.nodes)


def test_n_of_n_over_as_many_servers_as_a_ticket_names() -> None:
    """64 of 64 is the most, and it opens again."""
    cluster = Cluster(2, 64, scheme="n-of-n")
    assert run_virtually(cluster.collect(cluster.stored().placements)).kek == KEK


def test_a_malformed_recipient_reaches_no_server() -> None:
    """Mistakes of the caller are found before anything is sent."""
    cluster = Cluster(2, 2)
    with pytest.raises(MessageError):
        run_virtually(cluster.coordinator.store(KEK, cluster.group, "somebody", scheme="t-of-n", salt=SALT))
    assert [node.calls for node in cluster.nodes] == [[], []]


_BAD_CREATE: st.SearchStrategy[Behaviour] = st.sampled_from(
    [Dead(), Refusing(500), Garbage(), Impostor(), HalfOpen()]
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_quorum_or_nothing(data: st.DataObject) -> None:
    """Whatever fails where: either the quorum has its shares and they open, or no share is left anywhere."""
    total = data.draw(st.integers(2, 6))
    threshold = data.draw(st.integers(2, total))
    quorum = data.draw(st.integers(threshold, total))
    cluster = Cluster(threshold, total, write_quorum=quorum)
    bad = data.draw(st.sets(st.integers(0, total - 1)))
    for place, node in enumerate(cluster.nodes):
        node.behave(data.draw(st.builds(Honest, st.floats(0.001, 1.5))), Call.CREATE)
        if place in bad:
            node.behave(data.draw(_BAD_CREATE), Call.CREATE)
    if total - len(bad) >= quorum:
        distribution = run_virtually(cluster.store())
        assert len(distribution.placements) == _kept(cluster) == total - len(bad)
        assert run_virtually(cluster.collect(distribution.placements)).kek == KEK
    else:
        error = _fail(cluster)
        assert _kept(cluster) == 0
        assert error.orphans == ()
        assert len(error.outcomes) == total
