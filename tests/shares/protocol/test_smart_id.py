# SPDX-License-Identifier: MIT
"""What a Smart-ID app signs: the text, its parts in a header, and every header that is refused."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osak.shares.errors import MessageError
from osak.shares.protocol.smart_id import (
    ALGORITHM_PARAMETERS,
    FLOW_TYPES,
    INTERACTION_TYPES,
    MAX_PARAMETER_CHARACTERS,
    RelyingParty,
    SignatureParameters,
    interactions_digest,
)
from osak.shares.protocol.strict_json import decode_base64url, encode_base64, encode_base64url

INTERACTIONS = "W3sidHlwZSI6ImRpc3BsYXlUZXh0QW5kUElOIn1d"
PARAMETERS = SignatureParameters(
    interactions_digest(INTERACTIONS), "displayTextAndPIN", encode_base64(bytes(18)), "A" * 43, "Notification"
)


def test_the_text() -> None:
    """Eleven parts in the service's order; names as base64; the challenge is the ticket's SHA-256."""
    text = PARAMETERS.signed_text(b"head.body", RelyingParty("Ärikeskus", brokered_name="RIA"))
    assert text.decode().split("|") == [
        "smart-id",
        "ACSP_V2",
        "AAAAAAAAAAAAAAAAAAAAAAAA",
        encode_base64(hashlib.sha256(b"head.body").digest()),
        "A" * 43,
        "w4RyaWtlc2t1cw==",
        "UklB",
        encode_base64(hashlib.sha256(INTERACTIONS.encode()).digest()),
        "displayTextAndPIN",
        "",
        "Notification",
    ]


@given(
    st.binary(min_size=32, max_size=32),
    st.sampled_from(INTERACTION_TYPES),
    st.binary(min_size=18, max_size=256),
    st.binary(min_size=32, max_size=32),
    st.sampled_from(FLOW_TYPES),
)
def test_round_trip(digest: bytes, used: str, random: bytes, challenge: bytes, flow: str) -> None:
    """What is written into a header is read out of it, and has as many parts in its text."""
    parameters = SignatureParameters(
        encode_base64(digest), used, encode_base64(random), encode_base64url(challenge), flow
    )
    assert SignatureParameters.from_header(parameters.to_header()) == parameters
    assert parameters.signed_text(b"", RelyingParty("A|B", "x")).count(b"|") == 10


def changed(change: Callable[[dict[str, Any]], Any]) -> str:
    """The header's value with something changed in it."""
    members = json.loads(decode_base64url(PARAMETERS.to_header()))
    change(members)
    return encode_base64url(json.dumps(members).encode())


BAD = {
    "no base64": "{}",
    "no JSON": encode_base64url(b"{"),
    "a list": encode_base64url(b"[]"),
    "a member more": changed(lambda all_of: all_of.update(more=1)),
    "a member less": changed(lambda all_of: all_of.pop("interactionsDigest")),
    "no signature": changed(lambda all_of: all_of.update(signature="x")),
    "more in the signature": changed(lambda all_of: all_of["signature"].update(value="x")),
    "less in the signature": changed(lambda all_of: all_of["signature"].pop("flowType")),
    "a pipe": changed(lambda all_of: all_of["signature"].update(serverRandom="AAAA|AAAA|AAAA|AAAAAAAAAA")),
    "a short random": changed(lambda all_of: all_of["signature"].update(serverRandom="AAAA")),
    "a long random": changed(lambda all_of: all_of["signature"].update(serverRandom="A" * 344)),
    "another challenge": changed(lambda all_of: all_of["signature"].update(userChallenge="A" * 42)),
    "another flow": changed(lambda all_of: all_of["signature"].update(flowType="Web2App")),
    "another interaction": changed(lambda all_of: all_of.update(interactionTypeUsed="none")),
    "a number": changed(lambda all_of: all_of.update(interactionTypeUsed=1)),
    "a short digest": changed(lambda all_of: all_of.update(interactionsDigest="AAAA")),
    "PKCS 1": changed(
        lambda all_of: all_of["signature"].update(signatureAlgorithm="sha256WithRSAEncryption")
    ),
    "another salt": changed(
        lambda all_of: all_of["signature"]["signatureAlgorithmParameters"].update(saltLength=20)
    ),
    "another hash": changed(
        lambda all_of: all_of["signature"]["signatureAlgorithmParameters"].update(hashAlgorithm="SHA3-512")
    ),
    "too long": "A" * (MAX_PARAMETER_CHARACTERS + 1),
}


@pytest.mark.parametrize("fault", BAD)
def test_bad_headers(fault: str) -> None:
    """Whatever is not exactly the documented form is refused."""
    with pytest.raises(MessageError):
        SignatureParameters.from_header(BAD[fault])


def test_an_answer_may_hold_more() -> None:
    """The service may add to its answers; what is missing in them is missed."""
    signature = json.loads(decode_base64url(PARAMETERS.to_header()))["signature"]
    more = {**signature, "value": "x", "signatureAlgorithmParameters": {**ALGORITHM_PARAMETERS, "new": 1}}
    found = SignatureParameters.from_signature(more, PARAMETERS.interactions_digest, "displayTextAndPIN")
    assert found == PARAMETERS
    for name in signature:
        less = {other: value for other, value in signature.items() if other != name}
        with pytest.raises(MessageError):
            SignatureParameters.from_signature(less, PARAMETERS.interactions_digest, "displayTextAndPIN")


@pytest.mark.parametrize(("name", "scheme"), [("", "smart-id"), ("DEMO", ""), ("DEMO", "smart|id")])
def test_relying_parties(name: str, scheme: str) -> None:
    """A relying party has a name, and a scheme that cannot run into the next part."""
    with pytest.raises(MessageError):
        RelyingParty(name, scheme)
