# SPDX-License-Identifier: MIT
"""How a YAML file becomes checked settings, for nodes and clients alike.

``load_settings`` reads text and returns a pydantic model; all mistakes are reported at once, each
with its YAML path and line. YAML is taken strictly: no duplicate keys, no anchors or aliases (they
can blow up), no tags, and the plain types of YAML 1.2 alone: ``true`` and ``false`` are booleans, but
``yes``, ``on``, ``1:30`` and ``2026-01-31`` are the strings they look like. ``${NAME}`` in a string is
replaced from the environment that is passed in. Error texts never repeat a value, which may be a
secret; only where a file is missing they name it.
Pure: reads no file and no environment of its own.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from osak.shares.errors import ConfigurationError

MAX_CONFIGURATION_CHARACTERS = 1024 * 1024
MAX_DEPTH = 32

_NULLS = ("", "~", "null")
_BOOLEANS = {"true": True, "false": False}
# No leading zero: 0123 is a string, as in a phone number. 18 digits are plenty and always fit.
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})", re.ASCII)
_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\.[0-9]{1,18}", re.ASCII)
_SURROGATE = re.compile(r"[\ud800-\udfff]")
# A quoted character or <token> of PyYAML's may be shown; any other quoted word is one of the file's.
_QUOTED = re.compile(r"'(?P<shown>[^\\]|\\(?:x..|u.{4}|U.{8}|.)|<[^']*>)'|'[^']*'", re.DOTALL)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_Path = tuple[str | int, ...]


class Settings(BaseModel):
    """Base of every settings model: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


SettingsT = TypeVar("SettingsT", bound=Settings)


def load_settings(
    text: str,
    model: type[SettingsT],
    *,
    source: str,
    environment: Mapping[str, str],
    folder: Path | None = None,
) -> SettingsT:
    """Parse YAML ``text`` into ``model``.

    Args:
        text: the YAML document.
        model: what it must be.
        source: the file's name, for error texts.
        environment: values for ``${NAME}``.
        folder: where relative paths in the file start; handed to validators as context ``folder``.

    Raises:
        ConfigurationError: every mistake, one a line, as ``path (line N): what is wrong``.
    """
    reader = _YAMLReader(environment)
    values = reader.read(text, source)
    try:
        settings = model.model_validate(values, context={"folder": folder or Path()})
    except ValidationError as error:
        problems = [reader.explain(values, item) for item in error.errors(include_input=False)]
        # Not "from error": pydantic shows a wrong tag of a union even where it hides its input.
        raise ConfigurationError(source, reader.problems + problems) from None
    if reader.problems:
        raise ConfigurationError(source, reader.problems)
    return settings


