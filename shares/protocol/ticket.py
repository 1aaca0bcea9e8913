# SPDX-License-Identifier: MIT
"""The ticket: an SD-JWT that a recipient signs once for all servers (RFC 9901, our strict profile).

A draft holds one audience per server; each stands behind a salted digest, so one signature covers
all and a server sees only its own audience. The presentation for server i is
``<JWT>~<disclosure of aud>~<disclosure i>~`` (CDOC2 system architecture, chapter 6).

This module knows the format only. Nothing it reads is trusted: names start with ``unverified_`` until
the node has checked signature, certificate, server, share and nonce. RFC 9901 7.1 lets a verifier
refuse everything it does not expect; this profile expects exactly one shape.
"""

import hashlib
import json
import secrets
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
from osak.shares.protocol.urls import Audience

TICKET_TYPE = "vnd.cdoc2.auth-token.v1+sd-jwt"
TICKET_ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "ES512")
# One HTTP header field: common servers refuse more than 8 KiB.
MAX_TICKET_CHARACTERS = 8000
# The official server reads 8 KiB of all header fields together (Spring Boot's default). Beside the ticket
# there are the signer's certificate, 3 KB at most, and what every request has.
MAX_TICKET_CHARACTERS_OFFICIAL = 4000
MAX_AUDIENCES = 255

_SALT_BYTES = 16
_MIN_SALT_CHARACTERS = 11  # RFC 9901 9.3 recommends 128 bits; less than 64 is certainly a mistake
_MAX_PART_BYTES = MAX_TICKET_CHARACTERS
_RSA_SIGNATURE_BYTES = 1024  # of a key of 8192 bits; who signs with a phone does not know its key before
_SIGNATURE_BYTES = {
    "RS256": _RSA_SIGNATURE_BYTES,
    "PS256": _RSA_SIGNATURE_BYTES,
    "ES256": 64,
    "ES384": 96,
    "ES512": 132,
}


@dataclass(frozen=True, slots=True)
class TicketDraft:
    """All that is signed, and the disclosures that go with it.

    Attributes:
        signing_input: the bytes to sign (RFC 7515 5.1); most eID services want their SHA-256.
    """

    signing_input: bytes
    _audience_list: str = field(repr=False)
    _audiences: tuple[str, ...] = field(repr=False)

    def present(self, signature: bytes, position: int) -> str:
        """Ticket for the server whose audience stood at ``position``.

        Args:
            signature: raw JWS signature (r||s for ECDSA, RFC 7518 3.4).
            position: 0-based place in the audiences the draft was made of.
        """
        token = f"{self.signing_input.decode('ascii')}.{encode_base64url(signature)}"
        return f"{token}~{self._audience_list}~{self._audiences[position]}~"

    def longest_with(self, signature_bytes: int) -> int:
        """Characters of its longest presentation, with a signature of that many bytes."""
        audience = max(map(len, self._audiences))
        signature = len(encode_base64url(bytes(signature_bytes)))
        return len(self.signing_input) + signature + len(self._audience_list) + audience + len(".~~~")


