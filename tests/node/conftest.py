# SPDX-License-Identifier: MIT
"""A new node's folder and a running node, for the tests of this folder."""

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from factories.nodes import URL, LocalNode
from factories.people import TestCA

from osak.node.config import load_node_config
from osak.node.init import create_node

AUTHORITY = TestCA()


@pytest.fixture
def node_folder(tmp_path: Path) -> Path:
    """What ``osak node init`` makes, with one trusted CA beside it in ``ca.pem``."""
    (tmp_path / "ca.pem").write_bytes(AUTHORITY.certificate_pem)
    create_node(
        tmp_path / "node",
        node_id="ria",
        organisation="Riigi Infosüsteemi Amet",
        url=URL,
        dev_tls=True,
        trust=[tmp_path / "ca.pem"],
    )
    return tmp_path / "node"


@pytest.fixture
async def node(node_folder: Path) -> AsyncIterator[LocalNode]:
    """A running node with a memory store."""
    config = load_node_config(node_folder / "node.yaml", {})
    local = LocalNode(config, AUTHORITY.issue(), io.StringIO())
    await local.start()
    yield local
    await local.stop()
