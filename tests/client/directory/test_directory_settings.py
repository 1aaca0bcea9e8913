# SPDX-License-Identifier: MIT
"""What an administrator may write of a directory, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from osak.client.config import ClientConfig
from osak.client.directory.settings import DirectorySettings
from osak.shares.configuration import load_settings
from osak.shares.errors import ConfigurationError


def _load(folder: Path, **members: Any) -> DirectorySettings:
    lines = {"url": "ldaps://esteid.ldap.sk.ee", "anchors": "[anchors.pem]"} | members
    text = "directory:\n" + "".join(f"  {name}: {value}\n" for name, value in lines.items())
    config = load_settings(text, ClientConfig, source="osak.yaml", environment={}, folder=folder)
    assert config.directory is not None
    return config.directory


def test_what_is_left_out_has_a_default(folder: Path) -> None:
    """A URL and anchors are enough; relative paths start at the YAML's folder."""
    settings = _load(folder)
    assert str(settings.url) == "ldaps://esteid.ldap.sk.ee:636"
    assert settings.base == "c=EE"
    assert (folder / "anchors.pem",) == settings.anchors
    assert settings.cache_for.total_seconds() == 600


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("ldaps://ESTEID.ldap.sk.ee/", "ldaps://esteid.ldap.sk.ee:636"),
        ("ldaps://localhost:1636", "ldaps://localhost:1636"),
        ('"ldaps://[::1]"', "ldaps://[::1]:636"),
        ('"ldaps://[::1]:1636"', "ldaps://[::1]:1636"),
    ],
)
def test_urls_are_kept_in_one_form(folder: Path, url: str, canonical: str) -> None:
    """The port is 636 if none is given, and names are in lower case."""
    assert canonical == str(_load(folder, url=url).url)


@pytest.mark.parametrize(
    ("member", "value", "words"),
    [
        ("url", "ldap://esteid.ldap.sk.ee", "ldaps://host"),
        ("url", "https://esteid.ldap.sk.ee", "ldaps://host"),
        ("url", "ldaps://esteid.ldap.sk.ee/c=EE??sub", "ldaps://host"),
        ("url", "ldaps://me:secret@esteid.ldap.sk.ee", "ldaps://host"),
        ("url", "ldaps://esteid.ldap.sk.ee:0", "port"),
        ("url", "ldaps://esteid.ldap.sk.ee:70000", "port"),
        ("url", "ldaps://", "ldaps://host"),
        ("url", "5", "ldaps://host"),
        ("base", '""', "at least 1"),
        ("base", "Eesti", "distinguished name"),
        ("base", "c=" + "E" * 300, "at most 255"),
        ("anchors", "[]", "at least 1"),
        ("anchors", "[missing.pem]", "no such file"),
        ("cache_for", "25h", "a day at most"),
        ("cache_for", "0s", "duration"),
        ("connect_seconds", "0", "greater than 0"),
        ("answer_seconds", "301", "less than or equal to 300"),
        ("tls", "{ca_file: missing.pem}", "there is no file"),
        ("password", "x", "not permitted|unknown"),
    ],
)
def test_what_makes_no_sense_is_refused(folder: Path, member: str, value: str, words: str) -> None:
    """Each mistake is told with its place in the YAML; above all, nothing but TLS is spoken."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        _load(folder, **{member: value})
    assert f"directory.{member}" in str(caught.value)
