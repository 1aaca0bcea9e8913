# SPDX-License-Identifier: MIT
"""Five organisations of compose.yaml, and the chart's pods: servers are stopped, networks cut."""

import json
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from factories.chart import OWN_REDIS, merged, pod_of
from factories.chart_containers import PodRunner
from factories.chart_nodes import ChartNode, redis_login
from factories.containers import NODE_IMAGE, REDIS_IMAGE, Engine
from factories.node_processes import PERSON
from factories.quiet_ports import quiet_ports

from osak.client.cli.main import main
from osak.client.demo.people import DemoPerson, make_person

pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("containers")]
PROJECT = "osaktest"
NAMES = ("ria", "pank", "ylikool", "haigla", "raamatukogu")
PORTS = dict(zip(NAMES, quiet_ports(len(NAMES)), strict=True))
URLS = [f"https://localhost:{port}" for port in PORTS.values()]


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> DemoPerson:
    """Somebody whose authority the servers trust."""
    return make_person(tmp_path_factory.mktemp("person"))


@pytest.fixture(scope="module")
def five(running: Engine, person: DemoPerson) -> Iterator[Engine]:
    """All five organisations up and healthy."""
    settings = five_settings(person)
    # The containers' users read it.
    person.authority_file.chmod(0o644)
    try:
        running.compose("-p", PROJECT, "up", "-d", **settings)
        for name in NAMES:
            wait_for(running, name, "healthy")
        yield running
    finally:
        running.compose("-p", PROJECT, "down", "-v", "-t", "2", **settings)


def five_settings(person: DemoPerson) -> dict[str, str]:
    """What compose.yaml leaves to be said."""
    return {
        "OSAK_IMAGE": NODE_IMAGE,
        "OSAK_REDIS_IMAGE": REDIS_IMAGE,
        "OSAK_TRUST": str(person.authority_file),
        **{f"OSAK_{name.upper()}_PORT": str(port) for name, port in PORTS.items()},
    }


def container(running: Engine, service: str) -> str:
    """A service's container."""
    return running.docker(
        "ps",
        "-aq",
        "--filter",
        f"label=com.docker.compose.project={PROJECT}",
        "--filter",
        f"label=com.docker.compose.service={service}",
    ).strip()


def state(running: Engine, service: str) -> dict[str, Any]:
    """What the engine says of it."""
    (found,) = json.loads(running.docker("inspect", container(running, service)))
    assert isinstance(found, dict)
    return found


def wait_for(running: Engine, service: str, health: str) -> None:
    """Return when its health check says so."""
    deadline = time.monotonic() + 120
    while state(running, service)["State"]["Health"]["Status"] != health:
        assert time.monotonic() < deadline, running.docker("logs", container(running, service))
        time.sleep(0.5)


def osak(*arguments: str | Path) -> int:
    """Run one command line in this process; return its exit code."""
    return main([*map(str, arguments), "--quiet"])


def test_servers_stopped_networks_cut(five: Engine, person: DemoPerson, tmp_path: Path) -> None:
    """3 of 5: opens with one server stopped and one cut off; not with a third's Redis gone; then again."""
    config = ("--config", tmp_path / "osak.yaml")
    assert osak("group", "add", *URLS, "--group", "g", "--threshold", "3", "--yes", *config) == 0
    letter = tmp_path / "kiri.txt"
    letter.write_bytes(b"Tere! " * 1000)
    box = tmp_path / "a.cdoc2"
    assert osak("encrypt", letter, "-o", box, "--to", person.code, *config) == 0
    credential = ("--p12", person.p12_file, "--p12-password-file", person.password_file)

    def opens(name: str) -> int:
        return osak("decrypt", box, "-o", tmp_path / name, *credential, *config)

    assert opens("all") == 0
    ria, pank = container(five, "ria"), container(five, "pank")
    five.docker("stop", "-t", "5", ria)
    for network in ("outside", "pank"):
        five.docker("network", "disconnect", f"{PROJECT}_{network}", pank)
    assert opens("three") == 0
    assert (tmp_path / "three" / letter.name).read_bytes() == letter.read_bytes()
    five.docker("stop", "-t", "5", container(five, "ylikool-redis"))
    assert opens("two") == 4
    assert not (tmp_path / "two").exists()
    five.docker("start", ria, container(five, "ylikool-redis"))
    wait_for(five, "ria", "healthy")
    assert opens("again") == 0
    for network in ("outside", "pank"):
        five.docker("network", "connect", f"{PROJECT}_{network}", pank)


