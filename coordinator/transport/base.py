# SPDX-License-Identifier: MIT
"""The seam between the coordinator's rules and the network.

A transport makes exactly one attempt a call, ends within its own request timeout, and raises
nothing but ``TransportError`` (and lets cancellation through). It verifies a server's certificate
before any byte of a request leaves. What it returns has the form of the protocol and nothing more
is promised: a share may be wrong, an identity is a claim.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from osak.coordinator.group import Server
from osak.shares.protocol.messages import NodeIdentity, ReleasesReply, ShareMessage
from osak.shares.protocol.share_set import ShareSetMember


@dataclass(frozen=True, slots=True)
class UploadOptions:
    """What goes with an upload beside the share; a foreign server may ignore all of it.

    Attributes:
        expires_at: aware time after which the server may forget the share.
        revocation_hash: SHA-256 of the 32 bytes of the revocation token.
        share_set: the share's place in its set.
    """

    expires_at: datetime | None = None
    revocation_hash: bytes | None = field(default=None, repr=False)
    share_set: ShareSetMember | None = None


class NodeTransport(Protocol):
    """Calls to share servers. All of them raise ``TransportError`` and nothing else."""

    async def create_share(self, server: Server, message: ShareMessage, options: UploadOptions) -> str:
        """Store a share; return its id. Must not be repeated unless the request was never sent."""
        ...

    async def request_nonce(self, server: Server, share_id: str) -> str:
        """Get a fresh single-use nonce of a share. Safe to repeat."""
        ...

    async def fetch_share(
        self,
        server: Server,
        share_id: str,
        ticket: str,
        certificate_der: bytes,
        *,
        smart_id_parameters: str = "",
    ) -> ShareMessage:
        """Get a share for a ticket; spends the ticket's nonce.

        ``smart_id_parameters`` go with a ticket signed through Smart-ID's version 3, which makes it a call of
        dialect B.
        """
        ...

    async def fetch_releases(
        self,
        server: Server,
        share_id: str,
        ticket: str,
        certificate_der: bytes,
        *,
        smart_id_parameters: str = "",
    ) -> ReleasesReply:
        """Ask how often a share was given out, with a ticket for that; spends the ticket's nonce.

        ``smart_id_parameters`` as for ``fetch_share``.
        """
        ...

    async def revoke_share(self, server: Server, share_id: str, token: str) -> None:
        """Delete a share for good; ``token`` is the base64 of its 32 bytes. Safe to repeat."""
        ...

    async def read_identity(self, server: Server) -> NodeIdentity:
        """Ask a server who it says it is. Safe to repeat."""
        ...
