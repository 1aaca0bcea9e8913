# SPDX-License-Identifier: MIT
"""The ticket: an SD-JWT that a recipient signs once for all servers (RFC 9901, our strict profile).

A draft holds one audience per server; each stands behind a salted digest, so one signature covers
all and a server sees only its own audience. The presentation for server i is
``<JWT>~<disclosure of aud>~<disclosure i>~`` (CDOC2 system architecture, chapter 6).

This module knows the format only. Nothing it reads is trusted: names start with ``unverified_`` until
the node has checked signature, certificate, server, share and nonce. RFC 9901 7.1 lets a verifier
refuse everything it does not expect; this profile expects exactly one shape (``disclosures``).
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from osak.shares.errors import MessageError
from osak.shares.protocol.disclosures import (
    MAX_AUDIENCES,
    MAX_PRESENTATION_CHARACTERS,
    SIGNATURE_ALGORITHMS,
    draft_audiences,
    read_audience,
    read_claims,
)
from osak.shares.protocol.strict_json import encode_base64url
from osak.shares.protocol.urls import Audience

TICKET_TYPE = "vnd.cdoc2.auth-token.v1+sd-jwt"
TICKET_ALGORITHMS = SIGNATURE_ALGORITHMS
MAX_TICKET_CHARACTERS = MAX_PRESENTATION_CHARACTERS
# The official server reads 8 KiB of all header fields together (Spring Boot's default). Beside the ticket
# there are the signer's certificate, 3 KB at most, and what every request has.
MAX_TICKET_CHARACTERS_OFFICIAL = 4000

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
    named = [str(audience) for audience in audiences]
    drafted = draft_audiences(TICKET_TYPE, recipient_id, algorithm, named, random_bytes)
    return TicketDraft(drafted.signing_input, drafted.audience_list, drafted.audiences)


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
    claims = read_claims(pieces[0], TICKET_TYPE)
    return UnverifiedTicket(
        unverified_algorithm=claims.algorithm,
        unverified_recipient_id=claims.recipient_id,
        unverified_audience=Audience.parse(read_audience(claims.list_digest, pieces[1], pieces[2])),
        signing_input=claims.signing_input,
        signature=claims.signature,
    )
