# SPDX-License-Identifier: MIT
"""Fuzz target: the ticket, as a node gets it from anybody.

Digests make random changes pointless, so the input is either a ticket as sent or, after a ``{``, its
four JSON texts one a line, with ``<LIST>`` and ``<AUDIENCE>`` where the right digests belong.
Promised: nothing but ``MessageError`` comes out; what was read says the same as what was sent.
"""

import hashlib
from collections.abc import Iterable

from osak.shares import MessageError
from osak.shares.protocol.strict_json import encode_base64url
from osak.shares.protocol.ticket import TICKET_ALGORITHMS, draft_ticket, parse_ticket
from osak.shares.protocol.urls import Audience, ServerURL

_HEADER = b'{"typ":"vnd.cdoc2.auth-token.v1+sd-jwt","alg":"ES256"}'
_CLAIMS = b'{"iss":"etsi/PNOEE-48010010101","_sd":["<LIST>"],"_sd_alg":"sha-256"}'
_LIST = (
    b'["AAAAAAAAAAAAAAAA","aud",[{"...":"<AUDIENCE>"},{"...":"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"}]]'
)
_AUDIENCE = b'["BBBBBBBBBBBBBBBB","https://a.ee:8443/key-shares/0123456789abcdef01?nonce=AAECAwQFBgcICQoL"]'


def seeds() -> Iterable[bytes]:
    """Real tickets for one and for three servers, and the texts of one."""
    servers = [Audience(ServerURL(f"{name}.ee", 443), "0" * 32, "n" * 22) for name in "abc"]
    for audiences in (servers, servers[:1]):
        yield draft_ticket("etsi/PNOEE-48010010101", "ES256", audiences, bytes).present(b"s" * 64, 0).encode()
    yield b"\n".join((_HEADER, _CLAIMS, _LIST, _AUDIENCE))
    yield b"\n".join((_HEADER.replace(b"ES256", b"none"), _CLAIMS, _LIST, _AUDIENCE))
    yield b"\n".join((_HEADER, _CLAIMS.replace(b'"<LIST>"', b'"<LIST>","<LIST>"'), _LIST, _AUDIENCE))
    yield b"\n".join((_HEADER, _CLAIMS, _LIST.replace(b"},{", b'},{"...":"<AUDIENCE>"},{'), _AUDIENCE))


def _assembled(data: bytes) -> str:
    """The ticket of four JSON texts, with right digests."""
    header, claims, audience_list, audience = (*data.split(b"\n"), b"", b"", b"")[:4]
    audience_disclosure = encode_base64url(audience)
    list_disclosure = encode_base64url(audience_list.replace(b"<AUDIENCE>", _digest(audience_disclosure)))
    body = encode_base64url(claims.replace(b"<LIST>", _digest(list_disclosure)))
    token = f"{encode_base64url(header)}.{body}.{encode_base64url(bytes(64))}"
    return f"{token}~{list_disclosure}~{audience_disclosure}~"


def _digest(disclosure: str) -> bytes:
    return encode_base64url(hashlib.sha256(disclosure.encode()).digest()).encode()


def check(data: bytes) -> None:
    """Parse, and hold what was found against what was sent."""
    text = _assembled(data) if data.startswith(b"{") else data.decode("latin-1")
    try:
        ticket = parse_ticket(text)
    except MessageError:
        return
    token = f"{ticket.signing_input.decode()}.{encode_base64url(ticket.signature)}"
    assert text.startswith(f"{token}~"), "not all of the token was read"
    assert text.endswith("~")
    assert text.count("~") == 3, "more than two disclosures were taken"
    assert ticket.unverified_algorithm in TICKET_ALGORITHMS
    audience = ticket.unverified_audience
    assert Audience.parse(str(audience)) == audience
