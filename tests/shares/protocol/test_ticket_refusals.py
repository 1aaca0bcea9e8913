# SPDX-License-Identifier: MIT
"""Tests of reading tickets in ``osak.shares.protocol.ticket``: what is taken, and all that is not.

Every case is forged from parts, with digests that fit, so that only the named fault can be the reason
for a refusal. The reasons are those of RFC 9901 and of our profile, which knows one shape.
"""

import contextlib
import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osak.shares.errors import MessageError
from osak.shares.protocol.strict_json import decode_base64url, encode_base64url
from osak.shares.protocol.ticket import MAX_TICKET_CHARACTERS, parse_ticket
from osak.shares.protocol.urls import Audience

SALT = "AQEBAQEBAQEBAQEBAQEBAQ"
LIST_SALT = "AwMDAwMDAwMDAwMDAwMDAw"
HEADER = {"typ": "vnd.cdoc2.auth-token.v1+sd-jwt", "alg": "ES256"}
AUDIENCE = "https://a.example:8443/key-shares/000102030405060708090a0b0c0d0e0f?nonce=AAECAwQFBgcICQoLDA0ODw"
OTHER = "x" * 43


def encode(value: Any) -> str:
    """Text or a JSON value as base64url."""
    text = value if isinstance(value, str) else json.dumps(value)
    return encode_base64url(text.encode())


def digest(disclosure: str) -> str:
    """What stands for ``disclosure`` in the ticket."""
    return encode_base64url(hashlib.sha256(disclosure.encode()).digest())


@dataclass(frozen=True)
class Forge:
    """A ticket in parts. What is not given fits the rest; text stands for itself, values are encoded."""

    header: Any = None
    body: Any = None
    audience_list: Any = None
    element: Any = None
    extra_digests: tuple[Any, ...] = (OTHER,)

    @property
    def disclosures(self) -> tuple[str, str]:
        """The encoded list of audiences and the encoded audience."""
        element = encode([SALT, AUDIENCE] if self.element is None else self.element)
        digests = [{"...": digest(element)}, *({"...": extra} for extra in self.extra_digests)]
        chosen = [LIST_SALT, "aud", digests] if self.audience_list is None else self.audience_list
        return encode(chosen), element

    @property
    def token(self) -> str:
        """The JWT."""
        fitting = {
            "iss": "etsi/PNOEE-60001017869",
            "_sd": [digest(self.disclosures[0])],
            "_sd_alg": "sha-256",
        }
        body = fitting | (self.body or {}) if not isinstance(self.body, str) else self.body
        if isinstance(body, dict):
            body = {name: value for name, value in body.items() if value is not ...}
        header = HEADER if self.header is None else self.header
        return f"{encode(header)}.{encode(body)}.{encode_base64url(bytes(64))}"

    def __str__(self) -> str:
        return f"{self.token}~{'~'.join(self.disclosures)}~"


GOOD = str(Forge())
TOKEN, LIST, ELEMENT, _ = GOOD.split("~")
GSON = AUDIENCE.replace("=", "\\u003d")


def refused(ticket: object) -> None:
    """Expect that ``ticket`` is no ticket."""
    with pytest.raises(MessageError):
        parse_ticket(str(ticket))


@pytest.mark.parametrize(
    "forge",
    [
        Forge(),
        Forge(extra_digests=()),
        Forge(extra_digests=tuple(f"{number:043}" for number in range(30))),
        Forge(element=f'["{SALT}","{GSON}"]'),
        Forge(element=f' [ "{SALT}" ,\n\t"{AUDIENCE}" ] '),
        Forge(element=f'["{SALT}","{AUDIENCE.replace("/", chr(92) + "/")}"]'),
        Forge(element=f'["jõgi jõgi jõgi","{AUDIENCE}"]'),
        Forge(header=f' {{"alg":"ES256", "typ":"{HEADER["typ"]}"}}'),
        Forge(header=HEADER | {"alg": "RS256"}),
        Forge(header='{"typ":"vnd.cdoc2.auth-token.v1\\u002bsd-jwt","alg":"PS256"}'),
    ],
)
def test_any_spelling_of_the_json_is_read(forge: Forge) -> None:
    """Digests cover what was sent, so escapes, blanks and order of members do not matter."""
    assert str(parse_ticket(str(forge)).unverified_audience) == AUDIENCE


