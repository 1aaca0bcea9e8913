# SPDX-License-Identifier: MIT
"""For whom Smart-ID's app may have signed a ticket: ``trust.smart_id`` in a node's YAML."""

from typing import Annotated, Literal

from pydantic import Field

from osak.shares.configuration import Settings
from osak.shares.protocol.smart_id import NOTIFICATION, RelyingParty

# Who is believed is tried one after the other, each with a signature to verify.
MAX_RELYING_PARTIES = 8
_Name = Annotated[str, Field(min_length=1, max_length=200)]


class RelyingPartySettings(Settings):
    """One relying party, as the person sees it in the app."""

    name: _Name = Field(description="relyingPartyName of the contract with Smart-ID")
    brokered_name: str = Field("", max_length=200, description="of whoever asks through that contract")


class SmartIDTrust(Settings):
    """Tickets signed through Smart-ID's version 3; without this they are refused."""

    relying_parties: tuple[RelyingPartySettings, ...] = Field(
        min_length=1,
        max_length=MAX_RELYING_PARTIES,
        description="for whom the app may have signed; whoever else asks the app opens nothing here",
    )
    scheme: str = Field(
        "smart-id", pattern="^[a-z0-9-]{1,64}$", description="smart-id-demo for Smart-ID's own demo"
    )
    flow_types: tuple[Literal["Notification", "QR"], ...] = Field(
        (NOTIFICATION,), min_length=1, description="how the app may have come to its question"
    )

    def believed(self) -> tuple[RelyingParty, ...]:
        """What the signed text must name."""
        return tuple(RelyingParty(one.name, self.scheme, one.brokered_name) for one in self.relying_parties)
