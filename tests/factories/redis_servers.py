# SPDX-License-Identifier: MIT
"""Real Redis for tests: processes on loopback, single, with replicas and Sentinels, or as a Cluster.

They are a real part (Debian's ``redis-server``): without it tests are skipped, but with ``OSAK_TEST_ALL=1``
they fail. Each has a folder of its own, syncs every write, and ends with the test.
"""

import gc
import os
import shutil
import socket
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from factories.quiet_ports import quiet_ports

from osak.node.storage_settings import RedisStorageSettings

DURABLE = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory-policy": "noeviction",
    "save": "",
}
_QUICK = {"repl-diskless-sync-delay": "0"}
_START_SECONDS = 20


def redis_program() -> str:
    """The path of redis-server; a test that asks for it is skipped without it."""
    found = shutil.which("redis-server")
    if found is None:
        if os.environ.get("OSAK_TEST_ALL"):
            pytest.fail("OSAK_TEST_ALL asks for it: redis-server is not installed")
        pytest.skip("redis-server is not installed")
    return found


def wait_until(is_so: Callable[[], bool], seconds: float = _START_SECONDS) -> None:
    """Return when it is so; fail if that takes too long."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


@dataclass
class RedisServer:
    """One process in a folder of its own; ``extra`` are lines of its configuration.

    Attributes:
        before: a program that starts it, as ``prlimit``.
    """

    folder: Path
    port: int
    extra: dict[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it, and return when it answers."""
        self.folder.mkdir(exist_ok=True)
        lines = _QUICK | {"bind": "127.0.0.1", "port": str(self.port), "dir": str(self.folder)} | self.extra
        text = "\n".join(f"{name} {value}" if value else f'{name} ""' for name, value in lines.items())
        settings = self.folder / "redis.conf"
        if not settings.exists():  # Sentinels keep what they learned in it
            settings.write_text(text, encoding="utf-8")
        arguments = [*self.before, redis_program(), str(settings)]
        if "sentinel monitor" in text:
            arguments.append("--sentinel")
        with (self.folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(arguments, stdout=log, stderr=log)
        wait_until(self._answers)

    def ask(self, *command: str) -> str:
        """What ``redis-cli`` would print, roughly: the raw answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            parts = [f"*{len(command)}\r\n", *(f"${len(part)}\r\n{part}\r\n" for part in command)]
            connection.sendall("".join(parts).encode())
            return connection.recv(65536).decode(errors="replace")

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "redis.log").read_text(encoding="utf-8")
        try:
            answer = self.ask("PING")
        except OSError:
            return False
        return answer.startswith(("+PONG", "-NOAUTH"))


def settings_for(*servers: RedisServer, **more: object) -> RedisStorageSettings:
    """What an operator writes to use these."""
    addresses = [f"127.0.0.1:{server.port}" for server in servers]
    return RedisStorageSettings.model_validate({"kind": "redis", "addresses": addresses} | more)


@contextmanager
def running(*servers: RedisServer) -> Iterator[None]:
    """All of them up; none afterwards."""
    try:
        for server in servers:
            server.start()
        yield
    finally:
        for server in servers:
            server.kill()


@contextmanager
def redis_server(folder: Path, **extra: str) -> Iterator[RedisServer]:
    """One Redis that syncs every write, unless ``extra`` says otherwise."""
    named = {name.replace("_", "-"): value for name, value in extra.items()}
    server = RedisServer(folder, quiet_ports(1)[0], DURABLE | named)
    with running(server):
        yield server


@contextmanager
def redis_cluster(folder: Path, replicas: int = 0) -> Iterator[list[RedisServer]]:
    """A Cluster of three masters, the first servers of the list, each with so many replicas."""
    count = 3 * (1 + replicas)
    ports = quiet_ports(2 * count)
    cluster = DURABLE | {
        "cluster-enabled": "yes",
        "cluster-node-timeout": "1500",
        "cluster-require-full-coverage": "no",
    }
    servers = [
        RedisServer(
            folder / f"redis-{number}",
            ports[number],
            cluster | {"cluster-port": str(ports[count + number])},
        )
        for number in range(count)
    ]
    with running(*servers):
        _form(servers)
        yield servers
    # redis-py leaves connections to lost nodes to the garbage collector: not to that of another test.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def _form(servers: list[RedisServer]) -> None:
    """Make the servers one Cluster; return when all of them see all slots served."""
    for number, server in enumerate(servers[:3]):
        low, high = number * 16384 // 3, (number + 1) * 16384 // 3 - 1
        server.ask("CLUSTER", "ADDSLOTSRANGE", str(low), str(high))
        server.ask("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
    for server in servers[1:]:
        server.ask("CLUSTER", "MEET", "127.0.0.1", str(servers[0].port), servers[0].extra["cluster-port"])
    wait_until(
        lambda: all(f"cluster_known_nodes:{len(servers)}" in one.ask("CLUSTER", "INFO") for one in servers)
    )
    for number, server in enumerate(servers[3:]):
        name = servers[number % 3].ask("CLUSTER", "MYID").split("\r\n")[1]
        wait_until(partial(_becomes_replica, server, name))
    # The state alone does not do: without full coverage it is ok before a server knows of all slots.
    wait_until(lambda: all(_serves_all(one) for one in servers))
    for number in range(3, len(servers)):
        wait_until(partial(_is_linked, servers[number]))


def _serves_all(server: RedisServer) -> bool:
    told = server.ask("CLUSTER", "INFO")
    return "cluster_state:ok" in told and "cluster_slots_ok:16384" in told


def _becomes_replica(server: RedisServer, master: str) -> bool:
    return server.ask("CLUSTER", "REPLICATE", master).startswith("+OK")


def _is_linked(replica: RedisServer) -> bool:
    return "master_link_status:up" in replica.ask("INFO", "replication")


@contextmanager
def redis_sentinels(folder: Path) -> Iterator[list[RedisServer]]:
    """A master, its replica and three Sentinels that call the master ``shares``, in this order."""
    ports = quiet_ports(5)
    master = RedisServer(folder / "master", ports[0], DURABLE)
    replica = RedisServer(folder / "replica", ports[1], DURABLE | {"replicaof": f"127.0.0.1 {ports[0]}"})
    watch = {
        "sentinel monitor": f"shares 127.0.0.1 {ports[0]} 2",
        "sentinel down-after-milliseconds": "shares 1000",
        "sentinel failover-timeout": "shares 5000",
    }
    sentinels = [RedisServer(folder / f"sentinel-{port}", port, watch) for port in ports[2:]]
    with running(master, replica, *sentinels):
        wait_until(partial(_is_linked, replica))
        wait_until(
            lambda: all("slaves=1,sentinels=3" in one.ask("INFO", "sentinel") for one in sentinels), 30
        )
        yield [master, replica, *sentinels]
