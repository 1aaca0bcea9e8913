# SPDX-License-Identifier: MIT
"""A cluster of share servers in memory, behind the coordinator's ``NodeTransport``.

A ``SimulatedNode`` does what the protocol asks of a node (nonces are single-use, a ticket must name this
server, share and nonce and be signed); ``behaviours`` say for each call how honestly. The signature is
a stand-in: SHA-256 of what was signed and of the certificate, made by ``TestCredential``.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from itertools import count
from typing import TypeVar

from simulator.behaviour import Behaviour, Honest

from osak.coordinator.auth.base import TicketSignature
from osak.coordinator.errors import Refused, Unreachable
from osak.coordinator.group import Group, Server
from osak.coordinator.transport.base import UploadOptions
from osak.shares.errors import MessageError
from osak.shares.protocol.messages import NodeIdentity, Problem, ReleasesReply, ShareMessage
from osak.shares.protocol.ticket import parse_ticket
from osak.shares.protocol.urls import Purpose, ServerURL, check_share_id

RECIPIENT = "etsi/PNOEE-48010010101"
STORED_AT = datetime(2030, 1, 1, tzinfo=UTC)
_Reply = TypeVar("_Reply")


class Call(Enum):
    """The calls of the protocol."""

    CREATE = "create"
    NONCE = "nonce"
    FETCH = "fetch"
    RELEASES = "releases"
    REVOKE = "revoke"
    IDENTITY = "identity"


@dataclass(frozen=True)
class StoredShare:
    """A share as a node keeps it."""

    message: ShareMessage
    options: UploadOptions


@dataclass
class SimulatedNode:
    """One server's state; ``calls`` counts what reached it."""

    id: str
    url: ServerURL
    behaviours: dict[Call, Behaviour] = field(default_factory=dict)
    shares: dict[str, StoredShare] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    releases: dict[str, ReleasesReply] = field(default_factory=dict)
    _nonces: dict[str, str] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=count)

    def behave(self, behaviour: Behaviour, *calls: Call) -> None:
        """Answer these calls (or all) so from now on."""
        self.behaviours.update(dict.fromkeys(calls or Call, behaviour))

    def create(self, message: ShareMessage, options: UploadOptions) -> str:
        """POST /key-shares."""
        share_id = self._unique()
        self.shares[share_id] = StoredShare(message, options)
        return share_id

    def issue_nonce(self, share_id: str) -> str:
        """POST /key-shares/{id}/nonce."""
        try:
            check_share_id(share_id)
        except MessageError as error:
            raise Refused(Problem(400, "bad-request", str(error))) from error
        self._find(share_id)
        nonce = self._unique()[:22]
        self._nonces[nonce] = share_id
        return nonce

    def release(self, share_id: str, ticket: str, certificate_der: bytes) -> ShareMessage:
        """GET /key-shares/{id}."""
        return self._check(share_id, ticket, certificate_der, Purpose.SHARE).message

    def _check(self, share_id: str, ticket: str, certificate_der: bytes, purpose: Purpose) -> StoredShare:
        found = parse_ticket(ticket)
        signed = sign_for_test(found.signing_input, certificate_der) == found.signature
        audience = found.unverified_audience
        meant = (audience.server, audience.share_id, audience.purpose)
        if not signed or meant != (self.url, share_id, purpose):
            raise Refused(Problem(401, "ticket-refused", "The ticket is not for this share here."))
        stored = self._find(share_id)
        mine = stored.message.recipient == found.unverified_recipient_id
        if self._nonces.pop(audience.nonce, "") != share_id or not mine:
            raise _not_found()
        return stored

    def tell_releases(self, share_id: str, ticket: str, certificate_der: bytes) -> ReleasesReply:
        """GET /key-shares/{id}/releases."""
        self._check(share_id, ticket, certificate_der, Purpose.RELEASES)
        return self.releases.get(share_id, ReleasesReply(STORED_AT, 0, ()))

    def revoke(self, share_id: str, token: str) -> None:
        """DELETE /key-shares/{id}."""
        given = hashlib.sha256(base64.b64decode(token)).digest()
        if self._find(share_id).options.revocation_hash != given:
            raise _not_found()
        del self.shares[share_id]

    def identity(self) -> NodeIdentity:
        """GET /.well-known/osak-node."""
        return NodeIdentity(self.id, f"Organisation {self.id}", "1.0", {"nonce_life_seconds": 300}, self.url)

    def _find(self, share_id: str) -> StoredShare:
        if share_id not in self.shares:
            raise _not_found()
        return self.shares[share_id]

    def _unique(self) -> str:
        return hashlib.sha256(f"{self.id} {next(self._numbers)}".encode()).hexdigest()[:32]