def test_a_stopped_node_ends_cleanly(five: Engine, person: DemoPerson) -> None:
    """Stopped under a slow request it is not killed before that has ended; the shares are there."""
    name = container(five, "haigla")
    client = ssl.create_default_context()
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE  # a made-up certificate
    with (
        socket.create_connection(("localhost", PORTS["haigla"]), 20) as plain,
        client.wrap_socket(plain, server_hostname="localhost") as request,
    ):
        request.sendall(b"POST /key-shares HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        five.compose("-p", PROJECT, "stop", "haigla", **five_settings(person))
        assert request.recv(100).startswith(b"HTTP/1.1 408 ")
    assert state(five, "haigla")["State"]["ExitCode"] == 0
    five.docker("start", name)
    wait_for(five, "haigla", "healthy")


def test_what_a_node_may_do(five: Engine) -> None:
    """No root, no capabilities, nothing to write but its volume, and its Redis is nobody else's."""
    found = state(five, "raamatukogu")
    assert found["Config"]["User"] == "10001:10001"
    host = found["HostConfig"]
    assert (host["ReadonlyRootfs"], host["CapDrop"]) == (True, ["ALL"])
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    code = "import pathlib; pathlib.Path('/opt/osak/new').write_text('x')"
    with pytest.raises(AssertionError, match=r"Read-only file system|Permission denied"):
        five.docker("exec", container(five, "raamatukogu"), "/opt/osak/bin/python", "-c", code)
    code = "import socket; socket.create_connection(('pank-redis', 6379), 2)"
    with pytest.raises(AssertionError, match=r"Name or service|Temporary failure|timed out|unreachable"):
        five.docker("exec", container(five, "raamatukogu"), "/opt/osak/bin/python", "-c", code)


CHART = "osaktest-chart"


@pytest.fixture
def release(running: Engine, tmp_path: Path) -> Iterator[PodRunner]:
    """A network for the chart's pods, which are gone afterwards."""
    secrets = {
        "ria-redis": redis_login(tmp_path),
        "tester": {"person.p12": PERSON.p12(), "password": b"passwd"},
    }
    values = {"test": {"credential": {"existingSecret": "tester"}}}
    node = ChartNode.make(merged(OWN_REDIS, values), secrets)
    images = {
        "images.example.org/osak:0.1.0": NODE_IMAGE,
        "docker.io/library/redis:7.2-bookworm": REDIS_IMAGE,
    }
    running.docker("network", "create", CHART)
    try:
        yield PodRunner(running, node, CHART, tmp_path, images)
    finally:
        for name in running.docker("ps", "-aq", "--filter", f"name={CHART}").split():
            running.docker("rm", "--force", "--volumes", name)
        running.docker("network", "rm", CHART)


def test_the_chart_s_pods_run_in_the_image(release: PodRunner) -> None:
    """Two processes over Redis, as the chart writes and closes them, and `helm test` fetches a share."""
    rendered = release.node.release
    release.start("redis", pod_of(rendered.one("StatefulSet", "ria-redis")), "ria-redis")
    release.start("counter", pod_of(rendered.one("Deployment", "ria-counter")), "ria-counter")
    wait_for_output(release.engine, f"{CHART}-redis", "Ready to accept connections")
    for name in ("ria-a", "ria-b"):
        release.start(name, rendered.pod, "ria")
        wait_for_output(release.engine, f"{CHART}-{name}", '"ready"')
    printed = release.run("test", rendered.one("Pod", "ria-test")["spec"])
    assert "fetched it, and it is the one that was stored" in printed
    assert "took it back, and it is gone" in printed
    for name in ("ria-a", "ria-b"):
        command = ["audit", "verify", "-c", "/etc/osak/node/node.yaml"]
        said = release.engine.docker("exec", f"{CHART}-{name}", "/opt/osak/bin/osak", "node", *command)
        assert said.startswith("whole: ")


def wait_for_output(running: Engine, name: str, wanted: str) -> None:
    """Return when a container has printed this."""
    deadline = time.monotonic() + 60
    command = ["docker", "logs", name]
    while True:
        done = subprocess.run(command, env=running.environment, capture_output=True, text=True, check=True)
        if wanted in done.stdout + done.stderr:
            return
        assert time.monotonic() < deadline, done.stdout + done.stderr
        time.sleep(0.2)
