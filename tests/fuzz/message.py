# SPDX-License-Identifier: MIT
"""Fuzz target: the JSON bodies and headers of the share protocol, requests and replies.

Promised: nothing but ``MessageError`` comes out, and nothing at all of an unhappy server's reply;
every message that was read is written so that both ends read the same; a request is a reply too.
"""

from collections.abc import Iterable

from osak.shares import MessageError
from osak.shares.protocol.messages import NodeIdentity, NonceReply, Problem, ShareMessage
from osak.shares.protocol.share_set import ShareSetMember
from osak.shares.protocol.urls import Audience, ServerURL, share_id_from_location

_RECIPIENT = "etsi/PNOEE-48010010101"


def seeds() -> Iterable[bytes]:
    """One message of every kind, and the texts that go into headers."""
    request = ShareMessage(b"s" * 32, _RECIPIENT).to_json()
    yield request
    yield ShareMessage(b"s" * 128, _RECIPIENT).to_json()
    yield request[:-1] + b',"new":[1,{"a":null}]}'
    yield NonceReply("nonce-nonce-nonce-0000").to_json()
    yield NodeIdentity("ria", "Riigi Infosüsteemi Amet", "0.1.0", {"nonce_life_seconds": 300}).to_json()
    yield Problem(404, "not-found", "there is no such share", "0123").to_json()
    yield str(ShareSetMember(bytes(16), 2, 3, 5)).encode()
    yield b"https://[2001:db8::1]:8443/osak/key-shares/0123456789abcdef01?nonce=AAECAwQFBgcICQoL"
    yield b"/key-shares/0123456789abcdef0123456789abcdef"
    yield b'{"share":"' + b"\\u0041" * 44 + b'","recipient":"etsi/PNOEE-48010010101"}'


def check(data: bytes) -> None:
    """Read the bytes as everything they could be."""
    _check_share(data)
    _check_replies(data)
    _check_texts(data.decode("latin-1"))


def _check_share(body: bytes) -> None:
    try:
        reply = ShareMessage.from_reply(body)
    except MessageError:
        reply = None
    try:
        request = ShareMessage.from_request(body)
    except MessageError:
        request = None
    assert request is None or request == reply, "a request is read otherwise than a reply"
    if reply is not None:
        assert ShareMessage.from_request(reply.to_json()) == reply, "a share is not written as it was read"


def _check_replies(body: bytes) -> None:
    problem = Problem.from_reply(500, body)
    assert (problem.code + problem.title + problem.request_id).isprintable()
    for kind in (NonceReply, NodeIdentity):
        try:
            message = kind.from_reply(body)
        except MessageError:
            continue
        assert kind.from_reply(message.to_json()) == message, "a reply is not written as it was read"


def _check_texts(text: str) -> None:
    for kind in (ShareSetMember, ServerURL, Audience):
        try:
            value = kind.parse(text)
        except MessageError:
            continue
        assert kind.parse(str(value)) == value, "a text is not written as it was read"
        assert str(kind.parse(str(value))) == str(value)
    try:
        share_id = share_id_from_location(text)
    except MessageError:
        return
    assert share_id == text.removeprefix("/key-shares/")