@pytest.mark.parametrize(
    "audience",
    [
        "https://localhost:8443/key-shares/ff0102030405060708090a0b0c0e0dff?nonce=AAECAwQFBgcICQoLDA4N_w",
        (
            "https://css.ria.ee:443/key-shares/9EE90F2D-D946-4D54-9C3D-F4C68F7FFAE3"
            "?nonce=59b314d4815f21f73a0b9168cecbd5773cc694b6"
        ),
    ],
)
def test_the_two_forms_of_upstream_are_read(audience: str) -> None:
    """Hex and UUID share ids, nonces of 22 and 40 characters, two servers, ``=`` as Gson writes it."""
    element = f'["{SALT}","{audience.replace("=", chr(92) + "u003d")}"]'
    ticket = parse_ticket(str(Forge(header=HEADER | {"alg": "RS256"}, element=element)))
    assert ticket.unverified_audience == Audience.parse(audience)
    assert str(ticket.unverified_audience) == audience


@pytest.mark.parametrize(
    "text",
    [
        "",
        "~~~",
        TOKEN,
        f"{TOKEN}~",
        GOOD.removesuffix("~"),
        f"{GOOD}~",
        f"~{GOOD}",
        f"{TOKEN}~{LIST}~",
        f"{TOKEN}~{ELEMENT}~",
        f"{TOKEN}~{ELEMENT}~{LIST}~",
        f"{TOKEN}~{LIST}~{LIST}~",
        f"{TOKEN}~{ELEMENT}~{ELEMENT}~",
        f"{TOKEN}~{LIST}~{ELEMENT}~{ELEMENT}~",
        f"{GOOD}{encode([SALT, 'extra', 1])}~",
        f"{TOKEN}~{LIST}~~{ELEMENT}~",
        f"{TOKEN}~~{ELEMENT}~",
        f"{TOKEN}~{LIST}~~",
        f"{GOOD}{TOKEN}",
        f" {GOOD}",
        f"{GOOD}\n",
        GOOD.replace("~", " ~"),
        GOOD.replace(".", "..", 1),
        f".{GOOD}",
        TOKEN.rpartition(".")[0] + GOOD[len(TOKEN) :],
        f"{TOKEN}.{GOOD[len(TOKEN) :]}",
        f"{TOKEN}={GOOD[len(TOKEN) :]}",
        f"{TOKEN}õ{GOOD[len(TOKEN) :]}",
    ],
)
def test_another_shape_is_refused(text: str) -> None:
    """A missing or extra tilde, part or disclosure, another order or stray characters are refused."""
    refused(text)


def test_a_disclosure_that_nobody_signed_is_refused() -> None:
    """A list or an audience whose digest stands nowhere is refused, however well formed."""
    refused(f"{TOKEN}~{encode([SALT, 'aud', [{'...': digest(ELEMENT)}]])}~{ELEMENT}~")
    refused(f"{TOKEN}~{LIST}~{encode([LIST_SALT, AUDIENCE])}~")


def test_a_digest_that_stands_twice_is_refused() -> None:
    """RFC 9901 7.1: any digest that repeats, disclosed or not, makes the ticket invalid."""
    refused(Forge(extra_digests=(digest(ELEMENT),)))
    refused(Forge(extra_digests=(OTHER, OTHER)))
    refused(Forge(body={"_sd": [digest(LIST), digest(LIST)]}))


@pytest.mark.parametrize("mark", ["=", "==", "=" * 4])
def test_padding_is_refused_everywhere(mark: str) -> None:
    """Base64url is written without padding in all five parts, even where a digest covers the padding."""
    for place, part in enumerate(GOOD.rstrip("~").replace("~", ".").split(".")):
        refused(GOOD.replace(part, part + mark)) if place < 3 else None
    padded = ELEMENT + mark
    audience_list = encode([LIST_SALT, "aud", [{"...": digest(padded)}]])
    token = Forge(body={"_sd": [digest(audience_list)]}).token
    refused(f"{token}~{audience_list}~{padded}~")
    token = Forge(body={"_sd": [digest(LIST + mark)]}).token
    refused(f"{token}~{LIST + mark}~{ELEMENT}~")


def test_spare_bits_in_base64url_are_refused() -> None:
    """Two spellings of the same bytes would be two tickets, so only the canonical one is read."""
    signature = TOKEN.rpartition(".")[2]
    assert signature.endswith("AA")
    refused(GOOD.replace(signature, signature[:-1] + "B"))


