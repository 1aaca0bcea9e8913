# SPDX-License-Identifier: MIT
"""Fuzz target: the YAML of client and node; the first byte chooses which of both.

Promised: nothing but ``ConfigurationError`` comes out; it lists mistakes, one a line, and never a value
of the environment, unless it is the name of a file that is missing.
"""

from collections.abc import Iterable

from osak.client.config import ClientConfig
from osak.node.config import NodeConfig
from osak.shares import ConfigurationError
from osak.shares.configuration import load_settings

_VALUE = "5e77ea1ab1e"
_ENVIRONMENT = {"S": _VALUE}
_CLIENT = """groups:
  riik:
    threshold: 2
    write_quorum: 2
    expires_after: 365d
    servers:
      - {id: a, organisation: "A & B", url: "https://a.ee:8443/"}
      - id: b
        organisation: B
        url: https://b.ee
        tls: {pin_sha256: "${S}"}
default_group: riik
timeouts: {connect_seconds: 5.0}
limits: {max_entries: 10}
"""
_NODE = """id: ria
organisation: Amet
public_url: https://ria.ee:8443
listen: "[::1]:8443"
tls: {certificate_file: a.pem, key_file: b.pem}
storage: {kind: sqlite, path: x.db}
trust: {anchors: [ca.pem]}
limits: {nonce_life: 300s, max_body_bytes: 4096}
sealing: {key_file: key}
admin: {listen: "127.0.0.1:9443"}
"""


def seeds() -> Iterable[bytes]:
    """A whole file of each kind, and the corners of YAML that are refused."""
    yield b"c" + _CLIENT.encode()
    yield b"n" + _NODE.encode()
    yield b"c" + _CLIENT.replace('pin_sha256: "${S}"', "ca_file: ~nobody.at.all/ca.pem").encode()
    yield b"c" + _CLIENT.replace('pin_sha256: "${S}"', "ca_file: " + "a" * 1000).encode()
    yield b"n" + _NODE.replace("key_file: key", "key_file: " + "a" * 1000).encode()
    yield b"n" + _NODE.replace("key_file: key", 'key_file: "${S}/a\\nb\\e[2J"').encode()
    for odd in (
        "a: &x 1\nb: *x\n",
        "a: !!python/object:x {}\n",
        "a: 1\na: 2\n",
        "? [a]\n: 1\n",
        "[[[[[[[[[[[[",
        "groups: ${S}${T}\n",
        "--- a\n--- b\n",
        'a: "\\ud800"\n',
        "a: |\n  text\n",
        "timeouts: {connect_seconds: .inf}\nlimits: {max_ratio: 1e400}\n",
    ):
        yield b"c" + odd.encode()


def check(data: bytes) -> None:
    """Load it; judge what it says of mistakes."""
    text = data[1:].decode("utf-8", "replace")
    model = NodeConfig if data[:1] == b"n" else ClientConfig
    mistakes = None
    try:
        load_settings(text, model, source="x.yaml", environment=_ENVIRONMENT)
    except ConfigurationError as error:
        mistakes = error
    if mistakes is None:
        return
    assert mistakes.problems, "a file is refused without a reason"
    for problem in mistakes.problems:
        assert problem.isprintable(), "a mistake takes more than one line"
        assert _VALUE not in problem or "file" in problem, "a mistake shows a value of the environment"
    assert _VALUE not in str(mistakes.__cause__), "a cause shows a value of the environment"
