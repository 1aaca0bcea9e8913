# SPDX-License-Identifier: MIT
"""The administrator's words about means of identity: ``credentials`` in the client's YAML."""

from pathlib import Path
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, ValidationInfo, field_validator, model_validator

from osak.client.identity.access_settings import AccessSettings
from osak.coordinator import TLSSettings
from osak.shares.certificates.settings import Anchor
from osak.shares.configuration import Settings
from osak.shares.setting_types import URL


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


class ServiceSettings(Settings):
    """What the eID services have in common: a contract, an address, authorities.

    Attributes:
        url: base URL of the service, or of a proxy that speaks its protocol.
        relying_party_uuid: who asks, as in the contract with the service.
        relying_party_name: likewise.
        anchors: the authorities that issue people's certificates directly: PEM files (relative paths start at
            the YAML's folder), or the word ``estonia``.
        tls: how the service's own certificate is trusted.
        display_text: what phones show with the question; ``{file}`` stands for the container's name.
        access: what opens a proxy before the service; None where there is none.
    """

    url: URL
    relying_party_uuid: UUID
    relying_party_name: Annotated[str, Field(min_length=1, max_length=200)]
    anchors: Annotated[tuple[Anchor, ...], Field(min_length=1)]
    tls: TLSSettings = TLSSettings()
    display_text: Annotated[str, Field(min_length=1, max_length=200)] = "Open {file}"
    access: AccessSettings | None = None


class SmartIDSettings(ServiceSettings):
    """Smart-ID.

    Attributes:
        certificate_level: the least that is accepted.
        api: the version of the service's API that ``url`` speaks; ``rp-server`` is upstream's service that
            asks through version 3 in its own name, for people who have logged in at ``auth_server``.
        scheme: version 3: part of what the app signs; the service's demo has one of its own.
        brokered_name: version 3: whoever asks through the relying party's contract, as the app shows it.
    """

    certificate_level: Literal["QUALIFIED", "ADVANCED"] = "QUALIFIED"
    api: Literal["v2", "v3", "rp-server"] = "v2"
    scheme: Annotated[str, Field(pattern="^[a-z0-9-]{1,64}$")] = "smart-id"
    brokered_name: Annotated[str, Field(max_length=200)] = ""


class MobileIDSettings(ServiceSettings):
    """Mobile-ID.

    Attributes:
        language: of what the phone itself says.
    """

    language: Literal["EST", "ENG", "RUS", "LIT"] = "EST"


class AuthServerSettings(Settings):
    """Where people log in for share servers that want sessions (dialect B).

    Attributes:
        url: base URL of the auth server.
        tls: how its own certificate is trusted.
    """

    url: URL
    tls: TLSSettings = TLSSettings()


class CredentialSettings(Settings):
    """What people prove their identity with.

    Attributes:
        pkcs11: cards.
        smart_id: the app; None where there is no contract for it.
        mobile_id: the SIM card; likewise.
        auth_server: where people with a phone log in first; None where no share server wants that.
    """

    pkcs11: CardSettings = CardSettings()
    smart_id: SmartIDSettings | None = None
    mobile_id: MobileIDSettings | None = None
    auth_server: AuthServerSettings | None = None

    @model_validator(mode="after")
    def _can_log_in(self) -> Self:
        if self.smart_id is not None and self.smart_id.api == "rp-server" and self.auth_server is None:
            raise ValueError("an rp-server asks for people who have logged in: name auth_server too")
        return self