@pytest.mark.parametrize(
    "header",
    [
        HEADER | {"alg": "none"},
        HEADER | {"alg": "None"},
        HEADER | {"alg": "HS256"},
        HEADER | {"alg": "ES256K"},
        HEADER | {"alg": ["ES256"]},
        HEADER | {"alg": None},
        HEADER | {"typ": "JWT"},
        HEADER | {"typ": "vnd.cdoc2.auth-token.v2+sd-jwt"},
        HEADER | {"typ": "VND.cdoc2.auth-token.v1+sd-jwt"},
        HEADER | {"typ": [HEADER["typ"]]},
        HEADER | {"kid": "PNOEE-60001017869"},
        HEADER | {"crit": ["exp"], "exp": 1},
        HEADER | {"jwk": {"kty": "oct", "k": "AA"}},
        HEADER | {"x5c": []},
        HEADER | {"b64": False},
        {"alg": "ES256"},
        {"typ": HEADER["typ"]},
        {},
        [],
        "",
        "null",
        f'{{"typ":"{HEADER["typ"]}","alg":"none","alg":"ES256"}}',
        f'{{"typ":"{HEADER["typ"]}","alg":"ES256","alg":NaN}}',
        json.dumps(HEADER) + "x",
    ],
)
def test_another_header_is_refused(header: Any) -> None:
    """Exactly typ and alg, our type and our algorithms: no alg none, no HMAC, no keys in the header."""
    refused(Forge(header=header))


@pytest.mark.parametrize(
    "body",
    [
        {"_sd_alg": "sha-512"},
        {"_sd_alg": "SHA-256"},
        {"_sd_alg": ...},
        {"_sd_alg": None},
        {"_sd": ...},
        {"_sd": []},
        {"_sd": digest(LIST)},
        {"_sd": [[digest(LIST)]]},
        {"_sd": [None]},
        {"_sd": [digest(LIST), OTHER]},
        {"_sd": {digest(LIST): 1}},
        {"_sd": [digest(LIST) + "="]},
        {"iss": ...},
        {"iss": None},
        {"iss": ["etsi/PNOEE-60001017869"]},
        {"iss": "PNOEE-60001017869"},
        {"iss": "private/PNOEE-60001017869"},
        {"iss": "etsi/PNOEE-60001017869 "},
        {"aud": [AUDIENCE]},
        {"exp": 9999999999},
        {"cnf": {}},
        {"...": OTHER},
        "[]",
        '{"iss":"etsi/PNOEE-60001017869","iss":"etsi/PNOEE-30303039914"}',
        "[" * 4000,
        '{"a":' * 1000,
    ],
)
def test_another_body_is_refused(body: Any) -> None:
    """Exactly iss, one digest and sha-256: no aud in the open, no times, no key binding."""
    refused(Forge(body=body))


@pytest.mark.parametrize(
    "audience_list",
    [
        [LIST_SALT, "aud", [AUDIENCE]],
        [LIST_SALT, "aud", AUDIENCE],
        [LIST_SALT, "aud", []],
        [LIST_SALT, "aud", {"...": digest(ELEMENT)}],
        [LIST_SALT, "aud", {"_sd": [digest(ELEMENT)]}],
        [LIST_SALT, "aud", [{"...": digest(ELEMENT)}, AUDIENCE]],
        [LIST_SALT, "aud", [{"...": digest(ELEMENT)}, {"...": None}]],
        [LIST_SALT, "aud", [{"...": digest(ELEMENT)}, {}]],
        [LIST_SALT, "aud", [{"...": digest(ELEMENT), "x": 1}]],
        [LIST_SALT, "aud", [[{"...": digest(ELEMENT)}]]],
        [LIST_SALT, "aud", [{"...": {"...": digest(ELEMENT)}}]],
        [LIST_SALT, "Aud", [{"...": digest(ELEMENT)}]],
        [LIST_SALT, "iss", [{"...": digest(ELEMENT)}]],
        [LIST_SALT, [{"...": digest(ELEMENT)}]],
        [LIST_SALT, "aud", [{"...": digest(ELEMENT)}], "x"],
        ["aud", [{"...": digest(ELEMENT)}]],
        ["", "aud", [{"...": digest(ELEMENT)}]],
        ["short", "aud", [{"...": digest(ELEMENT)}]],
        [None, "aud", [{"...": digest(ELEMENT)}]],
        [1234567890123456, "aud", [{"...": digest(ELEMENT)}]],
        {"salt": LIST_SALT, "aud": [{"...": digest(ELEMENT)}]},
        f'["{LIST_SALT}","aud",[{{"...":"{digest(ELEMENT)}","...":"{OTHER}"}}]]',
        [LIST_SALT, "aud", [{"...": digest(ELEMENT)}] + [{"...": str(number)} for number in range(255)]],
    ],
)
def test_another_list_of_audiences_is_refused(audience_list: Any) -> None:
    """The list is salted, named aud, and every audience in it hides behind a digest."""
    refused(Forge(audience_list=audience_list))


