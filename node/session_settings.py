# SPDX-License-Identifier: MIT
"""Whose sessions a node takes: the section ``sessions`` of its YAML."""

from typing import Annotated, Any, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from osak.node.setting_types import ExistingFile
from osak.shares.configuration import Settings
from osak.shares.setting_types import parse_duration

_MAX_LIFE = "24h"  # as upstream's draft has it


def _parse_life(value: Any) -> int:
    seconds = int(parse_duration(value).total_seconds())
    if seconds > parse_duration(_MAX_LIFE).total_seconds():
        raise ValueError(f"a session lasts {_MAX_LIFE} at most")
    return seconds


class AuthServerSettings(Settings):
    """An auth server whose session tokens are believed."""

    issuer: Annotated[str, Field(min_length=1, max_length=200)] = Field(description="its iss in tokens")
    keys_file: ExistingFile = Field(
        description="its public keys, JSON Web Key Set as it publishes at /.well-known/jwks.jws"
    )


class SessionSettings(Settings):
    """Sessions of people who logged in through an auth server; without this section they are ignored."""

    auth_servers: tuple[AuthServerSettings, ...] = Field(min_length=1, max_length=8)
    required: bool = Field(
        default=False, description="whether a nonce or a share is given only to people with a session"
    )
    life: Annotated[int, PlainValidator(_parse_life), WithJsonSchema({"type": "string"})] = Field(
        _parse_life(_MAX_LIFE),
        description="how long a session may last, and how old its nonce may be",
        json_schema_extra={"default": _MAX_LIFE},
    )

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({server.issuer for server in self.auth_servers}) != len(self.auth_servers):
            raise ValueError("an issuer stands twice")
        return self
