# SPDX-License-Identifier: MIT
"""The chart's README, typed as it stands: with real ``helm`` and ``osak``; the cluster only listens."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from factories.chart import CHART, Release, helm_program
from factories.node_processes import AUTHORITY

ROOT = CHART.parents[1]
# What a cluster would be told is written down; `helm install` renders what it would send.
STUB = """#!/bin/sh
echo "$(basename "$0") $*" >> "$TOLD"
"""
HELM = """#!/bin/sh
echo "helm $*" >> "$TOLD"
if [ "$1" = install ]; then
  shift
  exec "$HELM" template "$@" --namespace default > "$RENDERED"
fi
"""


def _block(start: str) -> str:
    text = (CHART / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"```sh\n({re.escape(start)}[^`]+)```", text)
    assert found is not None, start
    return found[1]


class Listener:
    """A folder to type in, and what the cluster was told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._programs = folder / "programs"
        self._programs.mkdir()
        for name in ("kind", "docker", "kubectl", "helm"):
            program = self._programs / name
            program.write_text(HELM if name == "helm" else STUB, encoding="utf-8")
            program.chmod(0o755)
        (folder / "helm").symlink_to(ROOT / "helm")
        (folder / "eid-sim").mkdir()
        for place in ("eid-sim/people-ca.pem", "people-ca.pem"):
            (folder / place).write_bytes(AUTHORITY.certificate_pem)

    def type_(self, commands: str) -> None:
        """Run them in a shell; each must end well."""
        places = (self._programs, Path(sys.executable).parent, os.environ["PATH"])
        environment = os.environ | {
            "PATH": ":".join(map(str, places)),
            "HELM": helm_program(),
            "TOLD": str(self.folder / "told"),
            "RENDERED": str(self.folder / "rendered.yaml"),
        }
        command = ["sh", "-euc", commands]
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr

    @property
    def told(self) -> list[str]:
        """Every command, in order."""
        return (self.folder / "told").read_text(encoding="utf-8").splitlines()

    @property
    def release(self) -> Release:
        """What helm would have sent."""
        text = (self.folder / "rendered.yaml").read_text(encoding="utf-8")
        return Release(tuple(item for item in yaml.safe_load_all(text) if item))

    def secrets(self) -> dict[str, set[str]]:
        """Names and entries of the Secrets that were made, of files that are there."""
        found = {}
        for line in self.told:
            if not line.startswith("kubectl create secret "):
                continue
            kind, name, *options = line.removeprefix("kubectl create secret ").split()
            for option in options:
                assert (self.folder / option.partition("=")[2]).is_file(), option
            files = {Path(option.partition("=")[2]).name for option in options}
            found[name] = {"tls.crt", "tls.key"} if kind == "tls" else files
        return found


@pytest.fixture
def listener(tmp_path: Path) -> Listener:
    """A cluster that only listens."""
    return Listener(tmp_path)


def _wanted(release: Release) -> dict[str, set[str]]:
    """Names and entries of the Secrets that the release mounts."""
    found: dict[str, set[str]] = {}
    for pod in release.pods():
        for volume in pod["volumes"]:
            if "secret" in volume:
                entries = {item["key"] for item in volume["secret"]["items"]}
                found.setdefault(volume["secret"]["secretName"], set()).update(entries)
    return found


def test_the_way_into_kind(listener: Listener) -> None:
    """Typed from top to end it makes all that the release mounts, and loads the very image that it runs."""
    listener.type_(_block("kind create cluster"))
    release = listener.release
    assert listener.secrets() == _wanted(release)
    image = release.container["image"]
    assert f"docker build -t {image} ." in listener.told
    assert f"kind load docker-image {image}" in listener.told
    assert (listener.folder / "trial/node.key").stat().st_size == 32
    assert release.workload["metadata"]["name"] == "ria"
    assert any(line.startswith("kubectl exec ria-0 ") for line in listener.told)
    assert release.workload["kind"] == "StatefulSet"


def test_the_way_to_redis_in_kind(listener: Listener) -> None:
    """With the users' Secret and the page's options, it is two processes over the chart's Redis."""
    text = (CHART / "README.md").read_text(encoding="utf-8")
    more = re.search(r"`(--set storage\.kind=redis [^`]+accessMode=ReadWriteOnce)`", text)
    assert more is not None
    block = _block("kind create cluster").replace(" --wait", f" {' '.join(more[1].split())} --wait")
    listener.type_(_block("head -c 32 /dev/urandom | od") + block)
    assert listener.secrets() == _wanted(listener.release)
    assert listener.release.workload["spec"]["replicas"] == 2


def test_the_way_into_a_cluster(listener: Listener) -> None:
    """The Secrets of the first section are those that the installation of the second names."""
    for name in ("cert.pem", "key.pem"):
        (listener.folder / name).touch()
    listener.type_(_block("# The node key") + _block("helm install ria"))
    assert listener.secrets() == _wanted(listener.release)
    assert listener.told[-1] == "helm test ria --logs"
