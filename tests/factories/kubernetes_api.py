# SPDX-License-Identifier: MIT
"""As much of Kubernetes' API as ``helm install --dry-run=server`` reads: which workloads a namespace has."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

Object = dict[str, Any]
_KINDS = {
    "v1": ("ConfigMap", "Service", "Secret", "Pod", "PersistentVolumeClaim"),
    "apps/v1": ("Deployment", "StatefulSet"),
    "networking.k8s.io/v1": ("NetworkPolicy", "Ingress"),
    "policy/v1": ("PodDisruptionBudget",),
}


@contextmanager
def cluster_with(folder: Path, workloads: Sequence[Object]) -> Iterator[Path]:
    """Serve on loopback; give the kubeconfig that leads there."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = _answer(self.path.partition("?")[0], workloads)
            body = json.dumps(found or {"kind": "Status", "status": "Failure", "reason": "NotFound"}).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: tests read what helm says."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield _kubeconfig(folder / "kubeconfig", server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _kubeconfig(path: Path, port: int) -> Path:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": ""}}],
        "current-context": "test",
    }
    path.write_text(json.dumps(config), encoding="utf-8")
    path.chmod(0o600)  # helm warns of others
    return path


def _answer(path: str, workloads: Sequence[Object]) -> Object | None:
    if path == "/version":
        return {"major": "1", "minor": "35", "gitVersion": "v1.35.0"}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        groups = [_group(version) for version in _KINDS if "/" in version]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    version = path.removeprefix("/apis/").removeprefix("/api/")
    if version in _KINDS:
        return {
            "kind": "APIResourceList",
            "groupVersion": version,
            "resources": [_resource(kind) for kind in _KINDS[version]],
        }
    for kind in _KINDS["apps/v1"]:
        if path == f"/apis/apps/v1/namespaces/default/{kind.lower()}s":
            items = [item for item in workloads if item["kind"] == kind]
            return {"kind": f"{kind}List", "apiVersion": "apps/v1", "items": items}
    return None


def _group(version: str) -> Object:
    found = {"groupVersion": version, "version": "v1"}
    return {"name": version.partition("/")[0], "versions": [found], "preferredVersion": found}


def _resource(kind: str) -> Object:
    name = kind.lower()
    ending = "ies" if name.endswith("y") else "es" if name.endswith("s") else "s"
    return {
        "name": name.removesuffix("y") + ending,
        "singularName": "",
        "namespaced": True,
        "kind": kind,
        "verbs": ["get", "list"],
    }
