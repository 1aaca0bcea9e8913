# SPDX-License-Identifier: MIT
"""Tests of making tickets in ``osak.shares.protocol.ticket``: fixed bytes, round trips, limits."""

import hashlib
import json
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osak.shares.errors import MessageError
from osak.shares.protocol.strict_json import decode_base64url, encode_base64url
from osak.shares.protocol.ticket import (
    MAX_TICKET_CHARACTERS,
    TICKET_ALGORITHMS,
    TicketDraft,
    _draft,
    draft_ticket,
    parse_ticket,
    ticket_fits,
)
from osak.shares.protocol.urls import Audience, ServerURL

PERSON = "etsi/PNOEE-60001017869"
SIGNATURE = bytes(range(64))
AUDIENCE_A = Audience.parse(
    "https://a.example:8443/key-shares/000102030405060708090a0b0c0d0e0f?nonce=AAECAwQFBgcICQoLDA0ODw"
)
AUDIENCE_B = Audience.parse(
    "https://b.example:8443/key-shares/f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff?nonce=EBESExQVFhcYGRobHB0eHw"
)
DIGEST_A = "MGl5XBjVtr84MS1ta9fLCIYYW40kv7XkuwZg-vi-Fc4"
DIGEST_B = "hDa0JNiMi4WQPl-lqjVPZrOmaVW4CnOMP0GdKj4pY4w"
DIGEST_LIST = "39-F-YPlSd35iWRt_UMpxpl_Ydo4XrCf01OHcMsU5bY"

# Cheap to draw: what a server may be called is the business of test_urls.
AUDIENCES = st.builds(
    lambda number, port, share_id, nonce: Audience(
        ServerURL(f"node-{number}.example", port), share_id.hex(), encode_base64url(nonce)
    ),
    st.integers(1, 255),
    st.integers(1, 65535),
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=16, max_size=16),
)


def worked_example(algorithm: str = "ES256") -> TicketDraft:
    """The worked example of our notes on CDOC2: salts are 16 times 01, 02 and, for aud, 03."""
    salts = count(1)
    return draft_ticket(
        PERSON, algorithm, [AUDIENCE_A, AUDIENCE_B], lambda length: bytes([next(salts)]) * length
    )


def sha256_text(text: str) -> str:
    """SHA-256 of ASCII, as SD-JWT writes it."""
    return encode_base64url(hashlib.sha256(text.encode("ascii")).digest())


def test_header_and_body_of_the_worked_example() -> None:
    """The header has its exact bytes, the body names recipient, digest and algorithm in this order."""
    header, body = worked_example().signing_input.decode().split(".")
    assert header == "eyJ0eXAiOiJ2bmQuY2RvYzIuYXV0aC10b2tlbi52MStzZC1qd3QiLCJhbGciOiJFUzI1NiJ9"
    expected = f'{{"iss":"etsi/PNOEE-60001017869","_sd":["{DIGEST_LIST}"],"_sd_alg":"sha-256"}}'
    assert decode_base64url(body).decode() == expected


def test_signed_digest_of_the_worked_example() -> None:
    """An eID service is asked to sign exactly this SHA-256."""
    digest = hashlib.sha256(worked_example().signing_input).hexdigest()
    assert digest == "f65accd958453e9a8ea004952e6fbc0c9c94a9be83a3dc5d73ed6ca5b9e043f3"


@pytest.mark.parametrize(
    ("position", "audience", "digest", "salt"),
    [
        (0, AUDIENCE_A, DIGEST_A, "AQEBAQEBAQEBAQEBAQEBAQ"),
        (1, AUDIENCE_B, DIGEST_B, "AgICAgICAgICAgICAgICAg"),
    ],
)
def test_presentations_of_the_worked_example(
    position: int, audience: Audience, digest: str, salt: str
) -> None:
    """Each server gets the JWT, the list of digests, its own audience, a final tilde and no more."""
    draft = worked_example()
    token, audience_list, element, end = draft.present(SIGNATURE, position).split("~")
    assert token == f"{draft.signing_input.decode()}.{encode_base64url(SIGNATURE)}"
    assert (sha256_text(element), sha256_text(audience_list), end) == (digest, DIGEST_LIST, "")
    assert decode_base64url(element).decode() == f'["{salt}","{audience}"]'
    expected = f'["AwMDAwMDAwMDAwMDAwMDAw","aud",[{{"...":"{DIGEST_A}"}},{{"...":"{DIGEST_B}"}}]]'
    assert decode_base64url(audience_list).decode() == expected


@given(
    st.lists(AUDIENCES, min_size=1, max_size=6),
    st.sampled_from(TICKET_ALGORITHMS),
    st.binary(min_size=1, max_size=768),
)
def test_every_presentation_is_read_back(audiences: list[Audience], algorithm: str, signature: bytes) -> None:
    """For each server the parser gives back its audience alone, and what was signed."""
    draft = draft_ticket(PERSON, algorithm, audiences)
    for position, audience in enumerate(audiences):
        text = draft.present(signature, position)
        ticket = parse_ticket(text)
        assert ticket.unverified_audience == audience
        assert (ticket.unverified_algorithm, ticket.unverified_recipient_id) == (algorithm, PERSON)
        assert (ticket.signing_input, ticket.signature) == (draft.signing_input, signature)
        others = {str(other) for other in audiences} - {str(audience)}
        shown = b"".join(decode_base64url(piece) for piece in text.split("~")[1:3]).decode()
        assert not any(other in shown for other in others)


