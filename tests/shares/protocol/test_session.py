# SPDX-License-Identifier: MIT
"""The form of session tokens: what each server is shown, and every form that is refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from factories.logins import Vouching
from factories.people import TestCA

from osak.shares.errors import MessageError
from osak.shares.protocol.session import (
    MAX_SESSION_CHARACTERS,
    SessionAudience,
    parse_session,
    split_session,
)
from osak.shares.protocol.strict_json import decode_base64url, encode_base64url
from osak.shares.protocol.ticket import parse_ticket
from osak.shares.protocol.urls import Audience, ServerURL

PERSON = TestCA().issue()
SERVER = Vouching()
A = SessionAudience(ServerURL.parse("https://a.example:8443"), "A" * 22)
B = SessionAudience(ServerURL.parse("https://b.example/osak"), "B" * 22)
WHOLE = SERVER.session(PERSON, A, B)
SHOWN = split_session(WHOLE)[A.server]


def test_each_server_is_shown_its_own() -> None:
    """Of the whole token each server sees the number of servers and its own nonce, and no other's."""
    shown = split_session(WHOLE)
    assert list(shown) == [A.server, B.server]
    for audience in (A, B):
        session = parse_session(shown[audience.server])
        assert session.audience == audience
        assert session.login.recipient_id == PERSON.recipient_id
        assert (session.issuer, session.key_id) == (SERVER.issuer, "1")
        assert session.expires_at - session.issued_at == 3600
        assert session.smart_id_parameters is None
    disclosed = [decode_base64url(piece).decode() for piece in shown[A.server].split("~")[1:3]]
    assert not any(B.nonce in text for text in disclosed)


def test_a_login_is_no_ticket() -> None:
    """What a person signs to log in is of another type than a ticket: neither passes as the other."""
    share = Audience(A.server, "ab" * 16, "A" * 22)
    ticket = PERSON.ticket(share)
    with pytest.raises(MessageError):
        parse_session(ticket)
    header = json.loads(decode_base64url(SHOWN.split(".")[0]))
    body = json.loads(decode_base64url(SHOWN.split(".")[1]))
    assert header["typ"] == "vnd.cdoc2.session-token.v1+sd-jwt"
    login = json.loads(decode_base64url(body["person"].split(".")[0]))
    assert login["typ"] == "vnd.cdoc2.session-login.v1+jwt"
    with pytest.raises(MessageError):
        parse_ticket("~".join((body["person"], *SHOWN.split("~")[1:])))


def changed(part: int, change: Callable[[dict[str, Any]], Any]) -> str:
    """The token with something changed in its header (0) or body (1)."""
    token, _, rest = SHOWN.partition("~")
    parts = token.split(".")
    members = json.loads(decode_base64url(parts[part]))
    change(members)
    parts[part] = encode_base64url(json.dumps(members).encode())
    return f"{'.'.join(parts)}~{rest}"


def other_login(body: dict[str, Any]) -> None:
    """Put a login over another list of servers into the body."""
    other = split_session(SERVER.session(PERSON, B))[B.server]
    body["person"] = json.loads(decode_base64url(other.split(".")[1]))["person"]


BAD = {
    "another type": changed(0, lambda head: head.update(typ="vnd.cdoc2.auth-token.v1+sd-jwt")),
    "no algorithm": changed(0, lambda head: head.update(alg="none")),
    "HMAC": changed(0, lambda head: head.update(alg="HS256")),
    "no key id": changed(0, lambda head: head.pop("kid")),
    "more in the header": changed(0, lambda head: head.update(jku="https://evil.example")),
    "more in the body": changed(1, lambda body: body.update(role="admin")),
    "less in the body": changed(1, lambda body: body.pop("exp")),
    "somebody else": changed(1, lambda body: body.update(sub="etsi/PNOEE-40504040001")),
    "no person": changed(1, lambda body: body.update(sub="me")),
    "no login": changed(1, lambda body: body.update(person="a.b.c")),
    "another login": changed(1, other_login),
    "two lists": changed(1, lambda body: body.update(_sd=body["_sd"] * 2)),
    "another hash": changed(1, lambda body: body.update(_sd_alg="sha-512")),
    "text for a time": changed(1, lambda body: body.update(exp="tomorrow")),
    "truth for a time": changed(1, lambda body: body.update(exp=True)),
    "a time before all": changed(1, lambda body: body.update(iat=-1)),
    "a number of parameters": changed(1, lambda body: body.update(sid_rpv3=1)),
    "no final tilde": SHOWN[:-1],
    "the whole": WHOLE,
    "a disclosure less": "~".join((*SHOWN.split("~")[:2], "")),
    "another disclosure": "~".join((*SHOWN.split("~")[:2], SHOWN.split("~")[1], "")),
    "two parts": SHOWN.replace(".", "", 1),
    "too long": "A" * 8001,
    "not ASCII": SHOWN.replace("~", "õ", 1),
}


@pytest.mark.parametrize("fault", BAD)
def test_bad_tokens(fault: str) -> None:
    """Whatever is not exactly the documented form is refused."""
    with pytest.raises(MessageError):
        parse_session(BAD[fault])


@pytest.mark.parametrize(
    "whole",
    [
        SERVER.session(PERSON, A, A),
        WHOLE[:-1],
        WHOLE.partition("~")[0] + "~",
        "~" * MAX_SESSION_CHARACTERS + "~",
    ],
    ids=["a server twice", "no final tilde", "no servers", "too long"],
)
def test_bad_whole_tokens(whole: str) -> None:
    """A token that cannot be shown to each server apart is refused."""
    with pytest.raises(MessageError):
        split_session(whole)


@pytest.mark.parametrize(
    "text",
    [
        "https://a.example/session_nonce",
        "https://a.example//session_nonce?nonce=AAAAAAAAAAAA",
        "http://a.example/session_nonce?nonce=AAAAAAAAAAAA",
        "https://a.example/session_nonce?nonce=short",
        "https://a.example/key-shares/x?nonce=AAAAAAAAAAAA",
    ],
)
def test_bad_audiences(text: str) -> None:
    """An audience names a server and its session nonce, and nothing else."""
    with pytest.raises(MessageError):
        SessionAudience.parse(text)
