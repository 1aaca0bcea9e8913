# SPDX-License-Identifier: MIT
"""Opening a container with several records for one person: one that is of no use hides no other.

Two simulated servers speak real HTTPS from a thread of their own, since opening is a synchronous call.
"""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from simulator.nodes import RECIPIENT, SimulatedNode, TestCredential, make_nodes
from simulator.real_servers import Authority, node_server

from osak.client.config import ClientConfig
from osak.client.container import (
    Curve,
    ECCapsule,
    KekRecipient,
    PrivateKeyUnlocker,
    RSACapsule,
    SymmetricUnlocker,
    ThresholdShare,
    ThresholdSharesCapsule,
    read_header,
)
from osak.client.container.errors import DamagedContainerError, NoRecipientError, WrongKeyError
from osak.client.container.recipients.public_key import PrivateKey, public_key_bytes
from osak.client.encryption import encrypt_files
from osak.client.keys import Keys
from osak.client.opening import open_container
from osak.coordinator import (
    Group,
    InvalidPlacementError,
    NotEnoughSharesError,
    Server,
    TicketSignature,
    UnknownServerError,
    UploadOptions,
)
from osak.shares import MessageError, Threshold, commit, split
from osak.shares.protocol.messages import ShareMessage

KEK, SALT = bytes(range(32)), bytes(32)


@dataclass
class Office:
    """Two running servers that keep a 2-of-2 sharing of ``KEK``, and the configuration that trusts them."""

    nodes: list[SimulatedNode]
    config: ClientConfig
    folder: Path

    def capsule(self) -> ThresholdSharesCapsule:
        """Store the shares; the record that leads to them."""
        shares = []
        for node, share in zip(self.nodes, split(KEK, Threshold(2, 2)), strict=True):
            share_id = node.create(ShareMessage(share.value, RECIPIENT), UploadOptions())
            shares.append(ThresholdShare(str(node.url), share_id, share.index, commit(share, SALT), node.id))
        return ThresholdSharesCapsule(tuple(shares), SALT, RECIPIENT, 2, bytes(16))

    def container(self, *capsules: ThresholdSharesCapsule | ECCapsule | RSACapsule) -> Path:
        """A container with a record for each; all are for the same KEK."""
        (self.folder / "a.txt").write_bytes(b"a")
        box = self.folder / "a.cdoc2"
        records = [KekRecipient(capsule, f"record {number}", KEK) for number, capsule in enumerate(capsules)]
        encrypt_files([self.folder / "a.txt"], box, records, [], config=self.config)
        return box

    def open(
        self,
        box: Path,
        credential: TestCredential | None = None,
        *,
        key: PrivateKey | None = None,
        trust_container_servers: bool = False,
    ) -> list[str]:
        """Open it, with a key of one's own too; the servers that had a part, with their status."""
        unlocker = PrivateKeyUnlocker(key) if key else SymmetricUnlocker(os.urandom(32))
        keys = Keys(unlocker, credential or TestCredential())
        with open_container(
            box, keys, config=self.config, trust_container_servers=trust_container_servers
        ) as opened:
            return [f"{outcome.server_id} {outcome.status}" for outcome in opened.outcomes]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """The servers, up for one test."""
    authority, nodes = Authority(tmp_path), make_nodes(2)
    started, ended = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            for node in nodes:
                await stack.enter_async_context(node_server(node, authority.server_context()))
            started.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert started.wait(10)
        servers = tuple(
            Server(id=node.id, organisation=node.id.upper(), url=node.url, tls=authority.trust)
            for node in nodes
        )
        group = Group(threshold=2, servers=servers)
        yield Office(nodes, ClientConfig(groups={"office": group}), tmp_path)
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


def _impossible(capsule: ThresholdSharesCapsule) -> ThresholdSharesCapsule:
    """The same record with both shares at the first server."""
    first, second = capsule.shares
    there = replace(second, server_base_url=first.server_base_url, server_id=first.server_id)
    return replace(capsule, shares=(first, there))


def test_a_record_of_no_sharing_hides_no_other(office: Office) -> None:
    """What a stranger wrote wrongly into one record does not keep the next from opening."""
    good = office.capsule()
    assert office.open(office.container(_impossible(good), good)) == ["n1 ok", "n2 ok"]