def draft_ticket(
    recipient_id: str,
    algorithm: str,
    audiences: Sequence[Audience],
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> TicketDraft:
    """Make the ticket that ``recipient_id`` is to sign for all ``audiences``.

    Raises:
        MessageError: no or too many audiences (about 80 fit beside a long RSA signature, 100
            beside one of an EC key), an unknown algorithm, or a malformed
            recipient id.
    """
    draft = _draft(recipient_id, algorithm, audiences, random_bytes)
    if draft.longest_with(_SIGNATURE_BYTES[algorithm]) > MAX_TICKET_CHARACTERS:
        # Found now, before a person signs what no server would read.
        raise MessageError(f"a ticket for {len(audiences)} servers would be too long for an HTTP header")
    return draft


def ticket_fits(
    recipient_id: str,
    algorithm: str,
    audiences: Sequence[Audience],
    max_characters: int = MAX_TICKET_CHARACTERS,
) -> bool:
    """Whether one ticket can name all of them, whatever its salts and its signature will be.

    Args:
        recipient_id: who signs.
        algorithm: one of ``TICKET_ALGORITHMS``.
        audiences: for whom.
        max_characters: what the least patient of the servers reads.

    Raises:
        MessageError: no audiences, an unknown algorithm, or a malformed recipient id.
    """
    if len(audiences) > MAX_AUDIENCES:
        return False
    draft = _draft(recipient_id, algorithm, audiences, bytes)
    return draft.longest_with(_SIGNATURE_BYTES[algorithm]) <= max_characters


def _draft(
    recipient_id: str, algorithm: str, audiences: Sequence[Audience], random_bytes: Callable[[int], bytes]
) -> TicketDraft:
    if not 1 <= len(audiences) <= MAX_AUDIENCES:
        raise MessageError("a ticket is for 1 to 255 servers")
    if algorithm not in TICKET_ALGORITHMS:
        raise MessageError(f"{algorithm} is no algorithm for tickets")
    disclosures = tuple(_disclose([_salt(random_bytes), str(audience)]) for audience in audiences)
    digests = [{"...": _digest(disclosure)} for disclosure in disclosures]
    audience_list = _disclose([_salt(random_bytes), "aud", digests])
    body = {"iss": check_recipient_id(recipient_id), "_sd": [_digest(audience_list)], "_sd_alg": "sha-256"}
    parts = (_compact({"typ": TICKET_TYPE, "alg": algorithm}), _compact(body))
    signing_input = ".".join(encode_base64url(part) for part in parts).encode("ascii")
    return TicketDraft(signing_input, audience_list, disclosures)


@dataclass(frozen=True, slots=True)
class UnverifiedTicket:
    """A well-formed presentation whose signature nobody has checked yet.

    Attributes:
        unverified_algorithm: one of ``TICKET_ALGORITHMS``.
        unverified_recipient_id: the ``iss`` claim.
        unverified_audience: the only disclosed audience.
        signing_input: what the signature covers.
        signature: raw JWS signature.
    """

    unverified_algorithm: str
    unverified_recipient_id: str
    unverified_audience: Audience
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def parse_ticket(text: str) -> UnverifiedTicket:
    """Read a presentation for one server; checks form and digests, not the signature.

    Raises:
        MessageError: anything but one JWT, the disclosure of ``aud`` and that of one audience, each
            referenced exactly once, with nothing added and a final tilde.
    """
    if len(text) > MAX_TICKET_CHARACTERS or not text.isascii():
        raise MessageError("a ticket is at most 8000 ASCII characters")
    pieces = text.split("~")
    # RFC 9901 4: the presentation ends with a tilde when there is no key binding.
    if len(pieces) != 4 or pieces[3]:
        raise MessageError("a ticket is <JWT>~<disclosure>~<disclosure>~")
    token, audience_list, audience = pieces[:3]
    signing_input, _, signature = token.rpartition(".")
    algorithm, recipient_id, list_digest = _read_claims(signing_input)
    if _digest(audience_list) != list_digest:
        raise MessageError("the first disclosure is not the one that was signed")
    audience_digests = _read_audience_list(audience_list)
    # RFC 9901 7.1: a digest that stands anywhere twice makes the whole ticket invalid.
    if len({list_digest, *audience_digests}) != 1 + len(audience_digests):
        raise MessageError("a digest stands twice in a ticket")
    if _digest(audience) not in audience_digests:
        raise MessageError("the second disclosure is not one of the signed audiences")
    return UnverifiedTicket(
        unverified_algorithm=algorithm,
        unverified_recipient_id=recipient_id,
        unverified_audience=_read_audience(audience),
        signing_input=signing_input.encode("ascii"),
        signature=decode_base64url(signature),
    )


def _read_claims(signing_input: str) -> tuple[str, str, str]:
    """Return algorithm, recipient id and digest of the aud disclosure; refuse any other member."""
    parts = signing_input.split(".")
    if len(parts) != 2:
        raise MessageError("a ticket's JWT has three parts")
    header, body = (parse_object(decode_base64url(part), _MAX_PART_BYTES) for part in parts)
    if set(header) != {"typ", "alg"} or header["typ"] != TICKET_TYPE:
        raise MessageError(f"a ticket's header is typ {TICKET_TYPE} and alg")
    algorithm = text_field(header, "alg")
    if algorithm not in TICKET_ALGORITHMS:
        raise MessageError(f"a ticket is signed with one of {', '.join(TICKET_ALGORITHMS)}")
    if set(body) != {"iss", "_sd", "_sd_alg"} or body["_sd_alg"] != "sha-256":
        raise MessageError("a ticket's body is iss, _sd and _sd_alg sha-256")
    digests = body["_sd"]
    if not isinstance(digests, list) or len(digests) != 1 or not isinstance(digests[0], str):
        raise MessageError("a ticket's _sd is a list of one digest")
    return algorithm, check_recipient_id(text_field(body, "iss")), digests[0]


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


def _read_audience(disclosure: str) -> Audience:
    audience = _read_disclosure(disclosure, 2)[1]
    if not isinstance(audience, str):
        raise MessageError("an audience is a string")
    return Audience.parse(audience)


def _read_disclosure(disclosure: str, length: int) -> list[Any]:
    value = parse_value(decode_base64url(disclosure), _MAX_PART_BYTES)
    if not isinstance(value, list) or len(value) != length:
        raise MessageError(f"a disclosure here is a list of {length}")
    salt = value[0]
    if not isinstance(salt, str) or len(salt) < _MIN_SALT_CHARACTERS:
        raise MessageError("a disclosure begins with a salt")
    return value


def _disclose(value: list[object]) -> str:
    return encode_base64url(_compact(value))


def _digest(disclosure: str) -> str:
    """RFC 9901 4.2.3: digest of the disclosure as sent, so its JSON may be spelt in any way."""
    return encode_base64url(hashlib.sha256(disclosure.encode("ascii")).digest())


def _salt(random_bytes: Callable[[int], bytes]) -> str:
    return encode_base64url(random_bytes(_SALT_BYTES))


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")
