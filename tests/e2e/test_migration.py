# SPDX-License-Identifier: MIT
"""``osak node migrate`` as an operator uses it: from SQLite to Redis, with the node serving all the while."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from factories.node_processes import SQLITE, make_node, started
from factories.redis_servers import redis_server

from osak.node.cli import node as command


async def migrate(source: Path | None, target: Path) -> Result:
    """Run the command."""
    arguments = ["migrate", *(("--from", str(source)) if source else ()), "--to", str(target)]
    return await asyncio.to_thread(CliRunner().invoke, command, arguments)


async def test_the_whole_move(tmp_path: Path) -> None:
    """Old shares and a spent ticket keep their meaning before, during and after the move."""
    node = make_node(tmp_path)
    before = node.config_file.with_name("before.yaml")
    text = node.config_file.read_text(encoding="utf-8")
    before.write_text(text, encoding="utf-8")
    shares = [bytes([number]) * 32 for number in range(40)]
    with redis_server(tmp_path / "redis") as server:
        redis = f"  kind: redis\n  addresses: ['127.0.0.1:{server.port}']\n"
        async with started(node):
            paths = [(await node.upload(share))[1] for share in shares]
            spent = await node.ticket(paths[0])
            assert await node.fetch(paths[0], spent) == (200, shares[0])
        moving = text.replace(SQLITE, f"{redis}moving_from:\n{SQLITE}")
        node.config_file.write_text(moving, encoding="utf-8")
        async with started(node):
            paths.append((await node.upload(b"n" * 32))[1])
            assert (await node.fetch(paths[0], spent))[0] == 404
            assert await node.fetch(paths[1], await node.ticket(paths[1])) == (200, shares[1])
            done = await migrate(before, node.config_file)
            assert done.exit_code == 0, done.output
            # Two were carried over when they were asked for.
            assert "carried over: 38, there already: 2" in done.output
            assert "verified in the new storage: shares: 40, capsules: 0" in done.output
            again = await migrate(None, node.config_file)
            assert (again.exit_code, "carried over: 0, there already: 40" in again.output) == (0, True)
            (log,) = (node.config_file.parent / "audit" / "acts").glob("audit-*.log")
            assert '"event":"migrate"' in log.read_text(encoding="ascii")
            assert await node.fetch(paths[2], await node.ticket(paths[2])) == (200, shares[2])
        node.config_file.write_text(text.replace(SQLITE, redis), encoding="utf-8")
        (node.config_file.parent / "shares.sqlite").unlink()
        async with started(node):
            for path, share in zip(paths, [*shares, b"n" * 32], strict=True):
                assert await node.fetch(path, await node.ticket(path)) == (200, share)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (SQLITE, SQLITE, "both name the same storage"),
        (SQLITE, "  kind: memory\n", "memory belongs to one process"),
    ],
)
async def test_what_cannot_be_moved(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    """Two configurations that make no sense together are refused in a sentence."""
    target = make_node(tmp_path, new).config_file
    source = target.with_name("before.yaml")
    source.write_text(target.read_text(encoding="utf-8").replace(new, old), encoding="utf-8")
    done = await migrate(source, target)
    assert (done.exit_code, complaint in done.output) == (2, True)


async def test_nothing_to_move_from(tmp_path: Path) -> None:
    """Without --from, and without moving_from, the command asks for one of them."""
    done = await migrate(None, make_node(tmp_path).config_file)
    assert (done.exit_code, "no moving_from" in done.output) == (2, True)


async def test_a_role_that_is_missing(tmp_path: Path) -> None:
    """Capsules are not left behind because the new configuration has no role for them."""
    target = make_node(tmp_path).config_file
    text = target.read_text(encoding="utf-8")
    source = target.with_name("before.yaml")
    capsules = "capsules: {fetch_listen: '127.0.0.1:0', anchors: [trust/ca.pem]}\n"
    both = text.replace("roles: [shares]", "roles: [shares, capsules]") + capsules
    source.write_text(both.replace("shares.sqlite", "old.sqlite"), encoding="utf-8")
    done = await migrate(source, target)
    assert (done.exit_code, "lacks roles of the old one: capsules" in done.output) == (2, True), done.output
    target.write_text(both, encoding="utf-8")
    done = await migrate(source, target)
    assert (done.exit_code, "shares: 0, capsules: 0" in done.output) == (0, True), done.output


async def test_another_key(tmp_path: Path) -> None:
    """Shares are not carried to where they could not be opened."""
    target = make_node(tmp_path).config_file
    (target.parent / "other.key").write_bytes(bytes(32))
    text = target.read_text(encoding="utf-8")
    source = target.with_name("before.yaml")
    source.write_text(
        text.replace("key_file: node.key", "key_file: other.key").replace("shares.sqlite", "old.sqlite"),
        encoding="utf-8",
    )
    done = await migrate(source, target)
    assert (done.exit_code, "different node keys" in done.output) == (2, True)
