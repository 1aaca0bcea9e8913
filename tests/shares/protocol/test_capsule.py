# SPDX-License-Identifier: MIT
"""Key capsules on the wire: one spelling, strict readers, nothing secret in a repr."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osak.shares.errors import MessageError
from osak.shares.protocol.capsule import (
    MAX_RSA_FIELD_BYTES,
    POINT_BYTES,
    CapsuleMessage,
    CapsuleType,
    capsule_path,
    check_transaction_id,
    transaction_id_from_location,
)

POINT = b"\x04" + bytes(96)
MEMBERS = {
    "capsule_type": "ecc_secp384r1",
    "recipient_id": base64.b64encode(POINT).decode(),
    "ephemeral_key_material": base64.b64encode(POINT).decode(),
}


def body(**changes: Any) -> bytes:
    """An upload with some members changed; None leaves one out."""
    return json.dumps({k: v for k, v in (MEMBERS | changes).items() if v is not None}).encode()


@given(kind=st.sampled_from(CapsuleType), data=st.data())
def test_round_trip(kind: CapsuleType, data: st.DataObject) -> None:
    """What is written is read back, as a request and as a reply."""
    if kind is CapsuleType.RSA:
        fields = st.binary(min_size=1, max_size=MAX_RSA_FIELD_BYTES)
    else:
        rest = POINT_BYTES[kind] - 1
        fields = st.binary(min_size=rest, max_size=rest).map(lambda tail: b"\x04" + tail)
    message = CapsuleMessage(kind, data.draw(fields), data.draw(fields))
    assert CapsuleMessage.from_request(message.to_json()) == message
    assert CapsuleMessage.from_reply(message.to_json()) == message


def test_what_libcdoc_sends() -> None:
    """Escaped slashes and any order of members are the same message."""
    text = json.dumps(dict(sorted(MEMBERS.items()))).replace("/", "\\/")
    assert CapsuleMessage.from_request(text.encode()).recipient_id == POINT


def test_nothing_shows_in_a_repr() -> None:
    """Neither key nor material stands in a repr."""
    message = CapsuleMessage.from_request(body())
    assert "\\x04" not in repr(message)
    assert repr(message) == "CapsuleMessage(capsule_type=<CapsuleType.P384: 'ecc_secp384r1'>)"


@pytest.mark.parametrize(
    "changes",
    [
        {"capsule_type": None},
        {"capsule_type": "ecc_secp256k1"},
        {"capsule_type": 1},
        {"recipient_id": None},
        {"recipient_id": ""},
        {"recipient_id": "no base64"},
        {"recipient_id": MEMBERS["recipient_id"] + "\n"},
        {"recipient_id": base64.b64encode(b"\x02" + bytes(96)).decode()},
        {"recipient_id": base64.b64encode(b"\x04" + bytes(64)).decode()},
        {"ephemeral_key_material": None},
        {"ephemeral_key_material": base64.b64encode(POINT + b"\0").decode()},
        {"capsule_type": "rsa", "recipient_id": ""},
        {"capsule_type": "rsa", "recipient_id": base64.b64encode(bytes(MAX_RSA_FIELD_BYTES + 1)).decode()},
        {"capsule_type": "ecc_secp256r1"},
        {"capsule_type": "ecc_secp521r1"},
    ],
)
def test_malformed_messages(changes: dict[str, Any]) -> None:
    """Missing, malformed and mismatched members are refused, by server and client alike."""
    for read in (CapsuleMessage.from_request, CapsuleMessage.from_reply):
        with pytest.raises(MessageError):
            read(body(**changes))


def test_more_members() -> None:
    """A request with more members is refused; a reply may carry what we do not know."""
    with pytest.raises(MessageError):
        CapsuleMessage.from_request(body(more=1))
    assert CapsuleMessage.from_reply(body(more=1)).recipient_id == POINT


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b"<html></html>", body() + b" " * 4096])
def test_what_is_no_capsule(data: bytes) -> None:
    """Anything but one JSON object of bounded size is refused."""
    with pytest.raises(MessageError):
        CapsuleMessage.from_reply(data)


def test_locations() -> None:
    """The id of a created capsule is taken from a path and from nothing else."""
    known = "KC2dd8d01f0347a72ecd371ed7da23e3f1"
    assert transaction_id_from_location(capsule_path(known)) == known
    for text in (
        "",
        known,
        f"https://server{capsule_path(known)}",
        f"/x{capsule_path(known)}",
        f"{capsule_path(known)}/",
        "/key-capsules/../../etc/passwd0000",
        "/key-capsules/short",
    ):
        with pytest.raises(MessageError):
            transaction_id_from_location(text)


@pytest.mark.parametrize(
    "text", ["a" * 17, "a" * 35, "a" * 20 + "/", "a" * 20 + "?", "ä" * 20, "a" * 20 + "\n"]
)
def test_transaction_ids(text: str) -> None:
    """An id that could change a URL, or is of another length, is refused."""
    with pytest.raises(MessageError):
        check_transaction_id(text)
