# SPDX-License-Identifier: MIT
"""Key capsules on the wire: what a capsule server keeps for the owner of a key (CDOC2, SC03 and SC04).

The API is upstream's key-capsules API (OpenAPI 3.1.1, which its 2.1 clients understand). A capsule
names its recipient by public key alone: an uncompressed EC point (RFC 8446, 4.2.8.2) or the DER of a PKCS#1
``RSAPublicKey``. Lengths and forms are checked here; whether a point lies on its curve is for whoever
holds a library that knows curves.
"""

import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from osak.shares.errors import MessageError
from osak.shares.protocol.messages import MAX_BODY_BYTES
from osak.shares.protocol.strict_json import decode_base64, encode_base64, parse_object, text_field

KEY_CAPSULES_PATH: Final = "/key-capsules"
# The DER of an RSA key of 8192 bits; longer ones would not fit into a body of 4096 bytes.
MAX_RSA_FIELD_BYTES: Final = 1064

_UNCOMPRESSED = 4
_MEMBERS = frozenset({"capsule_type", "recipient_id", "ephemeral_key_material"})
# Upstream issues "KC" and 32 hexadecimal digits, and allows 18 to 34 characters.
_TRANSACTION_ID = re.compile(r"[A-Za-z0-9-]{18,34}", re.ASCII)


class CapsuleType(StrEnum):
    """Kinds of capsules by their name on the wire."""

    P256 = "ecc_secp256r1"
    P384 = "ecc_secp384r1"
    P521 = "ecc_secp521r1"
    RSA = "rsa"


POINT_BYTES: Final = {CapsuleType.P256: 65, CapsuleType.P384: 97, CapsuleType.P521: 133}


@dataclass(frozen=True, slots=True)
class CapsuleMessage:
    """A capsule: the body of an upload and of a fetch.

    Attributes:
        capsule_type: what kind of key it is for.
        recipient_id: the recipient's public key, as bytes of that kind.
        ephemeral_key_material: the sender's ephemeral point, or the KEK encrypted to the RSA key.
    """

    capsule_type: CapsuleType
    recipient_id: bytes = field(repr=False)
    ephemeral_key_material: bytes = field(repr=False)

    def __post_init__(self) -> None:
        for name in ("recipient_id", "ephemeral_key_material"):
            _check_field(self.capsule_type, name, getattr(self, name))

    @classmethod
    def from_request(cls, body: bytes) -> "CapsuleMessage":
        """Read an upload.

        Raises:
            MessageError: anything but exactly the three members, all well formed.
        """
        members = parse_object(body, MAX_BODY_BYTES)
        if set(members) != _MEMBERS:
            raise MessageError(f"the body has exactly {', '.join(sorted(_MEMBERS))}")
        return cls._from_members(members)

    @classmethod
    def from_reply(cls, body: bytes) -> "CapsuleMessage":
        """Read a fetched capsule; members that we do not know are left alone.

        Raises:
            MessageError: a member is missing or malformed, or the capsule is of an unknown kind.
        """
        return cls._from_members(parse_object(body, MAX_BODY_BYTES))

    @classmethod
    def _from_members(cls, members: dict[str, Any]) -> "CapsuleMessage":
        try:
            kind = CapsuleType(text_field(members, "capsule_type"))
        except ValueError as error:
            raise MessageError(f"capsule_type is one of {', '.join(CapsuleType)}") from error
        return cls(
            kind,
            decode_base64(text_field(members, "recipient_id")),
            decode_base64(text_field(members, "ephemeral_key_material")),
        )

    def to_json(self) -> bytes:
        """Encode for the wire."""
        members = {
            "capsule_type": self.capsule_type.value,
            "recipient_id": encode_base64(self.recipient_id),
            "ephemeral_key_material": encode_base64(self.ephemeral_key_material),
        }
        return json.dumps(members, separators=(",", ":")).encode()


def check_transaction_id(text: str) -> str:
    """Return ``text`` if it has the form of a transaction id, ours or a foreign server's.

    Raises:
        MessageError: another length or other characters.
    """
    if not _TRANSACTION_ID.fullmatch(text):
        raise MessageError("a transaction id is 18 to 34 letters, digits or hyphens")
    return text


def capsule_path(transaction_id: str) -> str:
    """Path of one capsule below a server's base URL."""
    return f"{KEY_CAPSULES_PATH}/{transaction_id}"


def transaction_id_from_location(location: str) -> str:
    """Take the transaction id out of the ``Location`` header of a created capsule.

    Raises:
        MessageError: the header is not ``/key-capsules/{transaction id}``.
    """
    prefix = f"{KEY_CAPSULES_PATH}/"
    if not location.startswith(prefix):
        raise MessageError("Location is not /key-capsules/{transaction id}")
    return check_transaction_id(location[len(prefix) :])


def _check_field(kind: CapsuleType, name: str, value: bytes) -> None:
    if kind is CapsuleType.RSA:
        if not 1 <= len(value) <= MAX_RSA_FIELD_BYTES:
            raise MessageError(f"{name} of an RSA capsule has 1 to {MAX_RSA_FIELD_BYTES} bytes")
    elif len(value) != POINT_BYTES[kind] or value[0] != _UNCOMPRESSED:
        raise MessageError(f"{name} is not an uncompressed point of {POINT_BYTES[kind]} bytes")
