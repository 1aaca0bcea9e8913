# SPDX-License-Identifier: MIT
"""What an operator writes into the YAML about the keys under which shares lie: the section ``sealing``."""

import base64
import binascii
from typing import Annotated, Any, Self

from pydantic import Field, PlainValidator, SecretBytes, WithJsonSchema, model_validator

from osak.node.setting_types import ExistingFile
from osak.shares.configuration import Settings


def _read_key(value: Any) -> SecretBytes:
    """Read the base64 of a key; never repeats it."""
    if isinstance(value, SecretBytes):
        return value
    try:
        return SecretBytes(base64.b64decode(str(value), validate=True))
    except (binascii.Error, ValueError):
        raise ValueError("expected the base64 of a node key") from None


class KeySource(Settings):
    """Where one node key is."""

    key_file: ExistingFile | None = Field(
        None, description="a file of 32 bytes, or of 64 as `osak node key new` makes"
    )
    key: Annotated[SecretBytes, PlainValidator(_read_key), WithJsonSchema({"type": "string"})] | None = Field(
        None, description="its base64 instead of a file; write ${NAME}, so that it comes from the environment"
    )

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.key_file is None) == (self.key is None):
            raise ValueError("name key_file or key, one of them")
        return self


class TokenSettings(Settings):
    """A hardware security module, or any other token, that seals the key files (PKCS#11)."""

    module: ExistingFile = Field(description="its PKCS#11 library: code of somebody else that the node loads")
    label: str = Field(min_length=1, max_length=32, description="the token's label")
    key: str = Field(
        min_length=1, max_length=200, description="label of the secret key in it, for HMAC-SHA256"
    )
    pin_file: ExistingFile = Field(description="file with the PIN alone")


class SealingSettings(KeySource):
    """The key under which shares are sealed, and those that were or will be; see docs/operations.md."""

    next: KeySource | None = Field(
        None, description="the key that will be in use next: other processes may use it already"
    )
    old: tuple[KeySource, ...] = Field(
        (), description="keys that were in use: what lies under them is sealed anew in the background"
    )
    token: TokenSettings | None = Field(
        None, description="left out: the keys are plain; else every key_file opens only with this token"
    )
