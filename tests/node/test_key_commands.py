# SPDX-License-Identifier: MIT
"""``osak node key``: new key files are whole or not there, and what is said of them is true."""

import re
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner
from factories.node_processes import make_node

from osak.node.cli import node as node_command
from osak.node.key_ring import read_ring


def test_the_file_is_named_as_the_yaml_names_it(tmp_path: Path) -> None:
    """The line to copy works in that YAML, wherever the command was given."""
    node = make_node(tmp_path)
    file = node.config_file.parent / "keys" / "next.key"
    file.parent.mkdir()
    done = CliRunner().invoke(node_command, ["key", "new", "-c", str(node.config_file), str(file)])
    assert done.exit_code == 0, done.output
    found = re.search(r"next: \{key_file: (\S+)\}", done.output)
    assert found
    assert found[1] == "keys/next.key"
    text = node.config_file.read_text(encoding="utf-8")
    text = text.replace("  key_file: node.key\n", f"  key_file: node.key\n  {found[0]}\n")
    node.config_file.write_text(text, encoding="utf-8")
    ring = read_ring(node.config.sealing)
    assert ring.next is not None
    assert f"node key {ring.next.key_id}" in done.output
    assert file.stat().st_mode & 0o777 == 0o600


def test_half_a_key_is_not_left(tmp_path: Path) -> None:
    """A disk that is full while a key is written leaves no file that could be put in use."""
    node = make_node(tmp_path)
    file = tmp_path / "next.key"
    limit = ("prlimit", "--fsize=40", sys.executable, "-B", "-m", "osak.node")
    done = subprocess.run(
        [*limit, "key", "new", "-c", str(node.config_file), str(file)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, "File too large" in done.stderr) == (6, True), done.stderr
    assert not file.exists()


def test_memory_is_not_counted(tmp_path: Path) -> None:
    """Another process has it: to say 0 would be a lie."""
    node = make_node(tmp_path, "  kind: memory\n")
    done = CliRunner().invoke(node_command, ["key", "status", "-c", str(node.config_file)])
    assert (done.exit_code, "memory" in done.output) == (2, True), done.output