def test_a_ticket_that_cannot_be_made_hides_no_other(office: Office) -> None:
    """Nor does a record for whose servers no ticket can be made."""

    class Choosy(TestCredential):
        async def sign(self, signing_input: bytes) -> TicketSignature:
            signature = await super().sign(signing_input)
            if self.signatures == 1:
                raise MessageError("a ticket for these servers would be too long for an HTTP header")
            return signature

    assert office.open(office.container(office.capsule(), office.capsule()), Choosy()) == ["n1 ok", "n2 ok"]


def test_the_first_failure_is_told_when_no_record_opens(office: Office) -> None:
    """Of several records that are of no use the best one's reason counts: that of the first."""
    good = office.capsule()
    strange = replace(
        good,
        shares=tuple(
            replace(share, server_base_url="https://evil.example", server_id="evil") for share in good.shares
        ),
    )
    box = office.container(_impossible(good), strange)
    with pytest.raises(InvalidPlacementError):
        office.open(box)
    box.unlink()
    with pytest.raises(UnknownServerError):
        office.open(office.container(strange, _impossible(good)))


def test_nobody_signs_again_and_again_for_one_container(office: Office) -> None:
    """A container that names a person ten times, always for another key, gets four signatures and no more."""
    credential, others = TestCredential(), [office.capsule() for _ in range(10)]
    box = office.container(
        *(replace(capsule, salt=bytes([number] * 32)) for number, capsule in enumerate(others))
    )
    for node in office.nodes:
        node.shares = {
            share_id: replace(stored, message=ShareMessage(bytes(32), RECIPIENT))
            for share_id, stored in node.shares.items()
        }
    with pytest.raises(NotEnoughSharesError):
        office.open(box, credential)
    assert credential.signatures == 4


def test_a_bad_url_in_a_trusted_container_hides_no_other(office: Office) -> None:
    """Somebody who trusts a container's servers gets those that can be reached; the other is listed."""
    good = office.capsule()
    bad = replace(good.shares[0], server_base_url="gopher://x", server_id="x", index=3)
    box = office.container(replace(good, shares=(bad, *good.shares)))
    assert office.open(box, trust_container_servers=True) == ["x (gopher://x) unknown", "n1 ok", "n2 ok"]


def test_a_record_that_cannot_open_costs_no_signature(office: Office) -> None:
    """A record whose encrypted FMK is too short is passed over before anybody types a PIN."""
    credential = TestCredential()
    box = office.container(office.capsule())
    with box.open("rb") as file:
        (record,) = read_header(file).recipients
    data = bytearray(box.read_bytes())
    length = data.index(record.encrypted_fmk) - 4  # of a FlatBuffers vector: 4 bytes, the lowest first
    assert data[length] == 32
    data[length] = 31
    box.write_bytes(data)
    with pytest.raises(NoRecipientError):
        office.open(box, credential)
    assert credential.signatures == 0


def _damaged_record(key: PrivateKey) -> ECCapsule | RSACapsule:
    """A record that names this key and that nobody can open."""
    mine = public_key_bytes(key.public_key())
    if isinstance(key, rsa.RSAPrivateKey):
        return RSACapsule(mine, bytes(256))
    return ECCapsule(Curve.P256, mine, mine[:-1] + bytes([mine[-1] ^ 1]))


@pytest.mark.parametrize(
    "key",
    [ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)],
    ids=["a sender's point off the curve", "an encrypted KEK that is none"],
)
def test_a_damaged_record_hides_no_shares(office: Office, key: PrivateKey) -> None:
    """Who has a key and shares opens by the shares what the record for the key does not; alone it is told."""
    damaged = _damaged_record(key)
    assert office.open(office.container(damaged, office.capsule()), key=key) == ["n1 ok", "n2 ok"]
    (office.folder / "a.cdoc2").unlink()
    with pytest.raises(DamagedContainerError, match=r"not a point|does not decrypt"):
        office.open(office.container(damaged), key=key)


def test_a_changed_header_costs_no_signature(office: Office) -> None:
    """Where a record opens but the header HMAC does not fit, no other record can: nobody is asked to sign."""
    key, credential = ec.generate_private_key(ec.SECP256R1()), TestCredential()
    mine = public_key_bytes(key.public_key())
    box = office.container(ECCapsule(Curve.P256, mine, mine), office.capsule())
    with pytest.raises(WrongKeyError):
        office.open(box, credential, key=key)
    assert credential.signatures == 0