def test_salts_are_fresh() -> None:
    """Two drafts for the same servers share no digest, so a server cannot guess the others."""
    one, other = (draft_ticket(PERSON, "ES256", [AUDIENCE_A, AUDIENCE_A]) for _ in range(2))
    digests = {sha256_text(disclosure) for draft in (one, other) for disclosure in draft._audiences}
    assert len(digests) == 4


def test_nothing_secret_in_repr() -> None:
    """Nonces and signatures stay out of logs."""
    ticket = parse_ticket(worked_example().present(SIGNATURE, 0))
    shown = repr(ticket) + repr(worked_example())
    assert AUDIENCE_A.nonce not in shown
    assert repr(SIGNATURE) not in shown
    assert worked_example()._audiences[0] not in shown


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS384", "ES256K", "es256", ""])
def test_other_algorithms_are_not_drafted(algorithm: str) -> None:
    """Only the algorithms that nodes accept can be asked for."""
    with pytest.raises(MessageError, match="algorithm"):
        worked_example(algorithm)


def test_a_malformed_person_is_not_drafted() -> None:
    """The recipient id must be well formed before anybody signs it."""
    with pytest.raises(MessageError, match="recipient id"):
        draft_ticket("PNOEE-60001017869", "ES256", [AUDIENCE_A])


@pytest.mark.parametrize("servers", [0, 256])
def test_a_ticket_is_for_1_to_255_servers(servers: int) -> None:
    """A ticket for nobody or for more servers than shares can exist is not drafted."""
    with pytest.raises(MessageError, match="1 to 255"):
        draft_ticket(PERSON, "ES256", [AUDIENCE_A] * servers)


def test_a_drafted_ticket_always_fits_the_header() -> None:
    """The most servers a draft takes still give readable tickets with the longest signature."""
    servers = 1
    with pytest.raises(MessageError, match="too long"):
        while True:
            draft_ticket(PERSON, "RS256", [AUDIENCE_A] * (servers + 1))
            servers += 1
    assert servers >= 64
    draft = draft_ticket(PERSON, "RS256", [AUDIENCE_A] * servers)
    ticket = draft.present(bytes(1024), 0)
    assert len(ticket) <= MAX_TICKET_CHARACTERS
    assert parse_ticket(ticket).unverified_audience == AUDIENCE_A


def at_the_limit(algorithm: str, signature_bytes: int, servers: int) -> tuple[str, list[Audience]]:
    """A person and servers whose longest ticket has exactly as many characters as a header takes."""
    for person in (PERSON, "etsi/PASEE-K1234567", "etsi/PASEE-K123456"):
        for letters in range(1, 200):
            server = ServerURL("long.example", 8443, f"/{'p' * letters}")
            audiences = [*[AUDIENCE_A] * (servers - 1), replace(AUDIENCE_B, server=server)]
            draft = _draft(person, algorithm, audiences, bytes)
            if len(draft.present(bytes(signature_bytes), servers - 1)) == MAX_TICKET_CHARACTERS:
                return person, audiences
    raise AssertionError("no such servers")


@pytest.mark.parametrize(
    ("algorithm", "signature_bytes", "servers"), [("RS256", 1024, 84), ("ES256", 64, 101), ("ES384", 96, 101)]
)
def test_the_limit_is_met_exactly(algorithm: str, signature_bytes: int, servers: int) -> None:
    """A ticket of exactly 8000 characters is drafted and read; a longer one is not."""
    person, audiences = at_the_limit(algorithm, signature_bytes, servers)
    assert ticket_fits(person, algorithm, audiences)
    draft = draft_ticket(person, algorithm, audiences)
    ticket = draft.present(bytes(signature_bytes), servers - 1)
    assert (len(ticket), draft.longest_with(signature_bytes)) == (MAX_TICKET_CHARACTERS,) * 2
    assert parse_ticket(ticket).unverified_audience == audiences[-1]
    longer = replace(audiences[-1], server=replace(audiences[-1].server, host="longer.example"))
    assert not ticket_fits(person, algorithm, [*audiences[:-1], longer])
    with pytest.raises(MessageError, match="too long"):
        draft_ticket(person, algorithm, [*audiences[:-1], longer])


def test_more_than_255_servers_never_fit() -> None:
    """Whatever the names are, a ticket is for no more servers than a set has shares."""
    assert not ticket_fits(PERSON, "ES256", [AUDIENCE_A] * 256)


def test_the_draft_says_who_signs_with_what() -> None:
    """Header and body hold nothing but typ, alg, iss, _sd and _sd_alg: no key, no time, no salt."""
    header, body = (
        json.loads(decode_base64url(part)) for part in worked_example().signing_input.decode().split(".")
    )
    assert sorted(header) == ["alg", "typ"]
    assert sorted(body) == ["_sd", "_sd_alg", "iss"]
