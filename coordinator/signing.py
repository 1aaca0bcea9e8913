# SPDX-License-Identifier: MIT
"""Who signs for a collection: its credential alone, or once for several collections (``joint_signing``).

A collection hands over the audiences that answered and gets presentations back. Whether other
collections' audiences stand on the same ticket, it does not see.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from osak.coordinator.auth.base import Credential, TicketSignature
from osak.shares.protocol.ticket import TicketDraft, draft_ticket
from osak.shares.protocol.urls import Audience


@dataclass(frozen=True, slots=True)
class SignedAudiences:
    """One collection's audiences on a signed ticket.

    Attributes:
        signature: what signing gave; its certificate goes to servers too.
    """

    signature: TicketSignature = field(repr=False)
    _draft: TicketDraft = field(repr=False)
    _first: int

    def present(self, position: int) -> str:
        """The ticket for the server whose audience stood at ``position`` of what was handed over."""
        return self._draft.present(self.signature.signature, self._first + position)


class Signer(Protocol):
    """Something that gets a collection its signature."""

    @property
    def recipient_id(self) -> str:
        """Whose shares it can fetch, e.g. ``etsi/PNOEE-48010010101``."""
        ...

    async def sign(self, audiences: Sequence[Audience]) -> SignedAudiences:
        """Have a ticket signed for all of them; takes as long as people take.

        Raises:
            MessageError: no ticket can be made for them.
            CredentialError: refused, cancelled or failed.
        """
        ...


@dataclass(frozen=True, slots=True)
class LoneSigner:
    """One collection, one signature."""

    credential: Credential = field(repr=False)

    @property
    def recipient_id(self) -> str:
        """The credential's."""
        return self.credential.recipient_id

    async def sign(self, audiences: Sequence[Audience]) -> SignedAudiences:
        """Sign for these audiences alone."""
        draft = draft_ticket(self.credential.recipient_id, self.credential.algorithm, audiences)
        signature = await self.credential.sign(draft.signing_input)
        return signed_part(draft, signature, 0)


def signed_part(draft: TicketDraft, signature: TicketSignature, first: int) -> SignedAudiences:
    """The part of a signed ticket that begins with audience number ``first``, from 0."""
    return SignedAudiences(signature, draft, first)
