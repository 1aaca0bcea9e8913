# SPDX-License-Identifier: MIT
"""JSON and base64 as we accept them from strangers: one way to write a thing, nothing left over.

Python's ``json`` takes duplicate names, NaN and any depth; its base64 takes stray characters and
spare bits. Each of those lets two readers see two different messages, so all are refused here.
"""

import binascii
import json
from typing import Any

from osak.shares.errors import MessageError


def parse_object(data: bytes | str, max_bytes: int) -> dict[str, Any]:
    """Parse one JSON object of at most ``max_bytes`` bytes.

    Raises:
        MessageError: too long, not JSON, not UTF-8, duplicate names, NaN, or not an object.
    """
    value = parse_value(data, max_bytes)
    if not isinstance(value, dict):
        raise MessageError("expected a JSON object")
    return value


def parse_value(data: bytes | str, max_bytes: int) -> Any:
    """Parse one JSON value of at most ``max_bytes`` bytes.

    Raises:
        MessageError: too long, not JSON, not UTF-8, duplicate names or NaN.
    """
    if len(data) > max_bytes:
        raise MessageError(f"more than {max_bytes} bytes of JSON")
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
        return _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise MessageError("not well-formed JSON") from error


def text_field(message: dict[str, Any], name: str) -> str:
    """Return the string ``message[name]``.

    Raises:
        MessageError: it is missing or not a string.
    """
    value = message.get(name)
    if not isinstance(value, str):
        raise MessageError(f'"{name}" is missing or not a string')
    return value


def decode_base64(text: str) -> bytes:
    """Decode standard padded base64 (RFC 4648, section 4), in its one canonical spelling.

    Raises:
        MessageError: any other spelling.
    """
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise MessageError("not base64") from error
    if encode_base64(data) != text:
        raise MessageError("not canonical base64")
    return data


def encode_base64(data: bytes) -> str:
    """Standard padded base64 (RFC 4648, section 4)."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def decode_base64url(text: str) -> bytes:
    """Decode unpadded base64url (RFC 7515, section 2), in its one canonical spelling.

    Raises:
        MessageError: padding, foreign characters or spare bits.
    """
    try:
        standard = text.encode("ascii").translate(_FROM_URL)
        data = binascii.a2b_base64(standard + b"=" * (-len(text) % 4), strict_mode=True)
    except ValueError as error:
        raise MessageError("not base64url") from error
    if encode_base64url(data) != text:
        raise MessageError("not canonical base64url")
    return data


def encode_base64url(data: bytes) -> str:
    """Unpadded base64url (RFC 7515, section 2)."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL, b"=\n").decode("ascii")


_FROM_URL = bytes.maketrans(b"-_", b"+/")
_TO_URL = bytes.maketrans(b"+/", b"-_")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MessageError("a name stands twice in a JSON object")
    return found


def _refuse_constant(name: str) -> Any:
    raise MessageError(f"{name} is not JSON")


# Made once: ``json.loads`` would make one for each of the five texts in a ticket.
_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)
