# SPDX-License-Identifier: MIT
"""One object that makes n servers look like one: store, collect, revoke, ask, check.

It holds what stays the same over many containers (groups, transport, timeouts) and hands it to the
functions that know the rules. It keeps no secret and no state between calls.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from osak.coordinator.auth.base import Credential
from osak.coordinator.check import NodeCheck, check_group
from osak.coordinator.collect import Collected, collect
from osak.coordinator.distribute import Distribution, distribute
from osak.coordinator.group import Group, Server, Timeouts
from osak.coordinator.history import Testimony, ask_releases
from osak.coordinator.outcome import Outcome
from osak.coordinator.placement import Placement, Receipt, Scheme
from osak.coordinator.progress import Progress
from osak.coordinator.revoke import revoke
from osak.coordinator.signing import Signer
from osak.coordinator.transport.base import NodeTransport
from osak.coordinator.trust import resolve_known


@dataclass(frozen=True, slots=True, kw_only=True)
class Coordinator:
    """The coordinator's front door.

    Attributes:
        transport: how calls reach servers; opened and closed by the caller.
        groups: the configured groups by name; only their servers are ever contacted.
        extra_servers: servers trusted beside them (``--trust-container-servers``).
        timeouts: how long to wait.
    """

    transport: NodeTransport
    groups: Mapping[str, Group]
    extra_servers: Sequence[Server] = ()
    timeouts: Timeouts = field(default_factory=Timeouts)

    async def store(
        self,
        kek: bytes,
        group: Group,
        recipient_id: str,
        *,
        scheme: Scheme,
        salt: bytes,
        expires_at: datetime | None = None,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> Distribution:
        """Split a KEK over a group; see ``distribute``."""
        return await distribute(
            kek,
            group,
            recipient_id,
            self.transport,
            scheme=scheme,
            salt=salt,
            expires_at=expires_at,
            random_bytes=random_bytes,
            timeouts=self.timeouts,
        )

    def servers_of(self, placements: Sequence[Placement], *, group: str = "") -> tuple[Server, ...]:
        """The trusted servers that placements of a container lead to; unknown ones are left out."""
        return tuple(resolve_known(placements, self.groups, group=group, extra=self.extra_servers).values())

    async def collect(
        self,
        placements: Sequence[Placement],
        needed: int,
        signer: Signer,
        *,
        scheme: Scheme,
        salt: bytes,
        is_secret: Callable[[bytes], bool],
        group: str = "",
        on_progress: Callable[[Progress], None] | None = None,
        random_below: Callable[[int], int] = secrets.randbelow,
    ) -> Collected:
        """Fetch shares of a container from trusted servers; see ``collect``.

        Args:
            placements: as the container names them.
            needed: the container's threshold; for n-of-n their number.
            signer: gets the one signature; ``LoneSigner``, or a seat at a ``SigningTable``.
            scheme: the container's.
            salt: the capsule's salt, key of the commitments.
            is_secret: whether 32 bytes open the container (its header HMAC).
            group: the group's name in the container, a hint.
            on_progress: told of every step.
            random_below: source of the order in which prompt servers are fetched from.
        """
        return await collect(
            placements,
            resolve_known(placements, self.groups, group=group, extra=self.extra_servers),
            needed,
            signer,
            self.transport,
            scheme=scheme,
            salt=salt,
            is_secret=is_secret,
            timeouts=self.timeouts,
            on_progress=on_progress,
            random_below=random_below,
        )

    async def ask_releases(
        self, placements: Sequence[Placement], credential: Credential, *, group: str = ""
    ) -> tuple[Testimony, ...]:
        """Ask trusted servers how often they gave a person's shares out; see ``ask_releases``.

        Args:
            placements: as the container names them.
            credential: signs once.
            group: the group's name in the container, a hint.
        """
        servers = resolve_known(placements, self.groups, group=group, extra=self.extra_servers)
        return await ask_releases(placements, servers, credential, self.transport, timeouts=self.timeouts)

    async def revoke(self, receipts: Sequence[Receipt]) -> tuple[Outcome, ...]:
        """Take shares back, one outcome a receipt; see ``revoke``."""
        return await revoke(receipts, self.groups, self.transport, timeouts=self.timeouts)

    async def check(self, group: Group) -> tuple[NodeCheck, ...]:
        """Ask every server of a group who it is; see ``check_group``."""
        return await check_group(group, self.transport, timeouts=self.timeouts)
