# SPDX-License-Identifier: MIT
"""Adds servers to a group in the client's YAML without touching a line that is already there.

People comment their configuration, so the file is edited as text: the new entries go in behind the
last server of the group, with the indentation that the file uses. What cannot be edited safely (flow
style, ``{…}``) is refused with the lines to add by hand. Pure: text in, text out; the caller checks
the result with the real loader before it replaces the file.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from osak.client.errors import UsageError

_HEADER = "# osak client configuration; see docs/operations.md\n"


@dataclass(frozen=True, slots=True)
class ServerEntry:
    """What the YAML says of one server."""

    id: str
    organisation: str
    url: str
    pin_sha256: str | None
    ca_file: str | None = None

    def lines(self, indent: int) -> list[str]:
        """The entry as a block sequence item whose dash stands at column ``indent``."""
        trust = {"ca_file": self.ca_file, "pin_sha256": self.pin_sha256}
        given = [f"{name}: {_quoted(value)}" for name, value in trust.items() if value]
        body = [
            f"id: {_quoted(self.id)}",
            f"organisation: {_quoted(self.organisation)}",
            f"url: {_quoted(self.url)}",
            *(["tls:", *(f"  {line}" for line in given)] if given else []),
        ]
        return [" " * indent + ("- " if number == 0 else "  ") + line for number, line in enumerate(body)]


def add_servers(text: str, group: str, entries: Sequence[ServerEntry], threshold: int | None) -> str:
    """Return ``text`` with ``entries`` in ``groups.<group>.servers``; makes the group if it is new.

    Args:
        text: the present YAML, empty for a new file.
        group: the group's name.
        entries: what to add.
        threshold: of a new group; an existing group keeps its own.

    Raises:
        UsageError: a new group without threshold, a threshold for an existing group, or YAML in a
            form that cannot be edited as text.
    """
    root = yaml.compose(text, yaml.SafeLoader)
    groups = _member(root, "groups")
    found = _member(groups, group)
    if found is not None:
        if threshold is not None:
            raise UsageError(f"group {group} exists: change its threshold in the file, not here")
        return _behind_last_server(text, group, found, entries)
    if threshold is None:
        raise UsageError(f"group {group} is new: say how many servers open a file with --threshold T")
    if groups is None:
        body = ["groups:", *_group_lines(group, entries, threshold, 2)]
        start = text if text.strip() else _HEADER
        return start.rstrip("\n") + "\n" + "\n".join(body) + "\n"
    _refuse_flow(groups, "groups")
    return _insert(
        text, _last_line(groups) + 1, _group_lines(group, entries, threshold, groups.start_mark.column)
    )


def _behind_last_server(text: str, group: str, node: yaml.Node, entries: Sequence[ServerEntry]) -> str:
    servers = _member(node, "servers")
    if not isinstance(servers, yaml.SequenceNode) or not servers.value:
        raise UsageError(f"groups.{group}.servers is not a list with servers: write the first one by hand")
    _refuse_flow(servers, f"groups.{group}.servers")
    indent = servers.start_mark.column
    lines = [line for entry in entries for line in entry.lines(indent)]
    return _insert(text, _last_line(servers) + 1, lines)


def _group_lines(name: str, entries: Sequence[ServerEntry], threshold: int, indent: int) -> list[str]:
    pad = " " * indent
    head = [f"{pad}{_quoted(name)}:", f"{pad}  threshold: {threshold}", f"{pad}  servers:"]
    return head + [line for entry in entries for line in entry.lines(indent + 4)]


def _member(node: yaml.Node | None, name: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for key, value in node.value if key.value == name), None)


def _last_line(node: yaml.Node) -> int:
    """0-based line of the last thing written in ``node`` (its own end mark may be far below)."""
    if isinstance(node, yaml.ScalarNode) or not node.value:
        return int(node.end_mark.line)
    last = node.value[-1]
    return _last_line(last[1] if isinstance(node, yaml.MappingNode) else last)


def _refuse_flow(node: yaml.Node, where: str) -> None:
    if getattr(node, "flow_style", False):
        raise UsageError(
            f"{where} is written in one line ({{…}} or […]): write it as a block, then try again"
        )


def _insert(text: str, line: int, new: Sequence[str]) -> str:
    lines = text.splitlines()
    return "\n".join([*lines[:line], *new, *lines[line:]]) + "\n"


def _quoted(text: str) -> str:
    """A YAML double-quoted scalar; JSON's strings are a subset of it. Plain words stay plain."""
    plain = text.isascii() and text.replace("-", "").replace("_", "").isalnum() and not text[0].isdigit()
    reserved = text.lower() in {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
    return (
        text if plain and not reserved and not text.startswith("-") else json.dumps(text, ensure_ascii=False)
    )
