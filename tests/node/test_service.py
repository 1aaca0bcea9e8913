# SPDX-License-Identifier: MIT
"""A node's use cases: who gets a share, once, and what a thief of the store learns."""

import asyncio
import hashlib
import secrets
from datetime import UTC, datetime
from pathlib import Path

import pytest
from factories.people import Person, TestCA

from osak.node.audit.journal import Journal
from osak.node.auth.base import Evidence
from osak.node.auth.certificates import CertificateVerifier
from osak.node.auth.observer import TrustObserver
from osak.node.auth.revocation import StatusChecker
from osak.node.auth.sd_jwt import SDJWTAuthenticator
from osak.node.errors import BadRequestError, SealingError, ShareNotFoundError, TicketRefusedError
from osak.node.expiry import ERASED_AFTER_SECONDS, ExpiryRules
from osak.node.limits.counter import MemoryCounter
from osak.node.limits.recipients import RecipientLimit
from osak.node.nonces import NonceMint
from osak.node.sealing import NodeKey, Sealer
from osak.node.service import ShareService
from osak.node.storage.base import ShareStore
from osak.node.storage.memory import MemoryShareStore
from osak.node.storage.sqlite import SQLiteShareStore
from osak.shares.certificates.settings import RevocationSettings
from osak.shares.protocol.messages import ShareMessage
from osak.shares.protocol.share_set import ShareSetMember
from osak.shares.protocol.urls import Audience, ServerURL

URL = ServerURL("node.example", 8443)
LIFE = 300
CA = TestCA()
PERSON = CA.issue()
SHARE = secrets.token_bytes(32)


class Clock:
    """A clock that tests turn."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).timestamp()

    def __call__(self) -> float:
        return self.now


async def never(url: str, question: bytes | None, max_bytes: int) -> bytes:
    """Nobody is asked about certificates that name nobody."""
    raise AssertionError(url)


class Node:
    """A service with its clock."""

    def __init__(self, store: ShareStore | None = None, master: bytes = b"k" * 32) -> None:
        key = NodeKey.from_bytes(master)
        self.clock = Clock()
        self.service = ShareService(
            public_url=URL,
            store=store or MemoryShareStore(),
            authenticator=SDJWTAuthenticator(CertificateVerifier([CA.certificate])),
            revocation=StatusChecker(RevocationSettings(), never, secrets.token_bytes, TrustObserver()),
            sealer=Sealer(key, secrets.token_bytes),
            nonces=NonceMint([key.nonce_key], life_seconds=LIFE, random_bytes=secrets.token_bytes),
            expiry=ExpiryRules(1000, 5000),
            journal=Journal(None),
            recipient_limit=RecipientLimit(MemoryCounter(), None),
            clock=self.clock,
            random_bytes=secrets.token_bytes,
        )

    async def create(self, person: Person = PERSON, **options: object) -> str:
        message = ShareMessage(SHARE, person.recipient_id)
        return (await self.service.create(message, **options)).share_id  # type: ignore[arg-type]  # options vary

    async def evidence(self, share_id: str, person: Person = PERSON, **changes: object) -> Evidence:
        nonce = (await self.service.issue_nonce(share_id)).nonce
        audience = {"server": URL, "share_id": share_id, "nonce": nonce, **changes}
        return Evidence(person.ticket(Audience(**audience)), person.x5c)  # type: ignore[arg-type]  # changes vary


async def test_release_once() -> None:
    """The recipient gets the share; the same ticket does not work again; a new nonce does."""
    node = Node()
    share_id = await node.create()
    evidence = await node.evidence(share_id)
    assert (await node.service.release(share_id, evidence)).share == SHARE
    with pytest.raises(ShareNotFoundError):
        await node.service.release(share_id, evidence)
    assert (await node.service.release(share_id, await node.evidence(share_id))).share == SHARE


async def test_one_of_many_at_once() -> None:
    """Of many simultaneous requests with one ticket exactly one gets the share."""
    node = Node()
    share_id = await node.create()
    evidence = await node.evidence(share_id)
    results = await asyncio.gather(
        *(node.service.release(share_id, evidence) for _ in range(10)), return_exceptions=True
    )
    assert sum(isinstance(result, ShareMessage) for result in results) == 1


async def test_several_nonces_live_at_once() -> None:
    """Nobody is locked out by nonces that others asked for."""
    node = Node()
    share_id = await node.create()
    first = await node.evidence(share_id)
    for _ in range(100):
        await node.service.issue_nonce(share_id)
    assert (await node.service.release(share_id, first)).share == SHARE


@pytest.mark.parametrize(
    "server",
    [ServerURL("other.example", 8443), ServerURL("node.example", 443), ServerURL("node.example", 8443, "/x")],
)
async def test_another_server(server: ServerURL) -> None:
    """A ticket for another host, port or path opens nothing here."""
    node = Node()
    share_id = await node.create()
    with pytest.raises(TicketRefusedError):
        await node.service.release(share_id, await node.evidence(share_id, server=server))


async def test_another_share_or_nonce() -> None:
    """A ticket or a nonce of another share opens nothing, and does not burn the right one."""
    node = Node()
    mine, other = await node.create(), await node.create()
    with pytest.raises(TicketRefusedError):
        await node.service.release(other, await node.evidence(mine))
    foreign = (await node.service.issue_nonce(other)).nonce
    for nonce in (foreign, "A" * 22, foreign[:-1], "!" * 0 + "B" * 40):
        with pytest.raises(ShareNotFoundError):
            await node.service.release(mine, await node.evidence(mine, nonce=nonce))


async def test_another_person() -> None:
    """Another person gets the same answer as for a share that is not there, and burns nothing."""
    node = Node()
    share_id = await node.create()
    nonce = (await node.service.issue_nonce(share_id)).nonce
    other = CA.issue("PNOEE-38001085718")
    with pytest.raises(ShareNotFoundError):
        await node.service.release(share_id, await node.evidence(share_id, other, nonce=nonce))
    assert (await node.service.release(share_id, await node.evidence(share_id, nonce=nonce))).share == SHARE


async def test_nonce_grows_old() -> None:
    """A nonce works until its life is over and not after."""
    node = Node()
    share_id = await node.create()
    in_time, late = await node.evidence(share_id), await node.evidence(share_id)
    node.clock.now += LIFE - 1
    assert (await node.service.release(share_id, in_time)).share == SHARE
    node.clock.now += 2
    with pytest.raises(ShareNotFoundError):
        await node.service.release(share_id, late)


async def test_revoke() -> None:
    """Only the sender's token deletes a share; afterwards it is as if it had never been."""
    node, token = Node(), secrets.token_bytes(32)
    share_id = await node.create(revocation_hash=hashlib.sha256(token).digest())
    for wrong in (bytes(32), b""):
        with pytest.raises(ShareNotFoundError):
            await node.service.revoke(share_id, wrong)
    await node.service.revoke(share_id, token)
    for attempt in (node.service.revoke(share_id, token), node.service.issue_nonce(share_id)):
        with pytest.raises(ShareNotFoundError):
            await attempt
    with pytest.raises(ShareNotFoundError):
        await node.service.revoke(await node.create(), token)


