# SPDX-License-Identifier: MIT
"""What people get for what they have, as the administrator writes it: ``policy`` in the client's YAML."""

from typing import Literal, Self

from pydantic import model_validator

from osak.client.recipients import CardPlace, SharesRule
from osak.shares.configuration import Settings


class PolicySettings(Settings):
    """The sender's decision, made once; a ``Person`` or an option of the command can say otherwise.

    Attributes:
        cards: where a record for each card goes that the directory has of a person.
        capsule_server: the id of the capsule server for cards; None for the only one there is.
        shares: when the key to the file is shared among the servers of a group.
        scheme: t-of-n, or the official n-of-n.
    """

    cards: CardPlace = "container"
    capsule_server: str | None = None
    shares: SharesRule = "always"
    scheme: Literal["t-of-n", "n-of-n"] = "t-of-n"

    @model_validator(mode="after")
    def _leaves_a_way(self) -> Self:
        if self.cards == "none" and self.shares == "never":
            raise ValueError("cards: none and shares: never leave no way to encrypt for a person")
        return self
