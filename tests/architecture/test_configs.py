# SPDX-License-Identifier: MIT
"""The examples in ``configs/`` are taken by the real loaders; schemas and ``compose.yaml`` are of today."""

import re
import shutil
from pathlib import Path

import pytest
import yaml
from architecture.schemas import FOLDER, SCHEMAS

from osak.client.config import load_client_config
from osak.node.config import LimitSettings, load_node_config
from osak.shares.configuration import schema_text

CONFIGS = FOLDER.parent
ROOT = CONFIGS.parent


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_current(name: str) -> None:
    """What editors check YAML against is what the program takes; ``make schemas`` renews it."""
    assert (FOLDER / name).read_text(encoding="utf-8") == schema_text(SCHEMAS[name])


@pytest.mark.parametrize("example", sorted(CONFIGS.glob("node.*.yaml")), ids=lambda path: path.name)
def test_examples_of_nodes_load(example: Path, tmp_path: Path) -> None:
    """With the files that it names beside it, each example is a node's configuration."""
    shutil.copy(example, tmp_path / "node.yaml")
    for name in ("tls/cert.pem", "tls/key.pem", "trust/ca.pem", "node.key"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert load_node_config(tmp_path / "node.yaml", {}).id


@pytest.mark.parametrize("example", sorted(CONFIGS.glob("client*.yaml")), ids=lambda path: path.name)
def test_examples_of_clients_load(example: Path) -> None:
    """Each example is a client's configuration, with a group to use."""
    name, group = load_client_config(example).group(None)
    assert (name, group.threshold, len(group.servers)) == ("archive", 3, 5)


def test_docker_waits_longer_than_a_node_takes_to_end() -> None:
    """Docker kills after ten seconds unless told otherwise, and a request under way may take as long."""
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    nodes = [one for one in services.values() if "ports" in one]
    assert len(nodes) == 5
    patience = [int(one["stop_grace_period"].removesuffix("s")) for one in nodes]
    page = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
    patience += [int(seconds) for seconds in re.findall(r"--stop-timeout (\d+)", page)]
    assert len(patience) == 6
    # Each of two public ports may take it all.
    assert min(patience) > 2 * LimitSettings().shutdown_timeout
