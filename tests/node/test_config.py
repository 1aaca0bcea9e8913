# SPDX-License-Identifier: MIT
"""A node's YAML: what is taken, what is refused, and the files in the repository that show it."""

import re
from pathlib import Path

import pytest
import yaml

from osak.node.config import (
    CapsuleExpirySettings,
    NodeConfig,
    load_node_config,
    parse_listen_address,
)
from osak.node.template import NewNode, render_config
from osak.shares.errors import ConfigurationError
from osak.shares.protocol.urls import ServerURL

CONFIGS = Path(__file__).parents[2] / "configs"
EXAMPLE = NewNode(
    id="ria",
    organisation="Riigi Infosüsteemi Amet",
    public_url="https://osak.ria.example:8443",
    listen="0.0.0.0:8443",
    admin="127.0.0.1:9443",
    anchors=("trust/ca.pem",),
)


def changed(folder: Path, old: str, new: str) -> Path:
    """Replace a part of the node's YAML."""
    path = folder / "node.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def problems(path: Path) -> str:
    """What is wrong with the YAML."""
    with pytest.raises(ConfigurationError) as caught:
        load_node_config(path, {})
    return str(caught.value)


def test_what_init_writes_is_taken(node_folder: Path) -> None:
    """A new node's YAML loads, relative paths start at its folder, and its values are the defaults."""
    config = load_node_config(node_folder / "node.yaml", {})
    assert config.public_url == ServerURL("node.example", 8443)
    assert config.sealing.key_file == node_folder / "node.key"
    assert config.trust is not None
    assert config.trust.anchors == (node_folder / "trust" / "ca.pem",)
    shown = (config.limits, config.expiry, config.admin)
    sections = tuple(NodeConfig.model_fields[name] for name in ("limits", "expiry", "admin"))
    assert shown == tuple(
        section.get_default(call_default_factory=True, validated_data={}) for section in sections
    )


def test_example_in_the_repository_is_current() -> None:
    """The commented example is what init writes, and its keys are those of the model."""
    text = (CONFIGS / "node.sqlite.yaml").read_text(encoding="utf-8")
    assert text == render_config(EXAMPLE)
    assert set(yaml.safe_load(text)) == set(NodeConfig.model_fields) - {
        "capsules",
        "moving_from",
        "sessions",
        "traces",
        "uploads",
    }


def test_environment(node_folder: Path) -> None:
    """A value may come from the environment."""
    path = changed(node_folder, 'listen: "0.0.0.0:8443"', "listen: 127.0.0.1:${PORT}")
    assert load_node_config(path, {"PORT": "9000"}).listen == ("127.0.0.1", 9000)


def test_all_mistakes_at_once(node_folder: Path) -> None:
    """Every mistake is named with its place, the missing certificate with what to do."""
    path = node_folder / "node.yaml"
    path.write_text(
        "id: RIA\norganisation: ''\npublic_url: http://x\nlisten: 5\n"
        "storage: {kind: sqlite, path: s, foo: 1}\ntrust: {anchors: []}\nexpiry: {default: 20d, max: 10d}\n"
        "sealing: {key_file: none}\nlimits: {nonce_life: 300}\n",
        encoding="utf-8",
    )
    found = problems(path)
    for place in (
        "id (line 1)",
        "organisation (line 2)",
        "public_url (line 3)",
        "listen (line 4)",
        "tls (line 1): a node speaks TLS only",
        "storage.foo (line 5): unknown key",
        "trust.anchors (line 6)",
        "expiry (line 7)",
        "sealing.key_file (line 8): no such file",
        "limits.nonce_life (line 9)",
    ):
        assert place in found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("certificate_file: tls/cert.pem", "certificate_file: tls/none.pem"),
        ("certificate_file: tls/cert.pem", "certificate_file: 5"),
        ("kind: sqlite", "kind: excel"),
        ("path: shares.sqlite", "paths: shares.sqlite"),
        ("nonce_life: 300s", "nonce_life: 5 minutes"),
        ("nonce_life: 300s", "nonce_life: 0s"),
        ("max_body_bytes: 4096", "max_body_bytes: 1000000"),
        ('public_url: "https://node.example:8443"', "public_url: 5"),
        ("limits:", "limit:"),
    ],
)
def test_mistakes(node_folder: Path, old: str, new: str) -> None:
    """A value of the wrong kind or a key that is not known is an error, never ignored."""
    assert "line" in problems(changed(node_folder, old, new))


