# SPDX-License-Identifier: MIT
"""What helm tells after an installation: what to do next, and what undoes the threshold."""

import pytest
from factories.chart import CHART, EXTERNAL_REDIS, OWN_REDIS, Object, merged, run_helm
from factories.chart_matrix import MATRIX, OUTSIDE


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
        (EXTERNAL_REDIS, "no TLS to Redis"),
        (OWN_REDIS, "(redis.tls.existingSecret)"),
        (EXTERNAL_REDIS, "each process counts rates alone"),
        ({"networkPolicy": {"enabled": False}}, "no NetworkPolicy"),
        (OUTSIDE, "behind the proxy all clients have its address"),
    ],
)
def test_what_is_insecure_is_told(values: Object, warning: str) -> None:
    """A choice that weakens the node is allowed, and named."""
    assert warning in _notes(values)


def test_nothing_is_warned_of_without_reason() -> None:
    """The plain installation has no warning, nor has one over Redis with TLS and a counter."""
    careful = merged(
        MATRIX["redis-own-tls"], {"limits": {"counter": {"enabled": True, "addresses": ["r:6379"]}}}
    )
    assert "WARNING" not in _notes({})
    assert "WARNING" not in _notes(careful)
