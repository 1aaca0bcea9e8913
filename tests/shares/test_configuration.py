# SPDX-License-Identifier: MIT
"""Tests of ``osak.shares.configuration``: every mistake at once, where it stands, and without values."""

import contextlib
from pathlib import Path
from typing import Annotated, Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError, ValidationInfo, field_validator

from osak.shares.configuration import Settings, load_settings
from osak.shares.errors import ConfigurationError
from osak.shares.protocol.urls import ServerURL

SECRET = "hunter2-hunter2"


class Memory(Settings):
    """One kind of storage."""

    kind: Literal["memory"]


class Database(Settings):
    """Another kind, with a path that counts from the file's folder."""

    kind: Literal["database"]
    file: Path

    @field_validator("file")
    @classmethod
    def _in_folder(cls, value: Path, info: ValidationInfo) -> Path:
        assert info.context is not None
        return Path(info.context["folder"]) / value


class Server(Settings):
    """One of several."""

    url: str
    pins: tuple[str, ...] = ()

    @field_validator("url")
    @classmethod
    def _canonical(cls, value: str) -> str:
        return str(ServerURL.parse(value))


class Example(Settings):
    """Every kind of value that settings use."""

    id: str
    port: Annotated[int, Field(ge=1, le=65535)] = 443
    volatile: bool = False
    seconds: float = 1.0
    note: str | None = None
    timeout: int | list[int] = 1
    storage: Annotated[Memory | Database, Field(discriminator="kind")] = Memory(kind="memory")
    servers: tuple[Server, ...] = ()
    groups: dict[str, Server] = Field(default_factory=dict)


def load(text: str, **environment: str) -> Example:
    """Load ``text`` as an Example."""
    return load_settings(text, Example, source="example.yaml", environment=environment, folder=Path("/etc/x"))


def problems(text: str, **environment: str) -> list[str]:
    """Everything that is wrong with ``text``."""
    with pytest.raises(ConfigurationError) as caught:
        load(text, **environment)
    assert str(caught.value).startswith("example.yaml:\n  ")
    assert caught.value.source == "example.yaml"
    return list(caught.value.problems)


def test_a_whole_file() -> None:
    """Nested mappings, lists, unions and comments become the model."""
    settings = load(
        """
        # a comment
        id: ria
        port: 8443
        volatile: true
        seconds: 2.5
        storage: {kind: database, file: data.db}
        servers:
          - url: https://A.example/
          - {url: "https://b.example:8443", pins: [abc]}
        groups:
          main: {url: https://c.example}
        """
    )
    assert (settings.id, settings.port, settings.volatile, settings.seconds) == ("ria", 8443, True, 2.5)
    assert settings.storage == Database.model_construct(kind="database", file=Path("/etc/x/data.db"))
    assert [server.url for server in settings.servers] == ["https://a.example:443", "https://b.example:8443"]
    assert settings.groups["main"].url == "https://c.example:443"


def test_settings_never_change() -> None:
    """A loaded value is frozen."""
    settings = load("id: a")
    with pytest.raises(ValidationError, match="frozen"):
        settings.id = "b"  # type: ignore[misc]  # that it cannot be done is the point


