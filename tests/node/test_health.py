# SPDX-License-Identifier: MIT
"""``osak node health``: what a container's health check asks."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from factories.node_processes import NodeProcess, make_node, started
from factories.redis_servers import redis_server

from osak.node.cli import node


def health(of: NodeProcess) -> Result:
    """Run the command."""
    return CliRunner().invoke(node, ["health", "-c", str(of.config_file)])


async def test_ready_not_ready_and_gone(tmp_path: Path) -> None:
    """0 while the node is ready; 6 with the reason while its storage is gone, and when the node is."""
    with redis_server(tmp_path / "redis") as server:
        one = make_node(tmp_path, f"  kind: redis\n  addresses: ['127.0.0.1:{server.port}']\n")
        async with started(one):
            told = await asyncio.to_thread(health, one)
            assert (told.exit_code, told.output) == (0, "ready\n")
            server.kill()
            told = await asyncio.to_thread(health, one)
            assert told.exit_code == 6
            assert "not ready: the node cannot reach its storage" in told.output
        told = await asyncio.to_thread(health, one)
        assert told.exit_code == 6
        assert "Connection refused" in told.output


@pytest.mark.parametrize("answer", [b"SSH-2.0-nothing\r\n", b"HTTP/1.1 503 No\r\n\r\n<html>", b""])
async def test_somebody_else_listens_there(tmp_path: Path, answer: bytes) -> None:
    """What is no node's admin port is not ready, without a traceback."""

    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    one = make_node(tmp_path)
    port = int(one.admin_url.rpartition(":")[2])
    listener = await asyncio.start_server(speak, "127.0.0.1", port)
    async with listener:
        told = await asyncio.to_thread(health, one)
    assert told.exit_code == 6
    assert "Traceback" not in told.output
