# SPDX-License-Identifier: MIT
"""Fuzz target: session tokens and the parameters of an app's signature, as a node gets them from anybody.

The input is a token as sent or, after a ``{``, JSON texts one a line: the parameters, or header and
body of a token whose disclosures are right. Promised: nothing but ``MessageError`` comes out; parameters
are written as they were read, and no text that is signed has a part too many.
"""

import json
from collections.abc import Iterable

from osak.shares import MessageError
from osak.shares.protocol.session import (
    SessionAudience,
    draft_login,
    parse_session,
    session_signing_input,
    split_session,
    whole_session,
)
from osak.shares.protocol.smart_id import RelyingParty, SignatureParameters, interactions_digest
from osak.shares.protocol.strict_json import decode_base64url, encode_base64url
from osak.shares.protocol.urls import ServerURL

_SERVERS = [SessionAudience(ServerURL(f"{name}.ee", 443), "n" * 22) for name in "ab"]
_DRAFT = draft_login("etsi/PNOEE-48010010101", "ES256", _SERVERS, bytes)
_SIGNING_INPUT = session_signing_input(_DRAFT, bytes(64), key_id="1", issuer="auth", times=(1, 2))
_WHOLE = whole_session(_SIGNING_INPUT, bytes(64), _DRAFT)
_PARAMETERS = SignatureParameters(
    interactions_digest("W10="), "displayTextAndPIN", "A" * 24, "A" * 43, "Notification"
)


def seeds() -> Iterable[bytes]:
    """A whole token, what one server is shown, the texts of one, and parameters."""
    yield _WHOLE.encode()
    yield split_session(_WHOLE)[_SERVERS[0].server].encode()
    header, body = (decode_base64url(part) for part in _SIGNING_INPUT.decode().split("."))
    yield header + b"\n" + body
    yield header.replace(b"ES256", b"none") + b"\n" + body
    yield header + b"\n" + body.replace(b'"exp":2', b'"exp":1e9')
    yield header + b"\n" + body[:-1] + b',"sid_rpv3":"e30"}'
    parameters = decode_base64url(_PARAMETERS.to_header())
    yield parameters
    yield parameters.replace(b"A" * 24, b"A|AA" * 6)
    yield json.dumps({"signature": json.loads(parameters)["signature"]}).encode()


def check(data: bytes) -> None:
    """Read the bytes as everything they could be."""
    _check_parameters(encode_base64url(data))
    text = data.decode("latin-1")
    if data.startswith(b"{"):
        header, _, body = data.partition(b"\n")
        token = f"{encode_base64url(header)}.{encode_base64url(body)}.{encode_base64url(bytes(64))}"
        text = "~".join((token, _DRAFT.audience_list, _DRAFT.audiences[0], ""))
    try:
        session = parse_session(text)
    except MessageError:
        pass
    else:
        assert text.startswith(session.signing_input.decode() + "."), "not all of the token was read"
        assert text.count("~") == 3, "more than two disclosures were taken"
    try:
        shown = split_session(text)
    except MessageError:
        return
    for server, presentation in shown.items():
        assert parse_session(presentation).audience.server == server, "a server is shown another's"


def _check_parameters(text: str) -> None:
    try:
        parameters = SignatureParameters.from_header(text)
    except MessageError:
        return
    assert SignatureParameters.from_header(parameters.to_header()) == parameters
    assert parameters.signed_text(b"", RelyingParty("x")).count(b"|") == 10, "a part too many"