class SimulatedTransport:
    """``NodeTransport`` over nodes in memory; a URL without a node is a dead server."""

    def __init__(self, nodes: Sequence[SimulatedNode], request_seconds: float = 10.0) -> None:
        self._nodes = {node.url: node for node in nodes}
        self._request_seconds = request_seconds

    async def create_share(self, server: Server, message: ShareMessage, options: UploadOptions) -> str:
        return await self._play(server, Call.CREATE, lambda node: node.create(message, options))

    async def request_nonce(self, server: Server, share_id: str) -> str:
        return await self._play(server, Call.NONCE, lambda node: node.issue_nonce(share_id))

    async def fetch_share(
        self,
        server: Server,
        share_id: str,
        ticket: str,
        certificate_der: bytes,
        *,
        smart_id_parameters: str = "",
    ) -> ShareMessage:
        return await self._play(
            server, Call.FETCH, lambda node: node.release(share_id, ticket, certificate_der)
        )

    async def fetch_releases(
        self,
        server: Server,
        share_id: str,
        ticket: str,
        certificate_der: bytes,
        *,
        smart_id_parameters: str = "",
    ) -> ReleasesReply:
        return await self._play(
            server, Call.RELEASES, lambda node: node.tell_releases(share_id, ticket, certificate_der)
        )

    async def revoke_share(self, server: Server, share_id: str, token: str) -> None:
        await self._play(server, Call.REVOKE, lambda node: node.revoke(share_id, token))

    async def read_identity(self, server: Server) -> NodeIdentity:
        return await self._play(server, Call.IDENTITY, lambda node: node.identity())

    async def _play(self, server: Server, call: Call, act: Callable[[SimulatedNode], _Reply]) -> _Reply:
        node = self._nodes.get(server.url)
        if node is None:
            raise Unreachable("could not be reached: connection refused", request_sent=False)
        node.calls.append(call)
        behaviour = node.behaviours.get(call, Honest())
        return await behaviour.play(lambda: act(node), self._request_seconds)


@dataclass
class TestCredential:
    """Signs as simulated nodes expect it; ``signatures`` counts the PIN entries it would have cost."""

    __test__ = False

    recipient_id: str = RECIPIENT
    algorithm: str = "ES256"
    thinking: Behaviour = field(default_factory=lambda: Honest(0))
    signatures: int = 0

    async def sign(self, signing_input: bytes) -> TicketSignature:
        self.signatures += 1
        certificate_der = self.recipient_id.encode()
        signature = sign_for_test(signing_input, certificate_der)
        return await self.thinking.play(lambda: TicketSignature(signature, certificate_der), 3600.0)


def sign_for_test(signing_input: bytes, certificate_der: bytes) -> bytes:
    """The stand-in for a signature."""
    return hashlib.sha256(certificate_der + signing_input).digest()


def make_nodes(number: int) -> list[SimulatedNode]:
    """Honest nodes ``n1`` … at URLs of their own."""
    return [
        SimulatedNode(f"n{place}", ServerURL(f"n{place}.example", 8443)) for place in range(1, number + 1)
    ]


def make_group(nodes: Sequence[SimulatedNode], threshold: int, **settings: object) -> Group:
    """The group that an administrator would write for these nodes."""
    servers = tuple(
        Server(id=node.id, organisation=f"Organisation {node.id}", url=node.url) for node in nodes
    )
    values: Mapping[str, object] = {"threshold": threshold, "servers": servers, **settings}
    return Group.model_validate(values)


def _not_found() -> Refused:
    return Refused(Problem(404, "not-found", "No such share."))
