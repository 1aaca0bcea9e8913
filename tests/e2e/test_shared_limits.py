# SPDX-License-Identifier: MIT
"""Two processes of one node that count in one Redis."""

from pathlib import Path

from factories.node_processes import NodeProcess, make_node, started
from factories.redis_servers import redis_server


async def _counter_lost(node: NodeProcess) -> str:
    async with node.client.get(f"{node.admin_url}/metrics") as reply:
        return (await reply.text()).partition("\nosak_node_counter_lost ")[2].partition("\n")[0]


async def test_two_processes_count_together(tmp_path: Path) -> None:
    """What one process let through the other counts too; without the counter both go on, each by itself."""
    with redis_server(tmp_path / "redis") as server:
        node = make_node(tmp_path, f"  kind: redis\n  addresses: ['127.0.0.1:{server.port}']\n")
        text = node.config_file.read_text(encoding="utf-8")
        with redis_server(tmp_path / "counter") as counter:
            shared = (
                f"limits:\n  counter: {{addresses: ['127.0.0.1:{counter.port}'], timeout_seconds: 0.5}}\n"
            )
            text = text.replace("limits:\n", shared).replace("    per_address: off", "    per_address: 4/h")
            node.config_file.write_text(text, encoding="utf-8")
            second = node.twin("second")
            async with started(node), started(second):
                uploads = [await each.upload(b"s" * 32) for each in (node, second) * 3]
                assert [status for status, _, _ in uploads] == [201] * 4 + [429] * 2
                assert int(uploads[-1][2]["Retry-After"]) > 800
                assert await _counter_lost(node) == "0.0"
                counter.kill()
                alone = [await each.upload(b"s" * 32) for each in (node, second)]
                assert [status for status, _, _ in alone] == [201, 201]
                assert await _counter_lost(node) == await _counter_lost(second) == "1.0"
                assert await node.readiness() == 200
