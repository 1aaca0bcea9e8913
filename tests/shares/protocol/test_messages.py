# SPDX-License-Identifier: MIT
"""Tests of ``osak.shares.protocol.messages``, and of the words in ``codes`` and ``headers``."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osak.shares.errors import MessageError
from osak.shares.protocol import headers
from osak.shares.protocol.codes import ProblemCode
from osak.shares.protocol.messages import MAX_BODY_BYTES, NodeIdentity, NonceReply, Problem, ShareMessage
from osak.shares.protocol.urls import ServerURL

PERSON = "etsi/PNOEE-48010010101"
NONCE = "AAECAwQFBgcICQoLDA0ODw"
SHARE = bytes(range(32))
IDENTITY: dict[str, Any] = {"id": "ria", "organisation": "RIA", "version": "1.2.3", "limits": {"a": 1}}

PRINTABLE = st.text(min_size=1, max_size=60).filter(str.isprintable)
RECIPIENTS = st.from_regex(r"etsi/(PAS|IDC|PNO)[A-Z]{2}-[A-Za-z0-9-]{1,21}", fullmatch=True)
NONCES = st.from_regex(r"[A-Za-z0-9_-]{12,128}", fullmatch=True)
READERS = [
    ShareMessage.from_request,
    ShareMessage.from_reply,
    NonceReply.from_reply,
    NodeIdentity.from_reply,
]


def body(**members: Any) -> bytes:
    """A JSON body as a stranger would write it."""
    return json.dumps(members).encode()


@given(st.binary(min_size=32, max_size=128), RECIPIENTS)
def test_share_message_is_read_back(share: bytes, recipient: str) -> None:
    """Upload and release carry share and recipient unchanged."""
    message = ShareMessage(share, recipient)
    assert message == ShareMessage.from_request(message.to_json())
    assert message == ShareMessage.from_reply(message.to_json())


def test_share_message_on_the_wire() -> None:
    """The bytes are those of upstream's API: standard base64 and the recipient."""
    expected = (
        b'{"share":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=","recipient":"etsi/PNOEE-48010010101"}'
    )
    assert ShareMessage(SHARE, PERSON).to_json() == expected


@given(NONCES)
def test_nonce_reply_is_read_back(nonce: str) -> None:
    """A nonce is echoed unchanged, whatever its length."""
    assert NonceReply(nonce) == NonceReply.from_reply(NonceReply(nonce).to_json())


@given(
    PRINTABLE,
    PRINTABLE,
    PRINTABLE,
    st.dictionaries(PRINTABLE, st.integers(-(2**63), 2**63), max_size=4),
    st.sampled_from([None, ServerURL("node.example", 443, "/osak"), ServerURL("::1", 8443)]),
)
def test_node_identity_is_read_back(
    node: str, organisation: str, version: str, limits: dict[str, int], url: ServerURL | None
) -> None:
    """What a node says of itself arrives unchanged, in any script."""
    identity = NodeIdentity(node, organisation, version, limits, url)
    assert identity == NodeIdentity.from_reply(identity.to_json())


@given(st.integers(400, 599), st.sampled_from(ProblemCode), PRINTABLE, PRINTABLE)
def test_problem_is_read_back(status: int, code: ProblemCode, title: str, request_id: str) -> None:
    """Code, title and request id reach the other end; the status is the one of HTTP."""
    problem = Problem(status, code, title, request_id)
    assert problem == Problem.from_reply(status, problem.to_json())
    assert json.loads(problem.to_json())["type"] == "about:blank"


@pytest.mark.parametrize("read", READERS)
@given(data=st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")))
def test_random_bodies_leave_only_message_errors(read: Any, data: bytes) -> None:
    """A body is a message or MessageError."""
    with contextlib.suppress(MessageError):
        read(data)


@pytest.mark.parametrize("read", READERS)
@given(data=st.data())
def test_mutated_bodies_leave_only_message_errors(read: Any, data: st.DataObject) -> None:
    """A good body with members of the wrong type or changed bytes is a message or MessageError."""
    members = {"share": "A" * 43 + "=", "recipient": PERSON, "nonce": NONCE, **IDENTITY}
    for name in data.draw(st.lists(st.sampled_from(sorted(members)), max_size=3)):
        members[name] = data.draw(
            st.none()
            | st.booleans()
            | st.integers()
            | st.text(max_size=20)
            | st.lists(st.integers(), max_size=2)
        )
    mutated = bytearray(body(**members))
    for place in data.draw(st.lists(st.integers(0, len(mutated) - 1), max_size=3)):
        mutated[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(MessageError):
        read(bytes(mutated))


@given(st.integers(400, 599), st.binary(max_size=200))
def test_a_problem_never_raises(status: int, data: bytes) -> None:
    """Whatever an unhappy server sent, its status is kept and its texts are safe to print."""
    problem = Problem.from_reply(status, data)
    assert problem.status == status
    assert (problem.code + problem.title + problem.request_id).isprintable()


@pytest.mark.parametrize(
    "data",
    [
        b"<html>502 Bad Gateway</html>",
        b"",
        b"[]",
        b"{}",
        b'{"title":1,"code":null,"request_id":[]}',
        b'{"title":"\\u001b[31mred","code":"a\\nb","request_id":"\\ud800"}',
        body(title="x" * 201),
        body(title="x", pad="y" * MAX_BODY_BYTES),
    ],
)
def test_an_unreadable_problem_is_empty(data: bytes) -> None:
    """HTML, other types, control characters and endless texts are shown as nothing."""
    assert Problem.from_reply(502, data) == Problem(502, "", "", "")


SHARE_TEXT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        body(),
        body(share=SHARE_TEXT),
        body(recipient=PERSON),
        body(share=None, recipient=PERSON),
        body(share=[1], recipient=PERSON),
        body(share=SHARE_TEXT, recipient=1),
        body(share=SHARE_TEXT, recipient="PNOEE-48010010101"),
        body(share=SHARE_TEXT.rstrip("="), recipient=PERSON),
        body(share=SHARE_TEXT + "\n", recipient=PERSON),
        body(share="", recipient=PERSON),
        body(share="A" * 40, recipient=PERSON),
        body(share="A" * 172, recipient=PERSON),
        f'{{"share":"{SHARE_TEXT}","share":"{SHARE_TEXT}","recipient":"{PERSON}"}}'.encode(),
        body(share=SHARE_TEXT, recipient=PERSON) + b" " * MAX_BODY_BYTES,
    ],
)
def test_malformed_shares_are_refused(data: bytes) -> None:
    """Missing, doubled, mistyped, short, long or loosely encoded: neither upload nor release."""
    for read in (ShareMessage.from_request, ShareMessage.from_reply):
        with pytest.raises(MessageError):
            read(data)


