# SPDX-License-Identifier: MIT
"""Nodes over a Redis, both configured by the chart: real processes on this machine."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from factories.chart import CHART, OWN_REDIS, merged, pod_of
from factories.chart_nodes import ChartNode, Secrets, redis_login
from factories.node_processes import started
from factories.redis_servers import RedisServer, redis_program, running

TLS = {"redis": {"tls": {"existingSecret": "ria-redis-tls"}}}


def test_the_node_may_do_what_it_needs() -> None:
    """What the README lets the node's user do is what the example of a configuration asks for."""
    readme = (CHART / "README.md").read_text(encoding="utf-8")
    example = (CHART.parents[1] / "configs" / "node.redis.yaml").read_text(encoding="utf-8")
    given = re.search(r"may='([^']+)'", readme)
    needed = re.search(r"needs: ~osak:\* ([^:]+?)\s+kind:", example.replace("#", ""))
    assert given is not None
    assert needed is not None
    assert set(given[1].split()) == set(needed[1].split())


def _certificate() -> dict[str, bytes]:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    return {
        "ca.crt": authority.cert_pem.bytes(),
        "tls.crt": issued.cert_chain_pems[0].bytes(),
        "tls.key": issued.private_key_pem.bytes(),
    }


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def node(request: pytest.FixtureRequest, tmp_path: Path) -> ChartNode:
    """A release with a Redis of its own."""
    redis_program()
    secrets: Secrets = {"ria-redis": redis_login(tmp_path)}
    if request.param:
        secrets["ria-redis-tls"] = _certificate()
    return ChartNode.make(merged(OWN_REDIS, TLS) if request.param else OWN_REDIS, secrets)


@pytest.fixture
def redis(node: ChartNode, tmp_path: Path) -> Iterator[RedisServer]:
    """Its Redis, running."""
    server = node.redis(tmp_path)
    if "ria-redis-tls" in node.secrets:
        server._answers = lambda: _ping(node, server, tmp_path).returncode == 0  # type: ignore[method-assign]  # it asks in the clear
    with running(server):
        yield server


def _ping(
    node: ChartNode, server: RedisServer, folder: Path, *instead: str
) -> subprocess.CompletedProcess[str]:
    """What the liveness probe runs, or another command in its place, against this server."""
    container = pod_of(node.release.one("StatefulSet", "ria-redis"))["containers"][0]
    probe = [
        part.replace("/etc/osak-redis", f"{folder}/redis/etc/osak-redis")
        for part in container["livenessProbe"]["exec"]["command"]
    ]
    program = shutil.which(probe[0])
    assert program is not None
    command = [program, "-p", str(server.port), *probe[1:-1], *(instead or probe[-1:])]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
        env=os.environ | {"HOME": str(folder)},
    )


async def test_two_processes_are_one_node(node: ChartNode, redis: RedisServer, tmp_path: Path) -> None:
    """What is stored at one is fetched at the other, a ticket works once at both, each keeps an audit log."""
    first, second = (node.process(name, tmp_path, redis=redis) for name in ("ria-a", "ria-b"))
    async with started(first), started(second):
        status, path, _ = await first.upload(b"s" * 32)
        assert status == 201
        ticket = await second.ticket(path)
        assert await second.fetch(path, ticket) == (200, b"s" * 32)
        assert await first.fetch(path, ticket) == (404, b"")
        assert (await first.readiness(), await second.readiness()) == (200, 200)
    assert {one.name for one in (tmp_path / "audit").iterdir()} == {"ria-a", "ria-b"}


async def test_shares_outlive_a_crash_of_redis(node: ChartNode, redis: RedisServer, tmp_path: Path) -> None:
    """What was acknowledged is there when a killed Redis is back, and the node goes on by itself."""
    process = node.process("ria-a", tmp_path, redis=redis)
    async with started(process):
        status, path, _ = await process.upload(b"s" * 32)
        assert status == 201
        redis.kill()
        assert await process.readiness() == 503
        redis.start()
        assert await process.fetch(path, await process.ticket(path)) == (200, b"s" * 32)


async def test_processes_count_together(tmp_path: Path) -> None:
    """Two processes over the chart's Redis let through together what one would, by the chart's counter."""
    redis_program()
    node = ChartNode.make(OWN_REDIS, {"ria-redis": redis_login(tmp_path)}, per_address="4/h")
    redis, counter = node.redis(tmp_path), node.redis(tmp_path, "counter")
    first, second = (
        node.process(name, tmp_path, redis=redis, counter=counter) for name in ("ria-a", "ria-b")
    )
    with running(redis, counter):
        async with started(first), started(second):
            uploads = [await each.upload(b"s" * 32) for each in (first, second) * 3]
    assert [status for status, _, _ in uploads] == [201] * 4 + [429] * 2


def test_the_probe_needs_no_password(node: ChartNode, redis: RedisServer, tmp_path: Path) -> None:
    """Whoever does not log in may ping, as the probe does, and nothing else."""
    assert _ping(node, redis, tmp_path).stdout == "PONG\n"
    for command in (("get", "osak:x"), ("config", "get", "dir"), ("shutdown",), ("acl", "list")):
        done = _ping(node, redis, tmp_path, *command)
        assert "NOPERM" in done.stdout + done.stderr
        assert done.returncode != 0


def test_the_node_s_user_may_do_no_more_than_it_must(
    node: ChartNode, redis: RedisServer, tmp_path: Path
) -> None:
    """Whoever took a node over cannot reconfigure Redis, or read what is not a node's."""
    login = ("--user", "osak", "--pass", node.secrets["ria-redis"]["password"].decode(), "--no-auth-warning")
    for command in (
        ("get", "other"),
        ("config", "set", "dir", "/"),
        ("flushall",),
        ("acl", "list"),
        ("monitor",),
    ):
        done = _ping(node, redis, tmp_path, *login, *command)
        assert "NOPERM" in done.stdout + done.stderr
