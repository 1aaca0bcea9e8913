# SPDX-License-Identifier: MIT
"""How a YAML file becomes checked settings, for nodes and clients alike.

``load_settings`` reads text and returns a pydantic model; all mistakes are reported at once, each
with its YAML path and line. YAML is taken strictly: no duplicate keys, no anchors or aliases (they
can blow up), no tags. ``${NAME}`` in a string is replaced from the environment that is passed in.
Pure: reads no file and no environment of its own.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from osak.shares.errors import ConfigurationError

MAX_CONFIGURATION_CHARACTERS = 1024 * 1024

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
    if values is None:
        values = {}
    try:
        settings = model.model_validate(values, context={"folder": folder or Path()})
    except ValidationError as error:
        problems = reader.problems + [
            reader.describe(_known_path(values, item["loc"]), item["loc"], _plain(item["msg"]))
            for item in error.errors()
        ]
        raise ConfigurationError(source, problems) from error
    if reader.problems:
        raise ConfigurationError(source, reader.problems)
    return settings


class _YAMLReader:
    """Turns a YAML node tree into plain values and remembers the line of every path."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._lines: dict[_Path, int] = {}
        self.problems: list[str] = []

    def read(self, text: str, source: str) -> Any:
        if len(text) > MAX_CONFIGURATION_CHARACTERS:
            raise ConfigurationError(source, ["the file is larger than 1 MiB"])
        try:
            if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
                raise ConfigurationError(source, ["anchors and aliases are not allowed: write the value out"])
            root = yaml.compose(text, yaml.SafeLoader)
            return None if root is None else self._value(root, ())
        except yaml.YAMLError as error:
            raise ConfigurationError(source, [f"not YAML: {_one_line(error)}"]) from error
        except RecursionError as error:
            raise ConfigurationError(source, ["nested too deeply"]) from error

    def describe(self, known: _Path, path: tuple[int | str, ...], message: str) -> str:
        """One problem as ``path (line N): message``."""
        line = self._lines.get(known, 1)
        return f"{_dotted(path)} (line {line}): {message}"

    def _value(self, node: yaml.Node, path: _Path) -> Any:
        self._lines[path] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, number)) for number, item in enumerate(node.value)]
        value = yaml.SafeLoader("").construct_object(node)
        return self._expand(value, path) if isinstance(value, str) else value

    def _mapping(self, node: yaml.MappingNode, path: _Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in found:
                self._lines[*path, key] = key_node.start_mark.line + 1
                self.problems.append(self.describe((*path, key), (*path, key), "stands here a second time"))
            found[key] = self._value(value_node, (*path, key))
            self._lines[*path, key] = key_node.start_mark.line + 1
        return found

    def _expand(self, text: str, path: _Path) -> str:
        def replace(match: re.Match[str]) -> str:
            name = match[1]
            if name not in self._environment:
                self.problems.append(self.describe(path, path, f"${{{name}}} is not in the environment"))
            return self._environment.get(name, "")

        return _VARIABLE.sub(replace, text)


def _known_path(values: Any, path: tuple[int | str, ...]) -> _Path:
    """The longest beginning of ``path`` that exists in the file (pydantic adds names of its own)."""
    known: _Path = ()
    for step in path:
        if isinstance(values, dict) and step in values:
            values = values[str(step)]
        elif isinstance(values, list) and isinstance(step, int) and step < len(values):
            values = values[step]
        else:
            break
        known = (*known, step)
    return known


def _dotted(path: tuple[int | str, ...]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "(file)"


def _plain(message: str) -> str:
    """Pydantic's sentence without its prefix, in the words of someone who edits YAML."""
    plain = message.removeprefix("Value error, ").replace("Extra inputs are not permitted", "unknown key")
    return plain.replace("Field required", "is missing")


def _one_line(error: yaml.YAMLError) -> str:
    return " ".join(str(error).split())
