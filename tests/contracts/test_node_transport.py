# SPDX-License-Identifier: MIT
"""What every ``NodeTransport`` promises: one suite over nodes in memory and over real HTTPS."""

import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from simulator.nodes import RECIPIENT, SimulatedNode, SimulatedTransport, TestCredential, make_nodes
from simulator.real_servers import Authority, node_server

from osak.coordinator import NodeTransport, Refused, Server, Timeouts, TLSSettings, Unreachable, UploadOptions
from osak.coordinator.transport.http import HTTPTransport
from osak.shares.protocol.messages import ShareMessage
from osak.shares.protocol.share_set import ShareSetMember
from osak.shares.protocol.ticket import draft_ticket
from osak.shares.protocol.urls import Audience, ServerURL

_: list[type[NodeTransport]] = [HTTPTransport, SimulatedTransport]

MESSAGE = ShareMessage(bytes(range(32)), RECIPIENT)
TOKEN = bytes(range(32))
OPTIONS = UploadOptions(
    expires_at=datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC),
    revocation_hash=hashlib.sha256(TOKEN).digest(),
    share_set=ShareSetMember(bytes(16), 2, 3, 5),
)


@dataclass
class Wire:
    """A transport, the node behind it and how the transport knows that node."""

    transport: NodeTransport
    node: SimulatedNode
    server: Server


def _server(node: SimulatedNode, trust: TLSSettings) -> Server:
    return Server(id=node.id, organisation="Test", url=node.url, tls=trust)


@pytest.fixture(params=["memory", "https with ca_file", "https with pin", "https with both"])
async def wire(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Wire]:
    """One honest node behind each transport."""
    (node,) = make_nodes(1)
    if request.param == "memory":
        yield Wire(SimulatedTransport([node]), node, _server(node, TLSSettings()))
        return
    authority = Authority(tmp_path)
    trust = TLSSettings(
        ca_file=None if request.param == "https with pin" else authority.ca_file,
        pin_sha256=None if request.param == "https with ca_file" else authority.pin,
    )
    async with node_server(node, authority.server_context()), HTTPTransport(Timeouts()) as transport:
        yield Wire(transport, node, _server(node, trust))


async def _ticket(wire: Wire, share_id: str, nonce: str) -> tuple[str, bytes]:
    credential = TestCredential()
    draft = draft_ticket(RECIPIENT, "ES256", [Audience(wire.server.url, share_id, nonce)])
    signed = await credential.sign(draft.signing_input)
    return draft.present(signed.signature, 0), signed.certificate_der


async def test_a_share_goes_there_and_comes_back(wire: Wire) -> None:
    """Create, nonce, ticket, fetch: the same share, for the same person."""
    share_id = await wire.transport.create_share(wire.server, MESSAGE, UploadOptions())
    nonce = await wire.transport.request_nonce(wire.server, share_id)
    ticket = await _ticket(wire, share_id, nonce)
    assert await wire.transport.fetch_share(wire.server, share_id, *ticket) == MESSAGE


async def test_what_goes_with_an_upload_arrives(wire: Wire) -> None:
    """Expiry, revocation hash and share set reach the node unchanged."""
    share_id = await wire.transport.create_share(wire.server, MESSAGE, OPTIONS)
    assert wire.node.shares[share_id].options == OPTIONS


async def test_what_was_not_given_is_not_sent(wire: Wire) -> None:
    """An upload without options carries none."""
    share_id = await wire.transport.create_share(wire.server, MESSAGE, UploadOptions())
    assert wire.node.shares[share_id].options == UploadOptions()


async def test_a_nonce_serves_once(wire: Wire) -> None:
    """The second use of a ticket is refused, with the node's problem."""
    share_id = await wire.transport.create_share(wire.server, MESSAGE, UploadOptions())
    nonce = await wire.transport.request_nonce(wire.server, share_id)
    ticket = await _ticket(wire, share_id, nonce)
    await wire.transport.fetch_share(wire.server, share_id, *ticket)
    with pytest.raises(Refused) as caught:
        await wire.transport.fetch_share(wire.server, share_id, *ticket)
    assert caught.value.problem.status == 404
    assert str(caught.value) == "answered 404: not-found, No such share."


async def test_an_unknown_share_is_refused(wire: Wire) -> None:
    """Asking for a nonce of a share that is not there says so."""
    with pytest.raises(Refused):
        await wire.transport.request_nonce(wire.server, "0" * 32)


async def test_the_right_token_revokes_and_no_other(wire: Wire) -> None:
    """After revocation the share is gone."""
    share_id = await wire.transport.create_share(wire.server, MESSAGE, OPTIONS)
    with pytest.raises(Refused):
        await wire.transport.revoke_share(wire.server, share_id, base64.b64encode(bytes(32)).decode())
    await wire.transport.revoke_share(wire.server, share_id, base64.b64encode(TOKEN).decode())
    with pytest.raises(Refused):
        await wire.transport.request_nonce(wire.server, share_id)


async def test_a_node_says_who_it_is(wire: Wire) -> None:
    """The identity comes as the node tells it."""
    assert await wire.transport.read_identity(wire.server) == wire.node.identity()


async def test_where_nobody_listens_nothing_was_sent(wire: Wire) -> None:
    """A refused connection is certain not to have reached anyone."""
    nobody = wire.server.model_copy(update={"url": ServerURL("localhost", 1)})
    with pytest.raises(Unreachable) as caught:
        await wire.transport.create_share(nobody, MESSAGE, UploadOptions())
    assert not caught.value.request_sent
