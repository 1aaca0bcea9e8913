# SPDX-License-Identifier: MIT
"""A Docker engine for tests, and the images that they need, made without pulling any.

The engine that is there is used; without one, root starts one of its own. No registry of images is asked:
the base is a Debian made by debootstrap, with the wheels that the image's build wants lying in it, and pip
told so. The Dockerfile is the one that people build.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Wheels are made by the tests' own Python, so the base has the same.
SUITES = {(3, 11): "bookworm", (3, 13): "trixie"}
BASE_IMAGE = "osak-test-base"
RUN_IMAGE = "osak-test-run"
REDIS_IMAGE = "osak-test-redis"
NODE_IMAGE = "osak-test-node"
# SoftHSM stands for the token of somebody who has one.
_PACKAGES = "ca-certificates,python3,python3-venv,redis-server,softhsm2"
# What a node does not need: its image is made on a base without, so every test shows that.
_NOT_TO_RUN = (
    *("usr/bin/sh", "usr/bin/dash", "usr/bin/bash", "usr/bin/rbash", "usr/bin/perl*"),
    *("usr/bin/apt*", "usr/bin/dpkg*", "usr/lib/apt", "usr/lib/dpkg", "wheels"),
    *("usr/bin/su", "usr/bin/mount", "usr/bin/passwd"),
)
# The suite's Python is 3.11.2, and redis-py wants this below 3.11.3.
_ALSO_WANTED = ("cyclonedx-bom>=7,<8", "async-timeout>=4.0.3")


@dataclass(frozen=True)
class Engine:
    """A running engine."""

    host: str

    @property
    def environment(self) -> dict[str, str]:
        """For commands that talk to it."""
        return os.environ | ({"DOCKER_HOST": self.host} if self.host else {})

    def docker(self, *arguments: str, **options: str) -> str:
        """Run ``docker``; return what it says on stdout."""
        return run(["docker", *arguments], self.environment | options)

    def compose_program(self) -> list[str]:
        """Docker Compose, the plugin or the program."""
        plugin = subprocess.run(
            ["docker", "compose", "version"], env=self.environment, capture_output=True, check=False
        )
        return ["docker", "compose"] if plugin.returncode == 0 else ["docker-compose"]

    def compose(self, *arguments: str, **options: str) -> str:
        """Run Docker Compose."""
        return run([*self.compose_program(), *arguments], self.environment | options)


def run(command: list[str], environment: dict[str, str]) -> str:
    """Run a command in the repository; a failure shows all it said."""
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    """An engine and what building needs; without them tests skip, or fail where nothing may be missing."""
    programs = ["docker", "debootstrap", "dockerd"]
    missing = [name for name in programs if shutil.which(name) is None]
    if shutil.which("docker-compose") is None and not Path("/usr/libexec/docker/cli-plugins").is_dir():
        missing.append("docker-compose")
    if os.geteuid() != 0:
        missing.append("root")
    if sys.version_info[:2] not in SUITES:
        missing.append("Python 3.11 or 3.13")
    if missing:
        reason = f"needs {', '.join(missing)} to make images"
        if os.environ.get("OSAK_TEST_ALL"):
            pytest.fail(reason)
        pytest.skip(reason)
    if _answers(""):
        yield Engine("")
        return
    with _own_engine(folder) as host:
        yield Engine(host)


def make_images(running: Engine, folder: Path) -> None:
    """The base, a Redis, and the node's image."""
    root = folder / "root"
    run(
        [
            "debootstrap",
            "--variant=minbase",
            f"--include={_PACKAGES}",
            SUITES[sys.version_info[:2]],
            str(root),
        ],
        dict(os.environ),
    )
    _download_wheels(root / "wheels")
    (root / "data").mkdir()
    run(["chroot", str(root), "chown", "redis:redis", "/data"], dict(os.environ))
    _import(running, root, BASE_IMAGE, "ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels")
    _import(running, root, REDIS_IMAGE, "VOLUME /data")
    _import(running, root, RUN_IMAGE, "WORKDIR /", without=_NOT_TO_RUN)
    images = ("--build-arg", f"BASE_IMAGE={BASE_IMAGE}", "--build-arg", f"RUN_IMAGE={RUN_IMAGE}")
    running.docker("build", *images, "--tag", NODE_IMAGE, ".")


def _download_wheels(folder: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    wanted = [*project["project"]["dependencies"], *extras["node"], *extras["hsm"], *extras["traces"]]
    wanted += [*project["build-system"]["requires"], *_ALSO_WANTED]
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    constraints = ["--constraint", str(ROOT / "constraints.txt")]
    run([*command, "--wheel-dir", str(folder), *constraints, *wanted], dict(os.environ))


def _import(running: Engine, root: Path, name: str, change: str, without: Sequence[str] = ()) -> None:
    left_out = [f"--exclude=./{pattern}" for pattern in without]
    command = ["tar", "-C", str(root), *left_out, "-c", "."]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as archive:
        subprocess.run(
            ["docker", "import", "--change", change, "-", name],
            env=running.environment,
            stdin=archive.stdout,
            stdout=subprocess.DEVNULL,
            check=True,
        )


def _answers(host: str) -> bool:
    environment = Engine(host).environment
    return (
        subprocess.run(["docker", "info"], env=environment, capture_output=True, check=False).returncode == 0
    )


@contextmanager
def _own_engine(folder: Path) -> Iterator[str]:
    host = f"unix://{folder}/docker.sock"
    # Two that start at once are in each other's way: both want the same chains of the packet filter.
    alone = (Path(tempfile.gettempdir()) / "osak-test-engine.lock").open("w")
    fcntl.flock(alone, fcntl.LOCK_EX)
    places = ["--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")]
    command = ["dockerd", *places, "--pidfile", str(folder / "pid"), "--host", host]
    log = folder / "dockerd.log"
    with alone, log.open("wb") as stream, subprocess.Popen(command, stdout=stream, stderr=stream) as process:
        try:
            deadline = time.monotonic() + 60
            while not _answers(host):
                assert process.poll() is None, log.read_text(encoding="utf-8")
                assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
            yield host
        finally:
            process.terminate()
            process.wait(60)
