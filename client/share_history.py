# SPDX-License-Identifier: MIT
"""Use case: a recipient asks all servers how often they gave the shares of a container out.

Nothing is opened. The container says where to ask and is believed no further than when shares are collected.
"""

from dataclasses import dataclass
from typing import BinaryIO

from osak.client.configuration import Configuration
from osak.client.container import read_header
from osak.client.errors import UsageError
from osak.client.event_loop import run
from osak.client.identity.logged_in import sessions_of
from osak.client.inputs import AnyPath, reading
from osak.client.keys import Keys
from osak.client.served_records import servers_named, share_records
from osak.client.share_records import ShareQuest
from osak.coordinator import Coordinator, Credential, Server, Testimony
from osak.coordinator.transport.http import HTTPTransport
from osak.coordinator.trust import resolve_known


@dataclass(frozen=True, slots=True)
class ShareHistory:
    """What the servers say of one person's shares in a container.

    Attributes:
        recipient_id: whose shares they are.
        needed: how many of them open the container.
        testimonies: one a server, in the container's order.
    """

    recipient_id: str
    needed: int
    testimonies: tuple[Testimony, ...]

    @property
    def was_surely_not_opened(self) -> bool:
        """Whether so many servers say that they gave nothing out that the others were too few to open it.

        Only as true as what those servers say.
        """
        kept = sum(said.releases is not None and not said.releases.count for said in self.testimonies)
        return len(self.testimonies) - kept < self.needed


def ask_history(
    container: AnyPath | BinaryIO, keys: Keys, *, config: Configuration, trust_container_servers: bool = False
) -> tuple[ShareHistory, ...]:
    """Ask about every record of shares in ``container`` that is this person's; one signature a record.

    Args:
        container: the path of a CDOC2 file, or a binary stream.
        keys: the credential; it must be able to sign.
        config: groups and timeouts.
        trust_container_servers: whether servers that only the container names may be asked.

    Raises:
        ContainerError: damaged or hostile.
        UsageError: the credential cannot sign, or the container has no shares of this person.
        UnknownServerError: the shares lie at servers that no configured group has.
        NoAnswerError: no server answered; names each server's outcome.
        CredentialError: signing was refused or failed.
    """
    credential = keys.credential
    if credential is None:
        raise UsageError("this credential cannot sign for servers: use a card, a phone or --p12")
    with reading(container) as source:
        header = read_header(source, config.container_limits())
    quests = [quest for _, quest in share_records(header, credential)]
    if not quests:
        raise UsageError(f"there are no shares of {credential.recipient_id} for this file at any server")
    return tuple(
        run(_ask(quest, credential, config, trust_container_servers=trust_container_servers))
        for quest in quests
    )


async def _ask(
    quest: ShareQuest, credential: Credential, config: Configuration, *, trust_container_servers: bool
) -> ShareHistory:
    extra: list[Server] = list(servers_named(quest)) if trust_container_servers else []
    # Nobody logs in where nobody can be asked.
    known = resolve_known(quest.placements, config.groups, group=quest.group, extra=extra)
    sessions = await sessions_of(credential) if known else {}
    async with HTTPTransport(config.timeouts, sessions) as transport:
        coordinator = Coordinator(
            transport=transport, groups=config.groups, extra_servers=extra, timeouts=config.timeouts
        )
        said = await coordinator.ask_releases(quest.placements, credential, group=quest.group)
    return ShareHistory(quest.recipient_id, quest.needed, said)
