# SPDX-License-Identifier: MIT
"""The chart's pods as containers of a Docker engine: the same image, command, user, mounts and closed root.

What a kubelet would do is done by hand: files of ConfigMaps and Secrets are the group's to read, volumes are
its to write, and a Service is a name in the containers' network.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from factories.chart import Object
from factories.chart_nodes import ChartNode
from factories.containers import Engine

_READ_ONLY_FILE = 0o440


@dataclass(frozen=True)
class PodRunner:
    """Runs a release's pods in a network; ``folder`` holds their files, ``images`` what the values name."""

    engine: Engine
    node: ChartNode
    network: str
    folder: Path
    images: dict[str, str]

    def start(self, name: str, pod: Object, service: str = "") -> None:
        """Run a pod in the background, reached by the name of its Service."""
        self.engine.docker("run", "--detach", *self._arguments(name, pod, service))

    def run(self, name: str, pod: Object) -> str:
        """Run a pod to its end; return what it printed. Its exit code must be 0."""
        return self.engine.docker("run", *self._arguments(name, pod, ""))

    def _arguments(self, name: str, pod: Object, service: str) -> list[str]:
        security, (container,) = pod["securityContext"], pod["containers"]
        user, group = security["runAsUser"], security["fsGroup"]
        rules = container["securityContext"]
        assert rules["readOnlyRootFilesystem"]
        assert rules["capabilities"] == {"drop": ["ALL"]}
        found = ["--name", f"{self.network}-{name}", "--network", self.network]
        found += ["--network-alias", service] if service else []
        found += ["--read-only", "--user", f"{user}:{security['runAsGroup']}", "--group-add", str(group)]
        found += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
        for one in container.get("env", ()):
            found += ["--env", f"{one['name']}={one.get('value', name)}"]
        root = self.folder / name
        self.node.release.write_files(pod, root, self.node.secrets)
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        for mount in container["volumeMounts"]:
            source = root / mount["mountPath"].lstrip("/")
            volume = volumes.get(mount["name"], {})
            if "configMap" in volume or "secret" in volume:
                _hand_over(source, group)
            elif "persistentVolumeClaim" in volume:  # shared by all pods
                source = self.folder / "shared"
                source.mkdir(exist_ok=True)
                _give(source, group)
            else:
                _give(source, group)
            ending = ":ro" if mount.get("readOnly") else ""
            found += ["--volume", f"{source}:{mount['mountPath']}{ending}"]
        program, *more = container["command"]
        return [*found, "--entrypoint", program, self.images[container["image"]], *more]


def _hand_over(source: Path, group: int) -> None:
    """Files that the pod's group may read and nobody may change, as a kubelet writes Secrets."""
    source.chmod(0o755)
    for file in source.iterdir():
        os.chown(file, 0, group)
        file.chmod(_READ_ONLY_FILE)


def _give(source: Path, group: int) -> None:
    """A volume that the pod's group may write, as fsGroup makes it."""
    os.chown(source, 0, group)
    source.chmod(0o2770)
