# SPDX-License-Identifier: MIT
"""``make reference``: write the values in the chart's README anew, from the comments in values.yaml."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import yaml

CHART = Path(__file__).parents[2] / "helm" / "osak-node"
FILE = CHART / "README.md"
VALUES = CHART / "values.yaml"

_BEGIN = "<!-- values: written by `make reference` from the comments in values.yaml -->\n"
_END = "<!-- /values -->\n"


class UndocumentedValueError(Exception):
    """A value without a comment above it."""


def readme() -> str:
    """The whole README, with the table as it must be.

    Raises:
        UndocumentedValueError: a value has no comment, or the README has no place for the table.
    """
    before, found, rest = FILE.read_text(encoding="utf-8").partition(_BEGIN)
    _, ended, after = rest.partition(_END)
    if not found or not ended:
        raise UndocumentedValueError("the README has no place for the table of values")
    return (
        before + _BEGIN + "\n" + "\n".join(table(VALUES.read_text(encoding="utf-8"))) + "\n\n" + _END + after
    )


def table(text: str) -> Iterator[str]:
    """Lines of the table: every value that a comment stands above, with its default.

    Raises:
        UndocumentedValueError: a value has none, and neither has a mapping that it is in.
    """
    yield "| value | default | |"
    yield "|---|---|---|"
    root = cast("yaml.MappingNode", yaml.compose(text, yaml.SafeLoader))
    for name, node, comment in _values(root, text.splitlines(), ""):
        default = json.dumps(_plain(node), ensure_ascii=False).replace("|", "\\|")
        yield f"| `{name}` | `{default}` | {comment.replace('|', chr(92) + '|')} |"


def main() -> None:
    """Write it."""
    FILE.write_text(readme(), encoding="utf-8")


def _values(mapping: yaml.MappingNode, lines: list[str], path: str) -> Iterator[tuple[str, yaml.Node, str]]:
    for key, value in mapping.value:
        name = f"{path}{key.value}"
        comment = _comment_above(lines, key.start_mark.line)
        if comment:
            yield name, value, comment
        elif isinstance(value, yaml.MappingNode) and value.value:
            yield from _values(value, lines, f"{name}.")
        else:
            raise UndocumentedValueError(f"{name} has no comment in values.yaml")


def _comment_above(lines: list[str], number: int) -> str:
    found: list[str] = []
    while number and lines[number - 1].lstrip().startswith("#"):
        number -= 1
        found.insert(0, lines[number].strip().removeprefix("#").strip())
    return " ".join(found)


def _plain(node: yaml.Node) -> object:
    return yaml.safe_load(yaml.serialize(node))


if __name__ == "__main__":
    main()
