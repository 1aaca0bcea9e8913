# SPDX-License-Identifier: MIT
"""What an operator writes into the YAML about who may store shares and capsules: the section ``uploads``.

A token is written as its SHA-256 only, so the YAML can be mailed around; tokens must be long and random.
"""

import re
from typing import Annotated, Any, Final, Self

from pydantic import Field, PlainValidator, WithJsonSchema, field_validator, model_validator

from osak.node.rate_settings import OptionalRate
from osak.node.setting_types import ExistingFile
from osak.shares.configuration import Settings
from osak.shares.setting_types import OrganisationName

_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


def parse_digest(value: Any) -> bytes:
    """Read a SHA-256 as 64 hex digits.

    Raises:
        ValueError: anything else.
    """
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise ValueError("expected the SHA-256 of the token as 64 lower-case hex digits")
    return bytes.fromhex(value)


class SenderSettings(Settings):
    """One organisation whose people may store here, known by a token, a certificate, or either."""

    name: OrganisationName = Field(description="for the log, the audit log and the metrics")
    token_sha256: (
        Annotated[
            bytes,
            PlainValidator(parse_digest),
            WithJsonSchema({"type": "string", "pattern": f"^{_DIGEST.pattern}$"}),
        ]
        | None
    ) = Field(None, description="SHA-256 of the token that its clients send, as hex")
    certificate_file: ExistingFile | None = Field(
        None, description="PEM: the certificate that its clients show, or several of them"
    )
    quota: OptionalRate = Field(
        None,
        description="how much it may store: 10000/d; left out: as much as it likes",
        json_schema_extra={"default": "off"},
    )

    @model_validator(mode="after")
    def _can_be_known(self) -> Self:
        if self.token_sha256 is None and self.certificate_file is None:
            raise ValueError("a sender needs token_sha256 or certificate_file: else nobody could tell it")
        return self


class UploadSettings(Settings):
    """Who may store; without this section everybody may."""

    senders: tuple[SenderSettings, ...] = Field(min_length=1, description="nobody else may store anything")

    @field_validator("senders")
    @classmethod
    def _differ(cls, senders: tuple[SenderSettings, ...]) -> tuple[SenderSettings, ...]:
        names = [sender.name for sender in senders]
        tokens = [sender.token_sha256 for sender in senders if sender.token_sha256]
        if len(set(names)) != len(names) or len(set(tokens)) != len(tokens):
            raise ValueError("two senders have the same name or the same token")
        return senders