async def test_expiry() -> None:
    """The sender's time is kept up to the node's longest; a past one is refused; expired is gone."""
    node = Node()
    asked = datetime.fromtimestamp(node.clock.now + 60, UTC)
    share_id = await node.create(expires_at=asked)
    node.clock.now += 61
    with pytest.raises(ShareNotFoundError):
        await node.service.issue_nonce(share_id)
    assert await node.service.remove_expired() == 0
    with pytest.raises(BadRequestError):
        await node.create(expires_at=asked)
    far = datetime.fromtimestamp(node.clock.now + 10**8, UTC)
    created = await node.service.create(ShareMessage(SHARE, PERSON.recipient_id), expires_at=far)
    assert created.expires_at <= node.clock.now + 5000
    node.clock.now += ERASED_AFTER_SECONDS
    assert await node.service.remove_expired() == 1


async def test_a_clock_that_jumps_by_a_day(tmp_path: Path) -> None:
    """Ahead and back: no share is erased that has time left, and no spent nonce works again."""
    store = await SQLiteShareStore.open(tmp_path / "s.sqlite")
    node = Node(store)
    share_id = await node.create()
    evidence = await node.evidence(share_id)
    assert (await node.service.release(share_id, evidence)).share == SHARE
    node.clock.now += 86_400
    assert await node.service.remove_expired() == 0
    node.clock.now -= 86_400
    with pytest.raises(ShareNotFoundError):
        await node.service.release(share_id, evidence)
    assert (await node.service.release(share_id, await node.evidence(share_id))).share == SHARE
    await store.close()


async def test_wrong_node_key() -> None:
    """With another node key a share is not served, and not served wrongly."""
    store = MemoryShareStore()
    share_id = await Node(store).create()
    with pytest.raises(SealingError):
        await Node(store, b"x" * 32).service.issue_nonce(share_id)


def all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_stolen_database_shows_nothing(tmp_path: Path) -> None:
    """The database file holds neither the share nor the person."""
    store = await SQLiteShareStore.open(tmp_path / "s.sqlite")
    node = Node(store)
    member = ShareSetMember(b"s" * 16, 1, 2, 3)
    share_id = await node.create(share_set=member)
    assert (await node.service.release(share_id, await node.evidence(share_id))).share == SHARE
    await store.close()
    stored = all_bytes(tmp_path)
    assert SHARE not in stored
    assert b"30303039914" not in stored
    assert str(member).encode() in stored
