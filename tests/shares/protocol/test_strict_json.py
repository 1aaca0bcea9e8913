# SPDX-License-Identifier: MIT
"""Tests of ``osak.shares.protocol.strict_json``: one spelling for base64, no loose ends in JSON."""

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osak.shares.errors import MessageError
from osak.shares.protocol.strict_json import (
    decode_base64,
    decode_base64url,
    encode_base64,
    encode_base64url,
    parse_object,
    parse_value,
    text_field,
)

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=20,
)


@given(JSON_VALUES)
def test_every_json_value_is_read_back(value: Any) -> None:
    """What json writes, with or without escapes and spaces, is read as the same value."""
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=2)):
        assert value == parse_value(text, 1 << 20)
        assert value == parse_value(text.encode(), 1 << 20)


@given(st.binary(max_size=300))
def test_random_bytes_never_leave_as_another_error(data: bytes) -> None:
    """Random bytes give an object or MessageError, nothing else."""
    with contextlib.suppress(MessageError):
        assert isinstance(parse_object(data, 300), dict)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"{",
        b"{}{}",
        b"{} x",
        b"{'a':1}",
        b'{"a":1,}',
        b'{"a":1,"a":1}',
        b'{"a":1,"\\u0061":2}',
        b'{"b":{"a":1,"a":2}}',
        b'[{"a":1,"a":2}]',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":01}',
        b'{"a":"\n"}',
        b"\xef\xbb\xbf{}",
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        '{"a":1}'.encode("utf-16"),
        b"// comment\n{}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":' + b"9" * 5000 + b"}",
    ],
)
def test_json_with_two_readings_is_refused(data: bytes) -> None:
    """Whatever two JSON readers could see differently is no message."""
    with pytest.raises(MessageError):
        parse_value(data, 1 << 20)


def test_length_is_limited_exactly() -> None:
    """The limit itself is allowed, one byte more is not."""
    assert parse_object(b'{"a":1}', 7) == {"a": 1}
    with pytest.raises(MessageError, match="more than 6 bytes"):
        parse_object(b'{"a":1}', 6)


@pytest.mark.parametrize("data", [b"[]", b"1", b"null", b'"a"', b"true"])
def test_only_objects_are_objects(data: bytes) -> None:
    """Any other JSON value is not taken for an object."""
    with pytest.raises(MessageError, match="object"):
        parse_object(data, 100)


@pytest.mark.parametrize("value", [None, 1, True, [], {}, ["a"], b"a"])
def test_text_field_is_a_string(value: Any) -> None:
    """A member of another type, or none at all, is not a text."""
    assert text_field({"a": "b"}, "a") == "b"
    for message in ({"a": value}, {}):
        with pytest.raises(MessageError, match='"a"'):
            text_field(message, "a")


@given(st.binary(max_size=100))
def test_base64_has_one_spelling(data: bytes) -> None:
    """Both alphabets round-trip, and agree with the standard library."""
    assert base64.b64encode(data).decode() == encode_base64(data)
    assert data == decode_base64(encode_base64(data))
    assert data == decode_base64url(encode_base64url(data))
    assert "=" not in encode_base64url(data)


@given(st.text(max_size=40) | st.from_regex(r"[A-Za-z0-9+/=_-]{0,12}", fullmatch=True))
def test_no_text_decodes_to_what_would_be_written_otherwise(text: str) -> None:
    """A text either is the one spelling of its bytes or is refused."""
    for decode, encode in ((decode_base64, encode_base64), (decode_base64url, encode_base64url)):
        try:
            data = decode(text)
        except MessageError:
            continue
        assert text == encode(data)


@pytest.mark.parametrize(
    "text", ["AA", "AA=", "AB==", "AAB=", "AA==\n", " AA==", "A", "AA==AA==", "A=A=", "__==", "-w==", "ä"]
)
def test_loose_base64_is_refused(text: str) -> None:
    """Missing padding, spare bits, blanks, line ends and the other alphabet are refused."""
    with pytest.raises(MessageError, match="base64"):
        decode_base64(text)


@pytest.mark.parametrize(
    "text", ["AA==", "AB", "AAB", "A", "AA\n", " AA", "A A", "+w", "//8", "ä", "=", "===="]
)
def test_loose_base64url_is_refused(text: str) -> None:
    """Padding, spare bits, blanks and the other alphabet are refused."""
    with pytest.raises(MessageError, match="base64url"):
        decode_base64url(text)
