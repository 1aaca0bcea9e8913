# SPDX-License-Identifier: MIT
"""Dashboard and alerts ask for metrics that a running node has; alerts come when they should."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from factories.chart import CHART, Release, render
from factories.chart_matrix import WATCHED
from factories.chart_nodes import ChartNode
from factories.node_processes import started

import osak.node.errors
from osak.node.errors import ANSWERS

ALERTS = CHART / "files" / "alerts.yaml"
DASHBOARD = CHART / "files" / "dashboard.json"
# Of Prometheus itself, and of every kubelet.
FOREIGN = {"up", "kubelet_volume_stats_available_bytes", "kubelet_volume_stats_capacity_bytes"}
# Labels that Prometheus or the chart's ServiceMonitor sets.
GIVEN_LABELS = {"osak_node", "namespace", "instance", "pod", "le", "persistentvolumeclaim"}


def _rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _panels() -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return panels


def _expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in _rules())
    for panel in _panels():
        yield from (target["expr"].replace("$__rate_interval", "5m") for target in panel["targets"])


def _selectors(expression: str) -> list[promql_parser.VectorSelector]:
    """Every place where an expression asks for a metric."""
    found: list[promql_parser.VectorSelector] = []

    def note(part: promql_parser.Expr) -> bool:
        if isinstance(part, promql_parser.VectorSelector):
            found.append(part)
        return True

    promql_parser.walk(promql_parser.parse(expression), note)
    return found


async def _metrics_of_a_node(folder: Path) -> dict[str, set[str]]:
    """Names of the series of a real node that the chart configured, with the labels that they can have."""
    node = ChartNode.make({}).process("ria-0", folder)
    async with started(node):
        await node.upload(b"s" * 32)
        async with node.client.get(f"{node.url}/nowhere") as refusal:
            assert refusal.status == 404
        async with node.client.get(f"{node.admin_url}/metrics") as reply:
            text = await reply.text()
    families = re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE)
    found: dict[str, set[str]] = {}
    for name, kind in families:
        for suffix in ("_bucket", "_sum", "_count") if kind == "histogram" else ("",):
            labels = re.findall(rf"^{name}{suffix}{{(.*)}} ", text, re.MULTILINE)
            found[name + suffix] = {part.partition("=")[0] for line in labels for part in line.split(",")}
    # Of what has not happened yet the documents name the labels.
    documents = (CHART.parents[1] / "docs" / "operations.md").read_text(encoding="utf-8")
    for name, labels in re.findall(r"^\| `(osak_node_\w+){([\w,]+)}`", documents, re.MULTILINE):
        for series in found:
            if series.startswith(name):
                found[series] |= set(labels.split(","))
    return found


async def test_every_metric_exists(tmp_path: Path) -> None:
    """Each series and each label that a panel or rule asks for is one that a node tells."""
    known = await _metrics_of_a_node(tmp_path)
    asked = set()
    for expression in _expressions():
        for selector in _selectors(expression):
            asked.add(selector.name)
            if selector.name in FOREIGN:
                continue
            assert selector.name in known, f"no node has {selector.name}"
            labels = {matcher.name for matcher in selector.matchers.matchers}
            assert labels <= known[selector.name] | GIVEN_LABELS, expression
    assert len(asked) > 12


async def test_every_metric_is_looked_at(tmp_path: Path) -> None:
    """What a node tells is on a panel or in a rule: nobody has to guess that there is a number for it."""
    known = await _metrics_of_a_node(tmp_path)
    asked = {selector.name for expression in _expressions() for selector in _selectors(expression)}
    # A histogram is looked at through its buckets; when a counter began, nobody needs to see.
    told = {name for name in known if not name.endswith(("_sum", "_count", "_created"))}
    assert told - asked == set()


def test_every_error_exists() -> None:
    """Errors that rules ask for by name are errors of a node."""
    named = re.findall(r"error=~?\"([A-Za-z|]+)\"", ALERTS.read_text(encoding="utf-8"))
    names = {name for alternatives in named for name in alternatives.split("|")}
    assert len(names) > 5
    known = {error.__name__ for error in ANSWERS} | set(vars(osak.node.errors))
    assert names <= known


def test_the_dashboard_is_one() -> None:
    """Panels have ids of their own, do not overlap, say what they show, and ask the chosen Prometheus."""
    panels = _panels()
    assert len({panel["id"] for panel in panels}) == len(panels) > 10
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (place["x"] + across, place["y"] + down)
            for across in range(place["w"])
            for down in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
        assert panel["title"]
        assert panel["description"]
        assert panel["datasource"]["uid"] == "${datasource}"
        assert all('osak_node=~"$node"' in target["expr"] for target in panel["targets"])


def test_rules_say_what_to_do() -> None:
    """Each alert has a name of its own, a severity, what is wrong and what follows from it."""
    rules = _rules()
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"].endswith(".")


def test_the_chart_carries_both_files() -> None:
    """PrometheusRule and ConfigMap hold the files as they are, with the labels by which they are found."""
    release: Release = render(WATCHED)
    rule = release.one("PrometheusRule")
    assert rule["spec"] == yaml.safe_load(ALERTS.read_text(encoding="utf-8"))
    assert rule["metadata"]["labels"]["release"] == "prometheus"
    dashboard = release.one("ConfigMap", "ria-dashboard")
    assert json.loads(dashboard["data"]["osak-node.json"]) == json.loads(
        DASHBOARD.read_text(encoding="utf-8")
    )
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert dashboard["metadata"]["annotations"] == {"folder": "osak"}


def test_prometheus_reads_the_admin_port_and_knows_the_node() -> None:
    """The ServiceMonitor finds the admin port alone, and sets the label by which nodes are told apart."""
    release: Release = render(WATCHED)
    spec = release.one("ServiceMonitor")["spec"]
    wanted = spec["selector"]["matchLabels"].items()
    services = [item for item in release.all("Service") if wanted <= item["metadata"]["labels"].items()]
    assert [service["metadata"]["name"] for service in services] == ["ria-admin"]
    (endpoint,) = spec["endpoints"]
    assert endpoint["port"] in {port["name"] for port in services[0]["spec"]["ports"]}
    assert endpoint["path"] == "/metrics"
    assert endpoint["relabelings"] == [{"targetLabel": "osak_node", "replacement": "ria"}]
    assert spec["namespaceSelector"] == {"matchNames": ["osak"]}


def _promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    found = shutil.which("promtool")
    if found is None:
        if os.environ.get("OSAK_TEST_ALL"):
            pytest.fail("OSAK_TEST_ALL asks for it: promtool is not installed")
        pytest.skip("promtool is not installed")
    return subprocess.run([found, *arguments], capture_output=True, text=True, check=False, timeout=60)


def test_prometheus_takes_the_rules() -> None:
    """Prometheus's own checker finds nothing wrong."""
    done = _promtool("check", "rules", str(ALERTS))
    assert done.returncode == 0, done.stderr


def test_alerts_come_when_they_should() -> None:
    """Each alert fires on what it is for, and none on a healthy node: by Prometheus's own tester."""
    done = _promtool("test", "rules", str(Path(__file__).with_name("alerts_test.yaml")))
    assert done.returncode == 0, done.stdout + done.stderr
    tested = Path(__file__).with_name("alerts_test.yaml").read_text(encoding="utf-8")
    assert all(f'alertname="{rule["alert"]}"' in tested for rule in _rules())