def test_an_upload_is_taken_whole_or_not_at_all() -> None:
    """An upload with a member we do not know is refused, a release may have one."""
    data = body(share=SHARE_TEXT, recipient=PERSON, expiry="never")
    with pytest.raises(MessageError, match="exactly"):
        ShareMessage.from_request(data)
    assert ShareMessage.from_reply(data) == ShareMessage(SHARE, PERSON)


@pytest.mark.parametrize("length", [0, 31, 129])
def test_shares_have_32_to_128_bytes(length: int) -> None:
    """A share of another length cannot be made."""
    with pytest.raises(MessageError, match="32 to 128"):
        ShareMessage(bytes(length), PERSON)


def test_neither_share_nor_person_nor_nonce_is_shown() -> None:
    """The repr of a message keeps its secrets."""
    shown = repr(ShareMessage(b"\xab" * 32, PERSON)) + repr(NonceReply(NONCE))
    assert not any(secret in shown for secret in ("xab", PERSON, NONCE))


@pytest.mark.parametrize("value", [None, 1, "", "short", "a" * 129, "with space here", "padded-nonce=="])
def test_odd_nonces_are_refused(value: Any) -> None:
    """A reply without a usable nonce is refused."""
    with pytest.raises(MessageError):
        NonceReply.from_reply(body(nonce=value))


@pytest.mark.parametrize(
    "change",
    [
        {"id": 1},
        {"id": ""},
        {"id": "a\x1b[2J"},
        {"id": "x" * 201},
        {"organisation": None},
        {"organisation": "two\nlines"},
        {"version": "\u202e1"},
        {"limits": []},
        {"limits": {"a": "1"}},
        {"limits": {"a": True}},
        {"limits": {"a": 1.5}},
        {"limits": {"a\x1b[2J": 1}},
        {"limits": {"": 1}},
        {"url": "http://node.example"},
        {"url": None},
    ],
)
def test_odd_identities_are_refused(change: dict[str, Any]) -> None:
    """Names must be printable and short, limits whole numbers: people will see them on a terminal."""
    with pytest.raises(MessageError):
        NodeIdentity.from_reply(body(**(IDENTITY | change)))


def test_a_foreign_identity_may_say_more_or_less() -> None:
    """Limits may be missing, and unknown members are ignored."""
    members = {name: IDENTITY[name] for name in ("id", "organisation", "version")}
    assert NodeIdentity.from_reply(body(**members, motto="x")) == NodeIdentity("ria", "RIA", "1.2.3", {})


def test_codes_are_stable() -> None:
    """The codes on the wire never change; this list only grows."""
    assert [code.value for code in ProblemCode] == [
        "bad-request",
        "head-too-large",
        "body-too-large",
        "ticket-refused",
        "session-refused",
        "certificate-needed",
        "sender-refused",
        "certificate-status-unavailable",
        "not-found",
        "method-not-allowed",
        "too-many-requests",
        "overloaded",
        "storage-unavailable",
        "internal",
    ]


def test_headers_are_stable() -> None:
    """The names of headers are on the wire: lower case, unique, and those of upstream."""
    names = [value for name, value in vars(headers).items() if name.isupper()]
    assert len(set(names)) == len(names) == 12
    assert all(name == name.lower() and name.startswith("x-") for name in names)
    upstream = (headers.AUTH_TICKET, headers.AUTH_TICKET_DIALECT_B, headers.AUTH_CERTIFICATE)
    assert upstream == ("x-cdoc2-auth-ticket", "x-cdoc2-auth-token", "x-cdoc2-auth-x5c")
    assert headers.SMART_ID_PARAMETERS == "x-cdoc2-sid-rpv3-signature-parameters"
    sessions = (headers.SESSION_TOKEN, headers.SESSION_CERTIFICATE)
    assert sessions == ("x-cdoc2-session-token", "x-cdoc2-session-x5c")