@pytest.mark.parametrize(
    "element",
    [
        [AUDIENCE],
        [SALT],
        [SALT, [AUDIENCE]],
        [SALT, [AUDIENCE, AUDIENCE]],
        [SALT, AUDIENCE, AUDIENCE],
        [SALT, "aud", AUDIENCE],
        [SALT, {"...": OTHER}],
        [SALT, None],
        ["", AUDIENCE],
        [None, AUDIENCE],
        ["short", AUDIENCE],
        [SALT, ""],
        [SALT, AUDIENCE + "&x=1"],
        [SALT, AUDIENCE.replace("https", "http")],
        {"salt": SALT, "aud": AUDIENCE},
        AUDIENCE,
        f'["{SALT}","{AUDIENCE}"]]',
        f'["{SALT}",NaN]',
        f'["{SALT}","{AUDIENCE}\\ud800"]',
        "[" * 2000,
    ],
)
def test_another_audience_is_refused(element: Any) -> None:
    """The one disclosed audience is a salt and one well-formed URL, not two, not a list."""
    refused(Forge(element=element))


def test_length_is_limited_exactly() -> None:
    """A ticket may have 8000 characters and not one more."""
    filled = Forge(element=[SALT, AUDIENCE])
    room = MAX_TICKET_CHARACTERS - len(str(filled))
    token, rest = filled.token, str(filled)[len(filled.token) :]
    longest = token + "A" * (room - room % 4) + rest
    assert len(parse_ticket(longest).signature) > 64
    refused(token + "A" * (room - room % 4 + 4) + rest)


@given(
    st.text(max_size=200)
    | st.from_regex(r"[A-Za-z0-9_-]{0,9}(\.[A-Za-z0-9_-]{0,9}){2}(~[A-Za-z0-9_-]{0,9}){2}~")
)
def test_random_text_leaves_only_message_errors(text: str) -> None:
    """No text but a ticket gets through, and nothing but MessageError comes out."""
    refused(text)


@given(st.integers(0, len(GOOD) - 1), st.characters(max_codepoint=0x7F))
def test_no_changed_character_keeps_a_ticket_as_it_was(place: int, character: str) -> None:
    """A changed character is refused or is in what the signature covers, or in the signature itself."""
    original = parse_ticket(GOOD)
    changed = GOOD[:place] + character + GOOD[place + 1 :]
    with contextlib.suppress(MessageError):
        ticket = parse_ticket(changed)
        same = (ticket.signing_input, ticket.signature) == (original.signing_input, original.signature)
        assert same == (changed == GOOD)


@given(st.data())
def test_well_formed_but_random_parts_leave_only_message_errors(data: st.DataObject) -> None:
    """Random JSON in any part, under digests that fit, is a ticket or MessageError."""
    values = st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.sampled_from([SALT, "aud", "...", AUDIENCE]),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["...", "_sd", "alg"]), inner)
        ),
        max_leaves=8,
    )
    part = data.draw(st.sampled_from(["header", "audience_list", "element"]))
    chosen: dict[str, Any] = {part: data.draw(values.filter(lambda value: value is not None))}
    with contextlib.suppress(MessageError):
        parse_ticket(str(replace(Forge(), **chosen)))


def test_the_forge_is_honest() -> None:
    """Every part of the unchanged forgery is what a real ticket has, so that refusals mean something."""
    assert json.loads(decode_base64url(LIST))[2][0] == {"...": digest(ELEMENT)}
    assert parse_ticket(GOOD).unverified_recipient_id == "etsi/PNOEE-60001017869"
