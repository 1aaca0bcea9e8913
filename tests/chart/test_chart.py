# SPDX-License-Identifier: MIT
"""The chart, rendered by the real ``helm``: it lints, its node.yaml loads, and its schema refuses mistakes.

No cluster is needed. Without ``helm`` these tests are skipped, but with ``OSAK_TEST_ALL=1`` they fail.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from osak.node.config import load_node_config
from osak.node.storage_settings import SQLiteStorageSettings

CHART = Path(__file__).parents[2] / "helm" / "osak-node"
EXAMPLE = CHART / "ci" / "example-values.yaml"
PEM = "-----BEGIN CERTIFICATE-----\n"


@pytest.fixture(scope="module")
def helm() -> str:
    """The helm program."""
    found = shutil.which("helm")
    if found is None and not os.environ.get("OSAK_TEST_ALL"):
        pytest.skip("helm is not installed")
    assert found is not None, "OSAK_TEST_ALL asks for helm, which is not on PATH"
    return found


def _run(helm: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [helm, *arguments, "--values", str(EXAMPLE)], capture_output=True, text=True, check=False, timeout=60
    )


def _render(helm: str, *settings: str) -> dict[str, Any]:
    """Objects of a release named ria, by kind."""
    options = [part for setting in settings for part in ("--set", setting)]
    done = _run(helm, "template", "ria", str(CHART), *options)
    assert done.returncode == 0, done.stderr
    return {item["kind"]: item for item in yaml.safe_load_all(done.stdout)}


def _pod(objects: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = objects["StatefulSet"]["spec"]["template"]["spec"]
    return pod


def _mounted_files(objects: dict[str, Any]) -> dict[str, str]:
    """Every file that the pod finds below /etc/osak, with its text; those from Secrets are made up."""
    pod, data = _pod(objects), objects["ConfigMap"]["data"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    files: dict[str, str] = {}
    for mount in pod["containers"][0]["volumeMounts"]:
        volume = volumes.get(mount["name"], {})
        for item in volume.get("configMap", {}).get("items", ()):
            files[f"{mount['mountPath']}/{item['path']}"] = data[item["key"]]
        if "secret" in volume:
            for name in (item["path"] for item in volume["secret"].get("items", ())):
                files[f"{mount['mountPath']}/{name}"] = "from a Secret"
            if "items" not in volume["secret"]:  # type kubernetes.io/tls always has these two
                files |= {f"{mount['mountPath']}/tls.{end}": "from a Secret" for end in ("crt", "key")}
    return files


def test_lint_is_clean(helm: str) -> None:
    """`helm lint --strict` finds nothing wrong with the chart."""
    done = _run(helm, "lint", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("settings", [(), (f"trust.intermediates.issuing={PEM}", "limits.nonceLife=600s")])
def test_node_yaml_loads(helm: str, tmp_path: Path, settings: tuple[str, ...]) -> None:
    """The node's own loader takes the rendered YAML, and every file it names is mounted."""
    objects = _render(helm, *settings)
    for name, text in _mounted_files(objects).items():
        file = tmp_path / name.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(re.sub(r"(?<= )/(etc|var)/", rf"{tmp_path}/\1/", text), encoding="utf-8")
    command = _pod(objects)["containers"][0]["command"]
    config = load_node_config(tmp_path / command[-1].lstrip("/"), {})
    assert config.organisation == "Riigi Infosüsteemi Amet"
    assert str(config.public_url) == "https://osak.example.org:8443"
    assert config.trust is not None
    assert config.limits.nonce_life == (600 if settings else 300)
    assert len(config.trust.intermediates) == (1 if settings else 0)
    assert isinstance(config.storage, SQLiteStorageSettings)
    mounts = [mount["mountPath"] for mount in _pod(objects)["containers"][0]["volumeMounts"]]
    assert str(config.storage.path.parent).removeprefix(str(tmp_path)) in mounts


def test_ports_agree(helm: str) -> None:
    """Service and probes lead to the ports that the node listens on, and the admin port has no Service."""
    objects = _render(helm)
    container = _pod(objects)["containers"][0]
    settings = yaml.safe_load(objects["ConfigMap"]["data"]["node.yaml"])
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert settings["listen"].endswith(f":{ports['https']}")
    assert settings["admin"]["listen"].endswith(f":{ports['admin']}")
    assert {container[probe]["httpGet"]["port"] for probe in ("startupProbe", "livenessProbe")} == {"admin"}
    assert [port["targetPort"] for port in objects["Service"]["spec"]["ports"]] == ["https"]


def test_pod_is_restricted(helm: str) -> None:
    """The pod runs one replica under the rules of Kubernetes' restricted profile."""
    objects = _render(helm)
    pod = _pod(objects)
    container = pod["containers"][0]["securityContext"]
    assert objects["StatefulSet"]["spec"]["replicas"] == 1
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["allowPrivilegeEscalation"] is False
    assert container["readOnlyRootFilesystem"] is True
    assert container["capabilities"] == {"drop": ["ALL"]}


def test_changed_configuration_restarts_the_pod(helm: str) -> None:
    """Another setting gives another checksum in the pod's annotations."""
    checksums = {
        _render(helm, setting)["StatefulSet"]["spec"]["template"]["metadata"]["annotations"][
            "checksum/config"
        ]
        for setting in ("expiry.max=3650d", "expiry.max=4000d")
    }
    assert len(checksums) == 2


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("node.colour=red", "colour"),
        ("node.id=Not a name", "/node/id"),
        ("node.publicURL=http://osak.example.org", "/node/publicURL"),
        ("tls.existingSecret=", "/tls/existingSecret"),
        ("sealing.existingSecret=", "/sealing/existingSecret"),
        ("image.repository=", "/image/repository"),
        ("limits.maxBodyBytes=100000", "/limits/maxBodyBytes"),
        ("expiry.max=ten years", "/expiry/max"),
        ("trust.anchors.example-people=no certificate", "/trust/anchors"),
        ("replicas=3", "replicas"),
    ],
)
def test_schema_refuses(helm: str, setting: str, named: str) -> None:
    """A misspelt, missing or impossible value stops helm, and the message names it."""
    done = _run(helm, "template", "ria", str(CHART), "--set", setting)
    assert done.returncode != 0
    assert named in done.stderr


def test_notes_warn(helm: str) -> None:
    """Whoever installs learns that this is a skeleton, and that one operator of many nodes undoes t-of-n."""
    notes = (CHART / "templates" / "NOTES.txt").read_text(encoding="utf-8")
    assert "SKELETON" in notes
    assert "no osak image is published yet" in notes
    assert "the threshold counts organisations" in notes
    done = _run(helm, "install", "ria", str(CHART), "--dry-run=client")
    assert "osak group add https://osak.example.org:8443" in done.stdout, done.stderr
