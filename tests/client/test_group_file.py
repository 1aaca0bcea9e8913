# SPDX-License-Identifier: MIT
"""Adding servers to YAML as text: what was there stays, what is new is right."""

import pytest
import yaml

from osak.client.errors import UsageError
from osak.client.group_file import ServerEntry, add_servers

PIN = "A" * 43 + "="


def entry(name: str) -> ServerEntry:
    return ServerEntry(name, f"Asutus {name}", f"https://{name}.example:8443", PIN)


def ids(text: str, group: str) -> list[str]:
    return [server["id"] for server in yaml.safe_load(text)["groups"][group]["servers"]]


def test_new_file() -> None:
    """An empty text becomes a whole configuration."""
    text = add_servers("", "demo", [entry("a"), entry("b")], 2)
    loaded = yaml.safe_load(text)
    assert loaded["groups"]["demo"]["threshold"] == 2
    assert loaded["groups"]["demo"]["servers"][1] == {
        "id": "b",
        "organisation": "Asutus b",
        "url": "https://b.example:8443",
        "tls": {"pin_sha256": PIN},
    }


@pytest.mark.parametrize("indent", [0, 2, 4])
def test_existing_group_keeps_every_line(indent: int) -> None:
    """Comments, order and indentation of the file stay; the entry comes last in its list."""
    pad = " " * indent
    before = f"""# our servers
groups:
  eesti:
    threshold: 2   # two of them
    servers:
    {pad}- id: a   # first
    {pad}  organisation: A
    {pad}  url: https://a.example
    {pad}- {{id: b, organisation: B, url: "https://b.example"}}

  # another group
  teine:
    threshold: 2
    servers:
      - {{id: x, organisation: X, url: "https://x.example"}}
      - {{id: y, organisation: Y, url: "https://y.example"}}
# the end
"""
    after = add_servers(before, "eesti", [entry("c")], None)
    assert ids(after, "eesti") == ["a", "b", "c"]
    assert ids(after, "teine") == ["x", "y"]
    remaining = iter(after.splitlines())
    assert all(line in remaining for line in before.splitlines())


def test_new_group_beside_others() -> None:
    """A second group goes behind the first, and what follows the groups stays where it was."""
    before = add_servers("", "one", [entry("a"), entry("b")], 2) + "default_group: one\n"
    after = add_servers(before, "two", [entry("c"), entry("d")], 2)
    assert ids(after, "one") == ["a", "b"]
    assert ids(after, "two") == ["c", "d"]
    assert yaml.safe_load(after)["default_group"] == "one"


def test_other_settings_without_groups() -> None:
    """Groups are added behind settings of another kind."""
    after = add_servers("timeouts:\n  connect_seconds: 3\n", "g", [entry("a"), entry("b")], 2)
    assert yaml.safe_load(after)["timeouts"] == {"connect_seconds": 3}
    assert ids(after, "g") == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "threshold", "says"),
    [
        ("", None, "--threshold"),
        ("groups:\n  g:\n    threshold: 2\n    servers:\n    - id: a\n", 2, "exists"),
        ("groups: {}\n", 2, "one line"),
        ("groups:\n  g:\n    threshold: 2\n    servers: [{id: a}]\n", None, "one line"),
        ("groups:\n  g:\n    threshold: 2\n", None, "by hand"),
    ],
)
def test_refusals(text: str, threshold: int | None, says: str) -> None:
    """What cannot be done safely is refused with the next step."""
    with pytest.raises(UsageError, match=says):
        add_servers(text, "g", [entry("z")], threshold)


@pytest.mark.parametrize(
    "name", ['"quoted"', "a: b", "# no comment", "yes", "null", "õ, ä", "- x", "1", "\\"]
)
def test_odd_names_survive(name: str) -> None:
    """A server's own words cannot break or extend the YAML."""
    odd = ServerEntry("id1", name, "https://a.example:1", None)
    text = add_servers("", "g", [odd, entry("b")], 2)
    assert yaml.safe_load(text)["groups"]["g"]["servers"][0]["organisation"] == name
