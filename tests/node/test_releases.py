# SPDX-License-Identifier: MIT
"""A recipient asks a node how often her share was given out, and when."""

from datetime import UTC, datetime

import pytest
from factories.nodes import LocalNode
from factories.people import TestCA
from hypothesis import given
from hypothesis import strategies as st

from osak.shares.errors import MessageError
from osak.shares.protocol.messages import MAX_COUNT, ReleasesReply
from osak.shares.protocol.urls import Purpose

TICKET, X5C = "x-cdoc2-auth-ticket", "x-cdoc2-auth-x5c"
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


async def fetch(node: LocalNode, path: str) -> int:
    """Fetch the share; return the status."""
    headers = {TICKET: await node.ticket(path), X5C: node.person.x5c}
    return (await node.client.get(path, headers=headers)).status


async def ask(node: LocalNode, path: str) -> ReleasesReply:
    """What the node tells its recipient."""
    headers = {TICKET: await node.ticket(path, Purpose.RELEASES), X5C: node.person.x5c}
    response = await node.client.get(f"{path}/releases", headers=headers)
    assert response.status == 200, await response.text()
    assert response.headers["Cache-Control"] == "no-store"
    return ReleasesReply.from_reply(await response.read())


def at(seconds: float) -> datetime:
    """Whole seconds."""
    return datetime.fromtimestamp(int(seconds), UTC)


async def test_each_release_is_told_with_its_time(node: LocalNode) -> None:
    """Asking is no release; each release is told, with its time, and since when the share is there."""
    stored = node.now
    path = await node.store_share()
    assert await ask(node, path) == ReleasesReply(at(stored), 0, ())
    times = []
    for _ in range(2):
        node.now += 100
        times.append(at(node.now))
        assert await fetch(node, path) == 200
    node.now += 50
    assert await ask(node, path) == ReleasesReply(at(stored), 2, tuple(times))


async def test_a_ticket_is_for_one_thing(node: LocalNode) -> None:
    """A ticket that asks about releases gets no share, and one for the share tells nothing of them."""
    path = await node.store_share()
    asking = {TICKET: await node.ticket(path, Purpose.RELEASES), X5C: node.person.x5c}
    fetching = {TICKET: await node.ticket(path), X5C: node.person.x5c}
    for place, headers in ((path, asking), (f"{path}/releases", fetching)):
        refused = await node.client.get(place, headers=headers)
        assert (refused.status, (await refused.json())["code"]) == (401, "ticket-refused")
    assert (await ask(node, path)).count == 0


async def test_a_ticket_that_asks_works_once(node: LocalNode) -> None:
    """Its nonce is spent like any other."""
    path = await node.store_share()
    headers = {TICKET: await node.ticket(path, Purpose.RELEASES), X5C: node.person.x5c}
    statuses = [(await node.client.get(f"{path}/releases", headers=headers)).status for _ in range(2)]
    assert statuses == [200, 404]


async def test_strangers_learn_nothing(node: LocalNode) -> None:
    """Somebody else's ticket, a share that is not there, and no ticket at all: refused as for the share."""
    path = await node.store_share()
    mine, node.person = node.person, TestCA().issue("PNOEE-60001019906")
    foreign = {TICKET: await node.ticket(path, Purpose.RELEASES), X5C: node.person.x5c}
    assert (await node.client.get(f"{path}/releases", headers=foreign)).status == 401
    assert (await node.client.get(f"{path}/releases")).status == 400
    node.person = mine
    headers = {TICKET: await node.ticket(path, Purpose.RELEASES), X5C: node.person.x5c}
    missing = f"/key-shares/{'ab' * 16}/releases"
    assert (await node.client.get(missing, headers=headers)).status == 401
    assert (await node.client.post(f"{path}/releases")).status == 405


@given(since=TIMES, count=st.integers(1, MAX_COUNT), times=st.lists(TIMES, min_size=1, max_size=50))
def test_reply_round_trip(since: datetime, count: int, times: list[datetime]) -> None:
    """What is encoded is read back, in whole seconds."""
    whole = [time.replace(microsecond=0) for time in sorted(times)]
    reply = ReleasesReply(since.replace(microsecond=0), max(count, len(whole)), tuple(whole))
    assert ReleasesReply.from_reply(reply.to_json()) == reply


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b'{"since":"2030-01-01T00:00:00Z","count":true,"times":[]}',
        b'{"since":"2030-01-01T00:00:00Z","count":-1,"times":[]}',
        b'{"since":"2030-01-01T00:00:00Z","count":1.0,"times":["2030-01-01T00:00:00Z"]}',
        b'{"since":"2030-01-01T00:00:00Z","count":0,"times":["2030-01-01T00:00:00Z"]}',
        b'{"since":"2030-01-01T00:00:00Z","count":2,"times":[]}',
        b'{"since":"2030-01-01T00:00:00Z","count":9007199254740993,"times":["2030-01-01T00:00:00Z"]}',
        b'{"since":"2030-01-01T00:00:00Z","count":1,"times":[7]}',
        b'{"since":"2030-01-01T00:00:00Z","count":1,"times":["yesterday"]}',
        b'{"since":"2030-01-01T00:00:00Z","count":2,"times":["2031-01-01T00:00:00Z","2030-01-01T00:00:00Z"]}',
        b'{"since":"soon","count":0,"times":[]}',
    ],
)
def test_replies_that_cannot_be(body: bytes) -> None:
    """A server that contradicts itself, or says something else, is not believed."""
    with pytest.raises(MessageError):
        ReleasesReply.from_reply(body)
