# SPDX-License-Identifier: MIT
"""The administrator's words about means of identity: ``credentials`` in the client's YAML."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from osak.shares.configuration import Settings


class CardSettings(Settings):
    """Cards.

    Attributes:
        module: the PKCS#11 module that came with the card; None means OpenSC's. A relative path starts at
            the YAML's folder. It is code that runs with the user's rights.
        slot: the slot to look at; None means all.
    """

    module: Path | None = None
    slot: Annotated[int, Field(strict=True, ge=0)] | None = None

    @field_validator("module")
    @classmethod
    def _from_folder(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        return None if value is None else (info.context or {}).get("folder", Path()) / value


class CredentialSettings(Settings):
    """What people prove their identity with.

    Attributes:
        pkcs11: cards.
    """

    pkcs11: CardSettings = CardSettings()