def schema_text(model: type[Settings]) -> str:
    """JSON Schema of ``model``'s YAML, for editors; committed in ``configs/schema``."""
    return json.dumps(model.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


class _YAMLReader:
    """Turns a YAML node tree into plain values and remembers the line of every path."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._lines: dict[_Path, int] = {}
        self.problems: list[str] = []

    def read(self, text: str, source: str) -> Any:
        """Values of the document; an empty one is an empty mapping."""
        if len(text) > MAX_CONFIGURATION_CHARACTERS:
            raise ConfigurationError(source, ["the file is larger than 1 MiB"])
        try:
            self._check_events(text)
            root = None if self.problems else yaml.compose(text, yaml.SafeLoader)
        except yaml.YAMLError as error:
            raise ConfigurationError(source, [_where_not_yaml(error)]) from None
        except (ValueError, OverflowError) as error:  # e.g. "\U00110000", which is no character
            raise ConfigurationError(source, ["not YAML: no such character or number"]) from error
        if self.problems:
            raise ConfigurationError(source, self.problems)
        return {} if root is None else self._value(root, ())

    def explain(self, values: Any, item: ErrorDetails) -> str:
        """One of pydantic's complaints about ``values``, as a problem."""
        path, known = _path_in_file(values, item["loc"])
        return self._describe(known, path, _plain(item))

    def _describe(self, known: _Path, path: _Path, message: str) -> str:
        """One problem as ``path (line N): message``, in one line."""
        # A message may name a file, as it stands in the YAML: line feeds and worse among its letters.
        shown = message if message.isprintable() else ascii(message)[1:-1]
        return f"{_dotted(path)} (line {self._lines.get(known, 1)}): {shown}"

    def _check_events(self, text: str) -> None:
        """Refuse what we do not take of YAML, before anything is built from it."""
        depth = 0
        for event in yaml.parse(text, yaml.SafeLoader):
            assert event.start_mark is not None  # only hand-made events have none
            line = event.start_mark.line + 1
            if getattr(event, "anchor", None) is not None:
                self.problems.append(
                    f"(line {line}): anchors and aliases are not allowed: write the value out"
                )
            if getattr(event, "tag", None) is not None:
                self.problems.append(f"(line {line}): tags (!…) are not allowed")
            if isinstance(event, yaml.ScalarEvent) and _SURROGATE.search(event.value):
                self.problems.append(f"(line {line}): half a surrogate pair is no character")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                self.problems.append(f"(line {line}): nested too deeply")
                return

    def _value(self, node: yaml.Node, path: _Path) -> Any:
        self._lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, number)) for number, item in enumerate(node.value)]
        value = _scalar(cast("yaml.ScalarNode", node))
        return self._expand(value, path) if isinstance(value, str) else value

    def _mapping(self, node: yaml.MappingNode, path: _Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(f"{_dotted(path)} (line {line}): a key is a plain word")
                continue
            place = (*path, key_node.value)
            if key_node.value in found:
                self.problems.append(f"{_dotted(place)} (line {line}): stands here a second time")
                continue
            self._lines[place] = line
            found[key_node.value] = self._value(value_node, place)
        return found

    def _expand(self, text: str, path: _Path) -> str:
        def replace(match: re.Match[str]) -> str:
            name = match[1]
            if name not in self._environment:
                self.problems.append(self._describe(path, path, f"${{{name}}} is not in the environment"))
            return self._environment.get(name, "")

        return _VARIABLE.sub(replace, text)


def _scalar(node: yaml.ScalarNode) -> str | int | float | bool | None:
    """What a scalar says: quoted, it is a string; plain, the types of YAML 1.2 (its core schema)."""
    text: str = node.value
    if node.style is not None:
        return text
    if text.lower() in _NULLS:
        return None
    if text.lower() in _BOOLEANS:
        return _BOOLEANS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def _path_in_file(values: Any, location: tuple[int | str, ...]) -> tuple[_Path, _Path]:
    """Where ``location`` is in the file, and the part of it that exists there.

    Pydantic puts names of its own between the steps (of a union's member, say): they are left out.
    Only the last step may be missing from the file: a key that should stand there.
    """
    known: _Path = ()
    for number, step in enumerate(location):
        if isinstance(values, dict) and step in values:
            values = values[str(step)]
        elif isinstance(values, list) and isinstance(step, int) and step < len(values):
            values = values[step]
        elif isinstance(values, dict) and number == len(location) - 1:
            return (*known, step), known
        else:
            continue
        known = (*known, step)
    return known, known


def _dotted(path: _Path) -> str:
    shown = (step if isinstance(step, int) or step.isprintable() else ascii(step) for step in path)
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in shown)
    return text.removeprefix(".") or "(file)"


def _plain(item: ErrorDetails) -> str:
    """Pydantic's sentence in the words of someone who edits YAML, and without the value."""
    match item["type"]:
        case "extra_forbidden":
            return "unknown key"
        case "missing":
            return "is missing"
        case "model_type":
            return "should be a mapping"
        case "union_tag_invalid":
            context = item["ctx"]
            return f"{context['discriminator']} should be one of {context['expected_tags']}"
        case _:
            return item["msg"].removeprefix("Value error, ")


def _where_not_yaml(error: yaml.YAMLError) -> str:
    """What is wrong and in which line; never the line itself, which may hold a secret."""
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    if not isinstance(error, yaml.MarkedYAMLError) or mark is None:
        return "not YAML: it has characters that are not text"
    problem = _QUOTED.sub(lambda found: found[0] if found["shown"] else "…", error.problem or "")
    if problem.startswith("but "):
        problem = f"{error.context} {problem}"
    return f"(line {mark.line + 1}): not YAML: {problem}"