def test_all_mistakes_at_once_with_path_and_line() -> None:
    """Unknown, missing, doubled and mistyped values are all listed, each where it stands."""
    text = """\
port: 99999
colour: red
port: 1
storage:
  kind: database
  speed: fast
servers:
  - url: https://a.example
  - pins: [1, {}]
groups:
  main:
    url: ${MAIN_URL}
  other: 5
note: ${NOTE}
"""
    expected = [
        "port (line 3): stands here a second time",
        "groups.main.url (line 12): ${MAIN_URL} is not in the environment",
        "note (line 14): ${NOTE} is not in the environment",
        "id (line 1): is missing",
        "port (line 1): Input should be less than or equal to 65535",
        "storage.file (line 4): is missing",
        "storage.speed (line 6): unknown key",
        "servers[1].url (line 9): is missing",
        "servers[1].pins[0] (line 9): Input should be a valid string",
        "servers[1].pins[1] (line 9): Input should be a valid string",
        "groups.other (line 13): should be a mapping",
        "colour (line 2): unknown key",
    ]
    found = problems(text)
    assert [problem for problem in found if "main.url (line 12): a server URL" not in problem] == expected
    assert len(found) == len(expected) + 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id: a\nstorage: {kind: tape}", ["storage (line 2): 'kind' should be one of 'memory', 'database'"]),
        ("id: a\nstorage: {}", ["storage (line 2): Unable to extract tag using discriminator 'kind'"]),
        ("id: a\nstorage:\n  kind: memory\n  x: 1", ["storage.x (line 4): unknown key"]),
        ("id: a\ntimeout: {}", ["timeout.int (line 2): Input should be a valid integer"]),
        ("id: a\n\n'b c': 1", ["b c (line 3): unknown key"]),
        ('id: a\n"b\\nc\\e": 1', ["'b\\nc\\x1b' (line 2): unknown key"]),
        ("- id", ["(file) (line 1): should be a mapping"]),
        ("just text", ["(file) (line 1): should be a mapping"]),
        ("~", ["(file) (line 1): should be a mapping"]),
        ("42", ["(file) (line 1): should be a mapping"]),
        ("", ["id (line 1): is missing"]),
        ("# nothing\n", ["id (line 1): is missing"]),
        ("---\n...\n", ["(file) (line 2): should be a mapping"]),
        ("id: a\n1: 2\nyes: 3", ["1 (line 2): unknown key", "yes (line 3): unknown key"]),
        ("id: a\n<<: {port: 1}", ["<< (line 2): unknown key"]),
        ("id: a\n? [x, y]\n: 1", ["(file) (line 2): a key is a plain word"]),
        ("id: a\n? {x: y}\n: 1", ["(file) (line 2): a key is a plain word"]),
        ("id: a\ngroups:\n  ? [x]\n  : 1", ["groups (line 3): a key is a plain word"]),
        ("id: a\nid: b\nid: c", [f"id (line {line}): stands here a second time" for line in (2, 3)]),
        ('id: a\n"id": b', ["id (line 2): stands here a second time"]),
        (
            "{id: a, groups: {x: {url: 'https://a.example', url: 1}}}",
            ["groups.x.url (line 1): stands here a second time"],
        ),
    ],
)
def test_mistakes_are_named(text: str, expected: list[str]) -> None:
    """Each mistake has a path, a line and a plain sentence."""
    assert [problem for problem in problems(text) if "timeout.list" not in problem] == expected


@pytest.mark.parametrize(
    "text",
    [
        f"id: a\nport: {SECRET}",
        "id: a\nport: ${SECRET}",
        f"id: a\nvolatile: {SECRET}",
        f"id: a\nseconds: {SECRET}",
        f"id: a\ntimeout: {SECRET}",
        f"id: a\nstorage: {SECRET}",
        f"id: a\nstorage: {{kind: {SECRET}}}",
        "id: a\nstorage: {kind: '${SECRET}'}",
        f"id: [{SECRET}]",
        f"id: {{x: {SECRET}}}",
        f"id: a\nservers: [{{url: 'https://user:{SECRET}@a.example'}}]",
        "id: a\nservers: [{url: 'https://user:${SECRET}@a.example'}]",
        f"id: a\nservers: {SECRET}",
        f"id: a\ngroups: [{SECRET}]",
        f"id: a\n? [{SECRET}]\n: 1",
        f"id: a\n? {{x: {SECRET}}}\n: 1",
        f"id: a: {SECRET}",
        f"id: '{SECRET}",
        f"id: [{SECRET}",
        f"id: a\n\tnote: {SECRET}",
        f"id: @{SECRET}",
        f"id: `{SECRET}",
        f"id: %{SECRET}",
        f"id: *{SECRET}",
        f"id: &{SECRET} a",
        f"id: !{SECRET} a",
        f"id: !{SECRET}!x a",
        f"id: !<{SECRET} a",
        f'id: "\\U00110000{SECRET}"',
        f"id: \x00{SECRET}",
        f"id: {SECRET}\n{SECRET[:4]}: - 1",
        f"- {SECRET}",
        SECRET,
    ],
)
def test_no_value_in_any_error(text: str) -> None:
    """Neither text nor cause of an error repeats what stands in the file or the environment."""
    with pytest.raises(ConfigurationError) as caught:
        load(text, SECRET=SECRET)
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in str(error)
        assert SECRET not in repr(error)
        error = error.__cause__


@given(st.text(max_size=80) | st.text(alphabet="ab:-[]{}&*!|>'\"%@`#?,\n\t ~<0123456789.\\xuU$", max_size=60))
def test_random_text_leaves_only_configuration_errors(text: str) -> None:
    """Any text is a model or a ConfigurationError."""
    for start in ("", "id: ", "id: a\ngroups: "):
        with contextlib.suppress(ConfigurationError):
            assert isinstance(load(start + text), Example)


KEYS = st.sampled_from(sorted(Example.model_fields)) | st.text(max_size=5)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.dates()
    | st.binary(max_size=5)
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(KEYS, TREES, max_size=5))
def test_any_well_formed_tree_leaves_only_configuration_errors(tree: dict[str, object]) -> None:
    """Any YAML that a program writes is a model or a ConfigurationError whose lines are single lines."""
    listed: tuple[str, ...] = ("",)
    shown = "example.yaml:\n"
    try:
        load(yaml.safe_dump(tree))
    except ConfigurationError as error:
        listed, shown = error.problems, str(error)
    assert len(listed) == shown.count("\n") > 0
