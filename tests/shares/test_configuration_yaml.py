# SPDX-License-Identifier: MIT
"""Tests of ``osak.shares.configuration``: which YAML is taken, which types it has, what ``${NAME}`` is."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from osak.shares.configuration import MAX_CONFIGURATION_CHARACTERS, MAX_DEPTH, Settings, load_settings
from osak.shares.errors import ConfigurationError


class Example(Settings):
    """One setting of each plain type."""

    id: str
    port: int = 443
    volatile: bool = False
    note: str | None = None


def load(text: str, **environment: str) -> Example:
    """Load ``text`` as an Example."""
    return load_settings(text, Example, source="example.yaml", environment=environment)


def problems(text: str, **environment: str) -> list[str]:
    """Everything that is wrong with ``text``."""
    with pytest.raises(ConfigurationError) as caught:
        load(text, **environment)
    return list(caught.value.problems)


ALIASES = "anchors and aliases are not allowed: write the value out"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id: &x a\nnote: *x", [f"(line 1): {ALIASES}", f"(line 2): {ALIASES}"]),
        ("id: *nowhere", [f"(line 1): {ALIASES}"]),
        ("id: a\ngroups: &g\n  x: *g", [f"(line 2): {ALIASES}", f"(line 3): {ALIASES}"]),
        ("id: !!python/object/apply:os.system [true]", ["(line 1): tags (!…) are not allowed"]),
        ("id: a\ngroups: !!python/object:os.system {}", ["(line 2): tags (!…) are not allowed"]),
        ("!!map {id: !!str 1, port: !!int '1'}", ["(line 1): tags (!…) are not allowed"] * 3),
        ("id: !local a", ["(line 1): tags (!…) are not allowed"]),
        ("id: !!binary aGk=", ["(line 1): tags (!…) are not allowed"]),
        ('id: "\\ud800"', ["(line 1): half a surrogate pair is no character"]),
        ('"\\udfff": 1', ["(line 1): half a surrogate pair is no character"]),
        ('id: "\\U00110000"', ["not YAML: no such character or number"]),
        ('id: "\\UFFFFFFFF"', ["not YAML: no such character or number"]),
        ("%YAML 1." + "9" * 5000 + "\n--- a", ["not YAML: no such character or number"]),
        ("id: a\n\tport: 1", ["(line 2): not YAML: found character '\\t' that cannot start any token"]),
        ("id: [a", ["(line 1): not YAML: expected ',' or ']', but got '<stream end>'"]),
        ("id: a: b", ["(line 1): not YAML: mapping values are not allowed here"]),
        (
            "--- {id: a}\n--- {id: b}",
            ["(line 2): not YAML: expected a single document in the stream but found another document"],
        ),
        ("id: \x00", ["not YAML: it has characters that are not text"]),
        ("id: \x1b[31m", ["not YAML: it has characters that are not text"]),
        ("id: \udc80", ["not YAML: it has characters that are not text"]),
        ("[" * 1000, ["(line 1): nested too deeply"]),
        ("{a: " * 1000, ["(line 1): nested too deeply"]),
        ("- " * 1000, ["(line 1): nested too deeply"]),
    ],
)
def test_what_we_do_not_take_of_yaml(text: str, expected: list[str]) -> None:
    """Aliases, tags, depth, odd characters and bad syntax are refused, each with its line."""
    assert problems(text) == expected


def test_depth_is_limited_exactly() -> None:
    """As deep as the limit is read, one level more is not."""
    for depth, is_too_deep in ((MAX_DEPTH, False), (MAX_DEPTH + 1, True)):
        text = "[" * depth + "]" * depth
        assert ("nested" in problems(text)[0]) == is_too_deep


def test_size_is_limited_exactly() -> None:
    """1 MiB is read, one character more is not."""
    start = "id: a\n#"
    assert load(start + "x" * (MAX_CONFIGURATION_CHARACTERS - len(start))).id == "a"
    assert problems(start + "x" * MAX_CONFIGURATION_CHARACTERS) == ["the file is larger than 1 MiB"]


@pytest.mark.parametrize(
    "word",
    [
        "no",
        "Yes",
        "on",
        "OFF",
        "y",
        "n",
        "2026-01-31",
        "2026-99-99",
        "1:30",
        "12:34:56",
        "0123",
        "0x1F",
        "0b_",
        "1_000",
        "1e5",
        ".5",
        "5.",
        ".inf",
        ".NaN",
        "=",
        "2001-01-01T00:00:00+99:99",
        "9" * 5000,
        "+372 55555555",
    ],
)
def test_words_stay_the_words_they_are(word: str) -> None:
    """What YAML 1.1 takes for a boolean, a date, an octal or base-60 number is the string one typed."""
    assert load(f"id: {word}").id == word


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("True", True),
        ("FALSE", False),
        ("yes", True),
        ("on", True),
        ("off", False),
        ("'no'", False),
    ],
)
def test_booleans_in_any_usual_spelling(text: str, value: bool) -> None:
    """Where a setting is a boolean, yes and on mean true."""
    assert load(f"id: a\nvolatile: {text}").volatile is value


@pytest.mark.parametrize("text", ["2", "0123", "maybe", "2026-01-31", "[]", "null"])
def test_no_boolean_by_chance(text: str) -> None:
    """Anything else is no boolean."""
    assert "volatile (line 2)" in problems(f"id: a\nvolatile: {text}")[0]


def test_plain_numbers_and_nulls_are_typed() -> None:
    """A bare number is no string, a quoted one is; null, ~ and nothing are the same."""
    assert problems("id: 38001085718") == ["id (line 1): Input should be a valid string"]
    assert problems("id: 1.5") == ["id (line 1): Input should be a valid string"]
    assert problems("id: true") == ["id (line 1): Input should be a valid string"]
    assert load("id: '38001085718'").id == "38001085718"
    assert load('id: "true"').id == "true"
    assert load("id: |\n  null").id == "null"
    for nothing in ("null", "~", ""):
        assert load(f"id: a\nnote: {nothing}").note is None


def test_values_come_from_the_environment() -> None:
    """``${NAME}`` is replaced in strings, once, in the middle as well, and never in keys."""
    settings = load(
        "id: node-${NAME}-${NAME}\nport: ${PORT}\nnote: '${NOTE}'",
        NAME="ria",
        PORT="8443",
        NOTE="${NAME}",
    )
    assert (settings.id, settings.port, settings.note) == ("node-ria-ria", 8443, "${NAME}")
    assert problems("id: a\n${NAME}: 1", NAME="port") == ["${NAME} (line 2): unknown key"]


@pytest.mark.parametrize("text", ["$NAME", "${}", "${1A}", "${A-B}", "$${", "${NAME", "{NAME}"])
def test_other_dollars_stay(text: str) -> None:
    """Only the one form is a variable."""
    assert load(f"id: '{text}'").id == text


def test_a_value_cannot_smuggle_yaml() -> None:
    """What stands in the environment is a string, never structure or another type."""
    for value in ("null", "true", "[1]", "{a: b}", "a\nport: 1", "*x", "!!int 1"):
        settings = load("id: ${NAME}", NAME=value)
        assert (settings.id, settings.port) == (value, 443)


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\x85\u2028\u2029"), max_size=30),
    st.sampled_from(["'", '"', "plain"]),
)
def test_every_string_can_be_written(text: str, style: str) -> None:
    """What a program writes as a string is read as that string, whatever it looks like."""
    dumped = yaml.safe_dump(
        {"id": text}, default_style=None if style == "plain" else style, allow_unicode=True
    )
    assert load(dumped).id == text or "${" in text