@pytest.mark.parametrize(
    ("old", "new"), [(" timeout: 3s", " timeout: 4s"), ("request_timeout: 10s", "request_timeout: 8s")]
)
def test_a_request_has_time_for_all_questions(node_folder: Path, old: str, new: str) -> None:
    """An authority's time is a third of a request's at most; with nobody asked it does not matter."""
    path = changed(node_folder, old, new)
    assert "limits (line" in problems(path)
    assert "3 times trust.revocation.timeout" in problems(path)
    unasked = load_node_config(changed(node_folder, "mode: soft", "mode: off"), {})
    assert unasked.trust is not None
    assert unasked.trust.revocation.mode == "off"


def test_that_time_counts_for_defaults_too(node_folder: Path) -> None:
    """An operator who leaves the limits out is told as well."""
    text = changed(node_folder, " timeout: 3s", " timeout: 4s").read_text(encoding="utf-8")
    (node_folder / "node.yaml").write_text(re.sub(r"(?ms)^limits:\n(  .*?\n)+", "", text), encoding="utf-8")
    assert "3 times trust.revocation.timeout" in problems(node_folder / "node.yaml")


def test_not_text(node_folder: Path) -> None:
    """A file that is not UTF-8 is refused by its name."""
    path = node_folder / "node.yaml"
    path.write_bytes(b"id: \xff")
    assert "not UTF-8" in problems(path)


@pytest.mark.parametrize("text", ["8443", "host", "host:", "host:70000", ":1", "a b:1", "::1:80", None])
def test_bad_addresses(text: str | None) -> None:
    """An address to listen on is a host and a port."""
    with pytest.raises(ValueError, match="HOST:PORT"):
        parse_listen_address(text)


def test_addresses() -> None:
    """Names, IPv4 and bracketed IPv6 addresses are taken."""
    assert parse_listen_address("10.0.0.1:0") == ("10.0.0.1", 0)
    assert parse_listen_address("[::1]:8443") == ("::1", 8443)


def test_capsule_example_loads(node_folder: Path) -> None:
    """The example of a node with both roles is taken; its expiry is the default."""
    text = (CONFIGS / "node.capsules.yaml").read_text(encoding="utf-8")
    (node_folder / "node.yaml").write_text(text, encoding="utf-8")
    config = load_node_config(node_folder / "node.yaml", {})
    assert config.roles == ("shares", "capsules")
    assert config.capsules is not None
    assert config.capsules.fetch_listen.port == 8444
    assert config.capsules.expiry == CapsuleExpirySettings()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("roles: [shares]", "roles: [shares, shares]", r"roles \(line \d+\): a role stands twice"),
        ("roles: [shares]", "roles: []", r"roles \(line \d+\): "),
        ("roles: [shares]", "roles: [shares, cooking]", r"roles\[1\] \(line \d+\): "),
        ("roles: [shares]", "roles: [shares, capsules]", r"capsules \(line \d+\): is missing"),
        ("roles: [shares]", "roles: [capsules]", r"trust \(line \d+\): belongs to the role shares"),
        ("roles: [shares]", "capsules: {}", r"capsules\.fetch_listen \(line \d+\): is missing"),
        (
            "roles: [shares]",
            "capsules: {fetch_listen: 'x:1', anchors: [trust/ca.pem]}",
            r"capsules \(line \d+\): belongs to the role capsules",
        ),
        (
            "roles: [shares]",
            "roles: [capsules, shares]\ncapsules: {expiry: {default: 2d, max: 1d}}",
            "default is longer than max",
        ),
    ],
)
def test_roles_and_their_sections(node_folder: Path, old: str, new: str, expected: str) -> None:
    """A role has its section and a section its role; what does not fit is said with its line."""
    assert re.search(expected, problems(changed(node_folder, old, new)))


def test_shares_need_trust(node_folder: Path) -> None:
    """A node that keeps shares, as every node does that names no roles, says when trust is missing."""
    path = changed(node_folder, "roles: [shares]\n", "")
    assert load_node_config(path, {}).roles == ("shares",)
    text = path.read_text(encoding="utf-8")
    start, end = text.index("\ntrust:"), text.index("\nsealing:")
    path.write_text(text[:start] + text[end:], encoding="utf-8")
    assert re.search(r"trust \(line \d+\): is missing", problems(path))
