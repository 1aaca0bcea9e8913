# SPDX-License-Identifier: MIT
"""What helm tells after an installation: what to do next, and what undoes the threshold."""

from pathlib import Path

import pytest
import yaml
from factories.chart import CHART, EXTERNAL_REDIS, OWN_REDIS, Object, merged, render, run_helm
from factories.chart_matrix import MATRIX, OUTSIDE, ROLES
from factories.kubernetes_api import cluster_with


def _notes(values: Object) -> str:
    done = run_helm("install", "ria", str(CHART), "--dry-run=client", values=values)
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("NOTES:")[2]


@pytest.mark.parametrize("case", MATRIX)
def test_one_release_is_one_organisations_node(case: str) -> None:
    """Whoever installs reads that nodes which share an operator, namespace or Secret undo the threshold."""
    notes = " ".join(_notes(MATRIX[case]).split())
    assert "ONE RELEASE IS ONE ORGANISATION'S NODE" in notes
    assert "share an operator, a cluster, a namespace, a Secret or a Redis are one node" in notes
    assert "the threshold counts organisations, not pods" in notes
    assert "Keep the node key elsewhere as well: without the Secret osak-node-key" in notes
    assert "osak group add https://osak.example.org:8443" in notes
    assert "helm -n default test ria --logs" in notes


@pytest.mark.parametrize(
    ("values", "warning"),
    [
        ({"audit": {"enabled": False}}, "no audit log"),
        (MATRIX["redis-volatile"], "allowVolatile"),
        (merged(ROLES, {"test": {"token": {"existingSecret": ""}}}), "helm test cannot store"),
        (MATRIX["sqlite-without-revocation"], "revocation.mode is off"),
        (EXTERNAL_REDIS, "no TLS to Redis"),
        (OWN_REDIS, "(redis.tls.existingSecret)"),
        (EXTERNAL_REDIS, "each process counts rates alone"),
        (merged(OWN_REDIS, {"redis": {"counter": {"enabled": False}}}), "each process counts rates alone"),
        ({"networkPolicy": {"enabled": False}}, "no NetworkPolicy"),
        (
            {"service": {"type": "LoadBalancer", "port": 443}},
            "clients come to port 8443, as node.publicURL says, and the load balancer listens at",
        ),
        (OUTSIDE, "behind the proxy all clients have its address"),
        (OUTSIDE, "set limits.maxConnectionsPerAddress to limits.maxConnections"),
        ({"service": {"type": "LoadBalancer"}}, "set service.externalTrafficPolicy to Local"),
        (merged(OUTSIDE, ROLES), "capsules are fetched at port 8444 of the Service"),
        (merged(EXTERNAL_REDIS, {"audit": {"accessMode": "ReadWriteOnce"}}), "the one machine that has the"),
        (merged(OWN_REDIS, {"redis": {"maxMemory": "1gb"}}), "killed while it rewrites its file"),
    ],
)
def test_what_is_insecure_is_told(values: Object, warning: str) -> None:
    """A choice that weakens the node is allowed, and named."""
    assert warning in _notes(values)


def _neighbours(folder: Path, ours: Object, *workloads: Object, release: str = "ria") -> str:
    """What is warned of when ``release`` comes into a namespace with these workloads."""
    with cluster_with(folder, workloads) as kubeconfig:
        done = run_helm(
            *("install", release, str(CHART), "--kubeconfig", str(kubeconfig)),
            *("--dry-run=server", "--disable-openapi-validation"),
            values=ours,
        )
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("NOTES:")[2]


def _another(*settings: Object) -> Object:
    """The node of a release named ``smit``."""
    done = run_helm("template", "smit", str(CHART), values=merged(*settings))
    assert done.returncode == 0, done.stderr
    objects = [item for item in yaml.safe_load_all(done.stdout) if item]
    return next(item for item in objects if item["kind"] in {"Deployment", "StatefulSet"})


def test_another_node_in_the_namespace_is_told(tmp_path: Path) -> None:
    """Who installs a second node beside a first one is told, even if they share nothing else."""
    notes = _neighbours(tmp_path, {}, _another({"sealing": {"existingSecret": "smit-key"}}))
    assert "WARNING: the release smit in this namespace is another node" in notes
    assert notes.count("WARNING") == 1


def test_the_same_node_key_and_the_same_redis_are_told(tmp_path: Path) -> None:
    """Two releases over one Secret or one Redis are told what that means; one address in common is enough."""
    theirs = {"storage": {"redis": {"mode": "cluster", "addresses": ["redis.internal:6379", "other:6379"]}}}
    notes = _neighbours(tmp_path, EXTERNAL_REDIS, _another(EXTERNAL_REDIS, theirs))
    assert "the release smit uses the same node key (Secret osak-node-key)" in notes
    assert "the release smit uses the same Redis (redis.internal:6379)" in notes


def test_what_is_no_other_node_is_not_told(tmp_path: Path) -> None:
    """The release itself, its Redis, and what else runs in the namespace are no other nodes."""
    release = render(OWN_REDIS)
    stranger = {"kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": {"spec": {}}}}
    notes = _neighbours(tmp_path, {}, *release.all("Deployment"), *release.all("StatefulSet"), stranger)
    assert "WARNING" not in notes


def test_nothing_is_warned_of_without_reason() -> None:
    """The plain installation has no warning, nor has one over Redis with TLS and a counter."""
    assert "WARNING" not in _notes({})
    assert "WARNING" not in _notes(MATRIX["redis-own-tls"])
