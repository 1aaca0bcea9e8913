# SPDX-License-Identifier: MIT
"""A person's signature over a hidden list of audiences (RFC 9901): what tickets and session tokens share.

The JWT that is signed holds the digest of one disclosure, ``aud``; that holds a salted digest for each
audience. Whoever is shown the JWT, ``aud`` and one audience can check that this one was signed, and sees
of the others no more than their number. Nothing here is trusted by being well formed.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from osak.shares.errors import MessageError
from osak.shares.protocol.recipient import check_recipient_id
from osak.shares.protocol.strict_json import (
    decode_base64url,
    encode_base64url,
    parse_object,
    parse_value,
    text_field,
)

SIGNATURE_ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "ES512")
# One HTTP header field: common servers refuse more than 8 KiB.
MAX_PRESENTATION_CHARACTERS = 8000
MAX_AUDIENCES = 255

_SALT_BYTES = 16
_MIN_SALT_CHARACTERS = 11  # RFC 9901 9.3 recommends 128 bits; less than 64 is certainly a mistake


@dataclass(frozen=True, slots=True)
class AudienceDraft:
    """What a person is to sign, and the disclosures that go with it.

    Attributes:
        signing_input: the bytes to sign (RFC 7515 5.1).
        audience_list: the disclosure of ``aud``.
        audiences: the disclosure of each audience.
    """

    signing_input: bytes
    audience_list: str = field(repr=False)
    audiences: tuple[str, ...] = field(repr=False)


def draft_audiences(
    kind: str,
    recipient_id: str,
    algorithm: str,
    audiences: Sequence[str],
    random_bytes: Callable[[int], bytes],
) -> AudienceDraft:
    """Make what ``recipient_id`` is to sign for all ``audiences``; ``kind`` is the JWT's ``typ``.

    Raises:
        MessageError: no or too many audiences, an unknown algorithm, or a malformed recipient id.
    """
    if not 1 <= len(audiences) <= MAX_AUDIENCES:
        raise MessageError("a ticket is for 1 to 255 servers")
    if algorithm not in SIGNATURE_ALGORITHMS:
        raise MessageError(f"{algorithm} is no algorithm for tickets")
    disclosures = tuple(_disclose([_salt(random_bytes), audience]) for audience in audiences)
    digests = [{"...": digest_of(disclosure)} for disclosure in disclosures]
    audience_list = _disclose([_salt(random_bytes), "aud", digests])
    body = {"iss": check_recipient_id(recipient_id), "_sd": [digest_of(audience_list)], "_sd_alg": "sha-256"}
    return AudienceDraft(jwt_signing_input({"typ": kind, "alg": algorithm}, body), audience_list, disclosures)


@dataclass(frozen=True, slots=True)
class UnverifiedClaims:
    """What stands in a JWT that a person may have signed.

    Attributes:
        algorithm: one of ``SIGNATURE_ALGORITHMS``.
        recipient_id: the ``iss`` claim.
        list_digest: of the disclosure of ``aud``.
        signing_input: what the signature covers.
        signature: raw JWS signature.
    """

    algorithm: str
    recipient_id: str
    list_digest: str
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def read_claims(token: str, kind: str) -> UnverifiedClaims:
    """Read a JWT of exactly this shape; ``kind`` is its ``typ``.

    Raises:
        MessageError: any other member, algorithm or form.
    """
    signing_input, _, signature = token.rpartition(".")
    parts = signing_input.split(".")
    if len(parts) != 2:
        raise MessageError("a ticket's JWT has three parts")
    header, body = (parse_object(decode_base64url(part), MAX_PRESENTATION_CHARACTERS) for part in parts)
    if set(header) != {"typ", "alg"} or header["typ"] != kind:
        raise MessageError(f"a ticket's header is typ {kind} and alg")
    algorithm = text_field(header, "alg")
    if algorithm not in SIGNATURE_ALGORITHMS:
        raise MessageError(f"a ticket is signed with one of {', '.join(SIGNATURE_ALGORITHMS)}")
    if set(body) != {"iss", "_sd", "_sd_alg"}:
        raise MessageError("a ticket's body is iss, _sd and _sd_alg sha-256")
    return UnverifiedClaims(
        algorithm,
        check_recipient_id(text_field(body, "iss")),
        read_list_digest(body),
        signing_input.encode("ascii"),
        decode_base64url(signature),
    )


def read_list_digest(body: dict[str, Any]) -> str:
    """The one digest of ``_sd``.

    Raises:
        MessageError: not one, or of another hash.
    """
    digests = body.get("_sd")
    if body.get("_sd_alg") != "sha-256":
        raise MessageError("a ticket's body is iss, _sd and _sd_alg sha-256")
    if not isinstance(digests, list) or len(digests) != 1 or not isinstance(digests[0], str):
        raise MessageError("a ticket's _sd is a list of one digest")
    return digests[0]


def read_audience(list_digest: str, audience_list: str, audience: str) -> str:
    """The audience that is shown, if it is one of those behind ``list_digest``.

    Raises:
        MessageError: the disclosures are not the signed ones, or malformed.
    """
    if digest_of(audience_list) != list_digest:
        raise MessageError("the first disclosure is not the one that was signed")
    digests = _read_audience_list(audience_list)
    # RFC 9901 7.1: a digest that stands anywhere twice makes the whole ticket invalid.
    if len({list_digest, *digests}) != 1 + len(digests):
        raise MessageError("a digest stands twice in a ticket")
    if digest_of(audience) not in digests:
        raise MessageError("the second disclosure is not one of the signed audiences")
    found = _read_disclosure(audience, 2)[1]
    if not isinstance(found, str):
        raise MessageError("an audience is a string")
    return found


def digest_of(disclosure: str) -> str:
    """RFC 9901 4.2.3: digest of the disclosure as sent, so its JSON may be spelt in any way."""
    return encode_base64url(hashlib.sha256(disclosure.encode("ascii")).digest())


def jwt_signing_input(header: dict[str, Any], body: dict[str, Any]) -> bytes:
    """The bytes that a JWS signs (RFC 7515, 5.1)."""
    return ".".join(encode_base64url(_compact(part)) for part in (header, body)).encode("ascii")


def _read_audience_list(disclosure: str) -> list[str]:
    """Digests of all audiences, from ``[salt, "aud", [{"...": digest}, …]]``."""
    salt_name_value = _read_disclosure(disclosure, 3)
    elements = salt_name_value[2]
    if salt_name_value[1] != "aud" or not isinstance(elements, list):
        raise MessageError("the first disclosure is not that of aud")
    if not 1 <= len(elements) <= MAX_AUDIENCES:
        raise MessageError("a ticket is for 1 to 255 servers")
    for element in elements:
        if not isinstance(element, dict) or set(element) != {"..."} or not isinstance(element["..."], str):
            raise MessageError("every audience of a ticket is hidden behind a digest")
    return [element["..."] for element in elements]


def _read_disclosure(disclosure: str, length: int) -> list[Any]:
    value = parse_value(decode_base64url(disclosure), MAX_PRESENTATION_CHARACTERS)
    if not isinstance(value, list) or len(value) != length:
        raise MessageError(f"a disclosure here is a list of {length}")
    salt = value[0]
    if not isinstance(salt, str) or len(salt) < _MIN_SALT_CHARACTERS:
        raise MessageError("a disclosure begins with a salt")
    return value


def _disclose(value: list[object]) -> str:
    return encode_base64url(_compact(value))


def _salt(random_bytes: Callable[[int], bytes]) -> str:
    return encode_base64url(random_bytes(_SALT_BYTES))


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")
