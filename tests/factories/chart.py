# SPDX-License-Identifier: MIT
"""The Helm chart as the real ``helm`` renders it: objects to look at, and the files that a pod would find.

Without ``helm`` tests that ask for it are skipped, but with ``OSAK_TEST_ALL=1`` they fail. No cluster is
needed.
"""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

CHART = Path(__file__).parents[2] / "helm" / "osak-node"
EXAMPLE = CHART / "ci" / "example-values.yaml"
PEM = "-----BEGIN CERTIFICATE-----\n"
TLS_FILES = ("ca.crt", "tls.crt", "tls.key")
Object = dict[str, Any]

EXTERNAL_REDIS = {"storage": {"kind": "redis", "redis": {"addresses": ["redis.internal:6379"]}}}
OWN_REDIS = {
    "storage": {"kind": "redis"},
    "redis": {"enabled": True, "auth": {"existingSecret": "ria-redis"}},
}


def helm_program() -> str:
    """The path of helm; a test that asks for it is skipped without it."""
    found = shutil.which("helm")
    if found is None:
        if os.environ.get("OSAK_TEST_ALL"):
            pytest.fail("OSAK_TEST_ALL asks for helm, which is not on PATH")
        pytest.skip("helm is not installed")
    return found


def merged(*settings: Object) -> Object:
    """Later settings over earlier ones, key by key, as helm merges files of values."""
    whole: Object = {}
    for setting in settings:
        for key, value in setting.items():
            both = isinstance(value, dict) and isinstance(whole.get(key), dict)
            whole[key] = merged(whole[key], value) if both else value
    return whole


def run_helm(
    *arguments: str, values: Object | None = None, example: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run it on these values, over the example's unless told otherwise."""
    base = ("--values", str(EXAMPLE)) if example else ()
    return subprocess.run(
        [helm_program(), *arguments, *base, "--values", "-"],
        input=json.dumps(values or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@dataclass(frozen=True)
class Release:
    """A rendered release named ``ria``."""

    objects: tuple[Object, ...]

    def all(self, kind: str) -> list[Object]:
        """Every object of a kind."""
        return [item for item in self.objects if item["kind"] == kind]

    def one(self, kind: str, name: str = "ria") -> Object:
        """The object of this kind and name."""
        found = [item for item in self.all(kind) if item["metadata"]["name"] == name]
        assert len(found) == 1, f"{kind} {name}: {[item['metadata']['name'] for item in self.all(kind)]}"
        return found[0]

    @property
    def workload(self) -> Object:
        """The Deployment or StatefulSet of the node."""
        found = [item for item in self.all("Deployment") + self.all("StatefulSet") if _is_node(item)]
        assert len(found) == 1
        return found[0]

    @property
    def pod(self) -> Object:
        """The spec of the node's pod."""
        return pod_of(self.workload)

    @property
    def container(self) -> Object:
        """The node's container."""
        container: Object = self.pod["containers"][0]
        return container

    def pods(self) -> list[Object]:
        """The specs of all pods: of workloads and of tests."""
        workloads = self.all("Deployment") + self.all("StatefulSet")
        return [pod_of(item) for item in workloads] + [item["spec"] for item in self.all("Pod")]

    def write_files(self, pod: Object, folder: Path, secrets: dict[str, dict[str, bytes]]) -> None:
        """Write what a pod would find in its mounts below ``folder``; ``secrets`` by name and key."""
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        for mount in pod["containers"][0]["volumeMounts"]:
            target = folder / mount["mountPath"].lstrip("/")
            target.mkdir(parents=True, exist_ok=True)
            for name, content in self._files(volumes.get(mount["name"], {}), secrets).items():
                (target / name).write_bytes(content)

    def _files(self, volume: Object, secrets: dict[str, dict[str, bytes]]) -> dict[str, bytes]:
        if "configMap" in volume:
            source = volume["configMap"]
            texts = self.one("ConfigMap", source["name"])["data"]
            data = {key: text.encode() for key, text in texts.items()}
        elif "secret" in volume:
            source = volume["secret"]
            data = secrets[source["secretName"]]
        else:
            return {}
        items = source.get("items") or [{"key": key, "path": key} for key in data]
        return {item["path"]: data[item["key"]] for item in items}


def pod_of(workload: Object) -> Object:
    """The spec of the pods of a Deployment or StatefulSet."""
    pod: Object = workload["spec"]["template"]["spec"]
    return pod


def _is_node(item: Object) -> bool:
    return bool(item["metadata"]["labels"]["app.kubernetes.io/component"] == "node")


def render(*settings: Object) -> Release:
    """The release with these values."""
    return _render(json.dumps(merged(*settings)))


@cache
def _render(values: str) -> Release:
    done = run_helm("template", "ria", str(CHART), "--namespace", "osak", values=json.loads(values))
    assert done.returncode == 0, done.stderr
    return Release(tuple(item for item in yaml.safe_load_all(done.stdout) if item))


def refused(*settings: Object) -> str:
    """What helm says to values that must not be taken."""
    done = run_helm("template", "ria", str(CHART), values=merged(*settings))
    assert done.returncode != 0, "helm took it"
    return done.stderr


def moved_to(folder: Path, text: str) -> str:
    """A configuration whose absolute paths of the image are below ``folder``."""
    return re.sub(r"(?<=[ ])/(etc|var|data)\b", rf"{folder}/\1", text)
