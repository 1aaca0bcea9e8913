# SPDX-License-Identifier: MIT
"""The administrator's YAML: what is accepted, and what each mistake is called."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import Field

from osak.coordinator import Group, Timeouts, TLSSettings
from osak.shares.configuration import Settings, load_settings
from osak.shares.errors import ConfigurationError

PIN = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


class _File(Settings):
    groups: dict[str, Group] = Field(default_factory=dict)
    timeouts: Timeouts = Timeouts()


def _load(text: str, folder: Path | None = None) -> _File:
    return load_settings(text, _File, source="osak.yaml", environment={}, folder=folder)


def _group(settings: str = "threshold: 2", first: str = "", second_url: str = "https://b.example") -> str:
    return f"""
groups:
  office:
    {settings}
    servers:
      - {{id: a, organisation: Amet, url: https://A.example/{first}}}
      - {{id: b, organisation: Büroo, url: {second_url}}}
"""


def test_a_group_reads_as_it_is_written(tmp_path: Path) -> None:
    """Everything an administrator can say, in canonical form."""
    (tmp_path / "ca.pem").write_text("")
    settings = "threshold: 2\n    write_quorum: 2\n    expires_after: 365d"
    text = _group(settings, first=f", tls: {{ca_file: ca.pem, pin_sha256: {PIN}}}")
    group = _load(text, tmp_path).groups["office"]
    assert (group.threshold, group.write_quorum, group.expires_after) == (2, 2, timedelta(days=365))
    first, second = group.servers
    assert (first.id, first.organisation, str(first.url)) == ("a", "Amet", "https://a.example:443")
    assert first.tls == TLSSettings(ca_file=tmp_path / "ca.pem", pin_sha256=PIN)
    assert second.tls == TLSSettings()


def test_what_is_left_out_has_a_default() -> None:
    """All servers must take their share, they decide how long to keep it, system CAs are trusted."""
    group = _load(_group()).groups["office"]
    assert (group.write_quorum, group.expires_after) == (None, None)
    assert _load("").timeouts.hedge_after_seconds == 0.15


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (_group("threshold: 3"), "groups.office (line 3): threshold 3 is more than the 2 servers"),
        (_group("threshold: 1"), "groups.office.threshold (line 4): Input should be greater than"),
        (_group("threshold: '2'"), "groups.office.threshold (line 4)"),
        (_group("threshold: 2\n    write_quorum: 3"), "write_quorum must be from threshold 2 to 2 servers"),
        (
            _group(second_url="https://a.example:443/"),
            "the same url for several servers: https://a.example:443",
        ),
        (_group().replace("id: b", "id: a"), "the same id for several servers: a"),
        (_group(second_url="http://b.example"), "servers[1].url (line 7): a server URL is https://"),
        (_group(second_url="7"), "a URL is text that starts with https://"),
        (_group().replace("id: b", "id: 'b/../c'"), "an id is 1 to 64 letters"),
        (_group().replace("Büroo", '"\\x1b[2J"'), "an organisation's name is 1 to 200 printable"),
        (_group("threshold: 2\n    expires_after: 365"), "a duration is a number and a unit"),
        (_group("threshold: 2\n    expires_after: 1 year"), "a duration is a number and a unit"),
        (_group("threshold: 2\n    treshold: 2"), "groups.office.treshold (line 5): unknown key"),
        (_group(first=", tls: {pin_sha256: AAAA}"), "a pin is the base64 of the SHA-256"),
        (_group(first=", tls: {pin_sha256: 'ÄÄ'}"), "a pin is the base64 of the SHA-256"),
        (_group(first=", tls: {ca_file: missing.pem}"), "there is no file"),
        (_group(first=', tls: {ca_file: "a\\nb\\e[2J"}'), r"there is no file a\nb\x1b[2J"),
        (_group(first=", tls: {ca_file: ~nobody.at.all/ca.pem}"), "cannot be the path of a file"),
        (_group(first=", tls: {ca_file: " + "a" * 1000 + "}"), "cannot be the path of a file"),
        ("timeouts: {connect_seconds: 0}", "timeouts.connect_seconds (line 1)"),
        ("timeouts: {overall_seconds: .inf}", "timeouts.overall_seconds (line 1)"),
    ],
)
def test_each_mistake_is_named_with_its_place(text: str, problem: str) -> None:
    """The path, the line and a sentence that says what to write instead."""
    with pytest.raises(ConfigurationError) as caught:
        _load(text)
    assert problem in str(caught.value)


def test_a_group_needs_two_servers() -> None:
    """One server alone would hold the whole key."""
    with pytest.raises(ConfigurationError, match="a group has 2 to 255 servers, not 1"):
        _load("groups: {solo: {threshold: 2, servers: [{id: a, organisation: A, url: 'https://a.example'}]}}")


def test_settings_survive_being_written_out(tmp_path: Path) -> None:
    """URL and duration are written as they are read."""
    group = _load(_group("threshold: 2\n    expires_after: 90m")).groups["office"]
    written = group.model_dump(mode="json")
    assert written["servers"][0]["url"] == "https://a.example:443"
    assert written["expires_after"] == "5400s"
    assert Group.model_validate(written) == group


def test_the_schema_says_what_a_url_and_a_duration_are() -> None:
    """Editors get help from the generated JSON Schema."""
    schema = Group.model_json_schema()
    assert schema["$defs"]["Server"]["properties"]["url"]["pattern"] == "^https://"
    assert "[smhdw]" in str(schema["properties"]["expires_after"])


def test_durations_of_python_are_taken_as_they_are() -> None:
    """A program that builds a group need not write text."""
    servers = _load(_group()).groups["office"].servers
    assert Group(threshold=2, servers=servers, expires_after=timedelta(hours=1)).expires_after == timedelta(
        hours=1
    )
