# SPDX-License-Identifier: MIT
"""Passwords: the official rules when written, none when read, one spelling for every keyboard."""

import re

import pytest

from osak.client.container.errors import InvalidInputError
from osak.client.container.recipients.password_rules import readable_spellings, written_bytes

RULES = {
    "at least 8": r"at least 8 characters",
    "at most 64": r"at most 64 characters",
    "lower": r"a lower-case letter from a to z",
    "upper": r"an upper-case letter from A to Z",
}


@pytest.mark.parametrize(
    "password", ["Abcdefgh", "ABCDEFGh", "Kui Arno isaga", "A" + "b" * 63, "Aõõõõõõb", "A1!2?3/b"]
)
def test_good_passwords_are_written(password: str) -> None:
    """Eight to 64 characters with both cases; anything else beside them is welcome."""
    assert written_bytes(password) == password.encode()


@pytest.mark.parametrize(
    ("password", "broken"),
    [
        ("", {"at least 8", "lower", "upper"}),
        ("Abcdefg", {"at least 8"}),
        ("Abcdefgo\u0303", set()),
        ("Abcdefo\u0303", {"at least 8"}),
        ("abcdefgh", {"upper"}),
        ("ABCDEFGH", {"lower"}),
        ("12345678", {"lower", "upper"}),
        ("ÕÄÖÜõäöü", {"lower", "upper"}),
        ("A" + "b" * 64, {"at most 64"}),
        ("1" * 65, {"at most 64", "lower", "upper"}),
    ],
)
def test_every_broken_rule_is_said(password: str, broken: set[str]) -> None:
    """All mistakes at once, no rule that was kept, and never the password itself."""
    try:
        written_bytes(password)
    except InvalidInputError as error:
        text = str(error)
        assert {name for name, words in RULES.items() if re.search(words, text)} == broken
        assert not password or password not in text
    else:
        assert not broken


def test_spellings() -> None:
    """A composed or plain password is tried once; a decomposed one as typed, then composed."""
    assert readable_spellings("x") == [b"x"]
    assert readable_spellings("\u00f5") == ["\u00f5".encode()]
    assert readable_spellings("o\u0303") == ["o\u0303".encode(), "\u00f5".encode()]
    assert readable_spellings("") == [b""]
    assert readable_spellings("\udcf5") == [b"\xf5"]


def test_broken_text_is_refused_without_showing_it() -> None:
    """What no encoding can hold is an error that keeps it to itself."""
    for use in (written_bytes, readable_spellings):
        with pytest.raises(InvalidInputError) as caught:
            use("Abcdefgh\ud800")
        assert "Abcdefgh" not in repr(caught.value) + repr(caught.value.__cause__)
