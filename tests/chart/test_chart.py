# SPDX-License-Identifier: MIT
"""Every object of the chart, over a matrix of values: Kubernetes would take it, and it is as it should be."""

from itertools import pairwise
from typing import Any

import kubernetes_validate
import pytest
import yaml
from factories.chart import (
    CHART,
    EXTERNAL_REDIS,
    OWN_REDIS,
    TLS_FILES,
    Release,
    merged,
    pod_of,
    render,
    run_helm,
)
from factories.chart_matrix import MATRIX, OUTSIDE, ROLES, SENTINELS, WATCHED

from osak.node.trace_settings import TraceSettings

# The oldest that Chart.yaml allows, and the newest that is out.
KUBERNETES = ("1.30", "1.37")
# Of other projects; their schemas are not Kubernetes's.
FOREIGN_KINDS = {"Certificate", "PrometheusRule", "ServiceMonitor", "TLSRoute"}
every_case = pytest.mark.parametrize("case", MATRIX)


def test_lint_is_clean() -> None:
    """`helm lint --strict` finds nothing wrong with the chart."""
    done = run_helm("lint", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("version", KUBERNETES)
@every_case
def test_kubernetes_takes_every_object(case: str, version: str) -> None:
    """Each object fits the API's own schema, and names no field that the API does not know."""
    for item in render(MATRIX[case]).objects:
        if item["kind"] not in FOREIGN_KINDS:
            kubernetes_validate.validate(item, version, strict=True)


def test_the_oldest_version_is_checked() -> None:
    """The chart allows no older Kubernetes than these tests look at."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["kubeVersion"] == f">={KUBERNETES[0]}.0-0"


@every_case
def test_pods_are_restricted(case: str) -> None:
    """Every pod keeps the rules of the restricted profile, cannot write its image, and has no token."""
    for pod in render(MATRIX[case]).pods():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert {kind for volume in pod["volumes"] for kind in set(volume) - {"name"}} <= {
            *("configMap", "secret", "emptyDir", "persistentVolumeClaim")
        }
        for container in pod["containers"]:
            rules = container["securityContext"]
            assert rules["allowPrivilegeEscalation"] is False
            assert rules["privileged"] is False
            assert rules["readOnlyRootFilesystem"] is True
            assert rules["capabilities"] == {"drop": ["ALL"]}
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])


@every_case
def test_secrets_are_only_named(case: str) -> None:
    """The chart makes no Secret, takes none into the environment, and mounts all of them closed to others."""
    release = render(MATRIX[case])
    assert release.all("Secret") == []
    for pod in release.pods():
        for container in pod["containers"]:
            assert all("secretKeyRef" not in str(one) for one in container.get("env", ()))
            assert "envFrom" not in container
        for volume in pod["volumes"]:
            if "secret" in volume and volume["name"] != "tls":
                assert volume["secret"]["defaultMode"] == 0o440
            if "secret" in volume:  # nothing but what is needed
                assert volume["secret"]["items"]


@every_case
def test_selectors_find_their_pods(case: str) -> None:
    """Services, policies, budgets and workloads select exactly the pods of their component."""
    release = render(MATRIX[case])
    labels = [item["spec"]["template"]["metadata"]["labels"] for item in _workloads(release)]
    labels += [item["metadata"]["labels"] for item in release.all("Pod")]
    for item in release.objects:
        selector = _selector(item)
        if selector is None:
            continue
        chosen = [one for one in labels if selector.items() <= one.items()]
        if item["metadata"]["name"].endswith("default-deny"):
            assert chosen == labels
        else:
            component = item["metadata"]["labels"]["app.kubernetes.io/component"]
            assert [one["app.kubernetes.io/component"] for one in chosen] == [component]


def _workloads(release: Release) -> list[dict[str, Any]]:
    return release.all("Deployment") + release.all("StatefulSet")


def _selector(item: dict[str, Any]) -> dict[str, str] | None:
    spec = item.get("spec", {})
    found = spec.get("podSelector", spec.get("selector"))
    if item["kind"] == "ServiceMonitor" or found is None:
        return None
    labels: dict[str, str] = found.get("matchLabels", found)
    return labels


def test_ports_agree() -> None:
    """Services, probes and policies lead to the ports that the node listens on."""
    release = render(merged(EXTERNAL_REDIS, ROLES, WATCHED))
    settings = yaml.safe_load(release.one("ConfigMap")["data"]["node.yaml"])
    ports = {port["name"]: port["containerPort"] for port in release.container["ports"]}
    assert settings["listen"].endswith(f":{ports['https']}")
    assert settings["capsules"]["fetch_listen"].endswith(f":{ports['capsules']}")
    assert settings["admin"]["listen"].endswith(f":{ports['admin']}")
    public, admin = release.one("Service"), release.one("Service", "ria-admin")
    assert [port["targetPort"] for port in public["spec"]["ports"]] == ["https", "capsules"]
    assert [port["targetPort"] for port in admin["spec"]["ports"]] == ["admin"]
    rules = release.one("NetworkPolicy")["spec"]["ingress"]
    assert [[port["port"] for port in rule["ports"]] for rule in rules] == [
        [ports["https"], ports["capsules"]],
        [ports["admin"]],
    ]


def test_probes_tell_dead_from_not_ready() -> None:
    """A node without its store gets no requests, but is not killed; a process that answers nothing is."""
    container = render().container
    paths = {
        probe: container[probe]["httpGet"]["path"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert paths == {
        "startupProbe": "/health/live",
        "livenessProbe": "/health/live",
        "readinessProbe": "/health/ready",
    }
    assert {container[probe]["httpGet"]["port"] for probe in paths} == {"admin"}


@pytest.mark.parametrize(("timeout", "seconds"), [("10s", 25), ("2m", 135)])
def test_a_pod_has_time_to_end(timeout: str, seconds: int) -> None:
    """It serves on while others learn of its end, then finishes requests; both fit into its grace period."""
    release = render({"limits": {"shutdownTimeout": timeout}})
    assert release.container["lifecycle"]["preStop"] == {"sleep": {"seconds": 5}}
    assert release.pod["terminationGracePeriodSeconds"] == seconds


def test_a_pod_with_two_public_ports_has_more_time() -> None:
    """Each public port may take the whole time of limits.shutdownTimeout."""
    assert render(ROLES).pod["terminationGracePeriodSeconds"] == 35


def test_a_pod_that_sends_traces_has_more_time() -> None:
    """A collector that hangs may hold up the end for twice its timeout, which is the node's default."""
    release = render({"traces": {"endpoint": "http://collector:4318/v1/traces"}})
    timeout = TraceSettings.model_fields["timeout_seconds"].default
    assert release.pod["terminationGracePeriodSeconds"] == 25 + 2 * timeout


def test_sqlite_is_one_process_with_its_volumes() -> None:
    """SQLite runs as a StatefulSet of one; database and audit log lie on volumes of their own."""
    workload = render().workload
    assert (workload["kind"], workload["spec"]["replicas"]) == ("StatefulSet", 1)
    claims = workload["spec"]["volumeClaimTemplates"]
    assert [claim["metadata"]["name"] for claim in claims] == ["shares", "audit"]
    mounts = {mount["name"]: mount["mountPath"] for mount in render().container["volumeMounts"]}
    assert mounts["shares"] == "/var/lib/osak/shares"
    assert mounts["audit"] == "/var/lib/osak/audit"


def test_redis_is_a_deployment_of_several() -> None:
    """Over Redis two processes run unless told otherwise; a new one is ready before an old one goes."""
    workload = render(EXTERNAL_REDIS).workload
    assert (workload["kind"], workload["spec"]["replicas"]) == ("Deployment", 2)
    assert workload["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert render(SENTINELS).workload["spec"]["replicas"] == 3


def test_processes_spread_and_stay() -> None:
    """They prefer different machines and zones, and Kubernetes takes away one at a time."""
    release = render(EXTERNAL_REDIS)
    spread = {rule["topologyKey"]: rule for rule in release.pod["topologySpreadConstraints"]}
    assert set(spread) == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    assert {tuple(rule["matchLabelKeys"]) for rule in spread.values()} == {("pod-template-hash",)}
    assert release.one("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


@pytest.mark.parametrize("each", [False, True])
def test_each_process_has_an_audit_folder_of_its_own(each: bool) -> None:
    """By its pod's name on a shared volume that outlives the release, or on a volume of its own."""
    release = render(EXTERNAL_REDIS, {"audit": {"claimEach": each}})
    settings = yaml.safe_load(release.one("ConfigMap")["data"]["node.yaml"])
    assert settings["audit"]["folder"] == "/var/lib/osak/audit/${POD_NAME}"
    named = {one["name"]: one for one in release.container["env"]}
    assert named["POD_NAME"]["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    if each:
        assert release.workload["kind"] == "StatefulSet"
        assert release.all("PersistentVolumeClaim") == []
        assert len(release.workload["spec"]["volumeClaimTemplates"]) == 1
    else:
        claim = release.one("PersistentVolumeClaim", "ria-audit")
        assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
        assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_the_autoscaler_has_the_number() -> None:
    """With an autoscaler the workload names no number of its own, which each upgrade would set back."""
    release = render(MATRIX["redis-autoscaled"])
    assert "replicas" not in release.workload["spec"]
    target = release.one("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", "ria")


@pytest.mark.parametrize("case", ["sqlite", "redis-elsewhere"])
def test_changed_configuration_restarts_the_pods(case: str) -> None:
    """Another setting gives another checksum in the pods' annotations."""
    checksums = {
        render(MATRIX[case], {"expiry": {"max": life}}).workload["spec"]["template"]["metadata"][
            "annotations"
        ]["checksum/config"]
        for life in ("3650d", "4000d")
    }
    assert len(checksums) == 2


def test_tls_is_passed_through() -> None:
    """Ingress and TLSRoute lead to the node by the name of its URL, and neither has a certificate."""
    release = render(OUTSIDE)
    ingress, route = release.one("Ingress"), release.one("TLSRoute")
    assert "tls" not in ingress["spec"]
    assert ingress["metadata"]["annotations"] == {"nginx.ingress.kubernetes.io/ssl-passthrough": "true"}
    assert ingress["spec"]["rules"][0]["host"] == "osak.example.org"
    assert route["spec"]["hostnames"] == ["osak.example.org"]
    assert route["spec"]["rules"] == [{"backendRefs": [{"name": "ria", "port": 8443}]}]
    assert route["spec"]["parentRefs"][0]["name"] == "outer"


def test_cert_manager_fills_the_secret_that_is_mounted() -> None:
    """The certificate is for the URL's host and keeps its key, and a renewed one reaches the pod."""
    release = render(OUTSIDE)
    spec = release.one("Certificate", "ria-tls")["spec"]
    assert spec["dnsNames"] == ["osak.example.org"]
    assert spec["privateKey"]["rotationPolicy"] == "Never"
    volumes = {volume["name"]: volume for volume in release.pod["volumes"]}
    assert volumes["tls"]["secret"]["secretName"] == spec["secretName"]
    # A subPath would never see a renewed certificate.
    assert all("subPath" not in mount for mount in release.container["volumeMounts"])


def test_names_are_short_enough() -> None:
    """Whatever the release is called, names keep to 63 characters, and two releases do not meet."""
    done = run_helm("template", "r" * 53, str(CHART), values=merged(OWN_REDIS, WATCHED))
    assert done.returncode == 0, done.stderr
    names = [(item["kind"], item["metadata"]["name"]) for item in yaml.safe_load_all(done.stdout) if item]
    assert all(len(name) <= 63 for _, name in names)
    assert all(one != other for one, other in pairwise(sorted(names)))


def test_a_url_with_an_address_gets_a_certificate_for_it() -> None:
    """cert-manager would put an address among the DNS names, where no client looks for it."""
    values = {"tls": OUTSIDE["tls"], "node": {"publicURL": "https://192.0.2.7:8443"}}
    spec = render(values).one("Certificate", "ria-tls")["spec"]
    assert spec["ipAddresses"] == ["192.0.2.7"]
    assert "dnsNames" not in spec


def test_names_are_lower_case() -> None:
    """Kubernetes refuses an Ingress for Osak.Example.org, which a URL may well say."""
    release = render(OUTSIDE, {"node": {"publicURL": "https://Osak.Example.org:8443"}})
    assert release.one("Ingress")["spec"]["rules"][0]["host"] == "osak.example.org"
    assert release.one("TLSRoute")["spec"]["hostnames"] == ["osak.example.org"]
    assert release.one("Certificate", "ria-tls")["spec"]["dnsNames"] == ["osak.example.org"]


def test_images_can_be_named_by_digest() -> None:
    """A digest says which image runs, whatever becomes of its tag."""
    digest = f"sha256:{'1' * 64}"
    release = render(OWN_REDIS, {"image": {"digest": digest}, "redis": {"image": {"digest": digest}}})
    images = {container["image"] for pod in release.pods() for container in pod["containers"]}
    assert images == {f"images.example.org/osak@{digest}", f"docker.io/library/redis@{digest}"}


def test_redis_of_the_chart_keeps_what_it_has() -> None:
    """One server with a volume, and time to read its file and to end."""
    release = render(MATRIX["redis-own-tls"])
    workload = release.one("StatefulSet", "ria-redis")
    (claim,) = workload["spec"]["volumeClaimTemplates"]
    assert workload["spec"]["replicas"] == 1
    assert claim["metadata"]["name"] == "data"
    pod = pod_of(workload)
    assert pod["terminationGracePeriodSeconds"] == 60
    container = pod["containers"][0]
    assert "readinessProbe" not in container  # the node asks itself, and more than a ping
    assert container["livenessProbe"]["exec"]["command"][-1] == "ping"
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert [item["key"] for item in volumes["auth"]["secret"]["items"]] == ["users.acl"]
    assert sorted(item["key"] for item in volumes["tls"]["secret"]["items"]) == sorted(TLS_FILES)


def test_names_are_text() -> None:
    """A Secret's entry called 2027, or a Secret called true, is a name, and no number or truth to YAML."""
    release = render(
        MATRIX["redis-own-tls"],
        {
            "sealing": {"existingSecret": "true", "key": "2028", "next": "2029", "old": ["2027"]},
            "tls": {"existingSecret": "1e3"},
            "redis": {"auth": {"existingSecret": "null"}, "storageClass": "1"},
            "audit": {"storageClass": "on"},
            "test": {"credential": {"existingSecret": "0", "p12Key": "12", "passwordKey": "off"}},
        },
    )
    for item in release.objects:
        kubernetes_validate.validate(item, KUBERNETES[0], strict=True)
    (volume,) = (volume for volume in release.pod["volumes"] if volume["name"] == "sealing")
    assert volume["secret"]["secretName"] == "true"
    assert {item["key"] for item in volume["secret"]["items"]} == {"2027", "2028", "2029"}


def test_a_release_s_name_is_text() -> None:
    """Also a release called yes, in a namespace called 007."""
    values = merged(OWN_REDIS, WATCHED)
    done = run_helm("template", "yes", str(CHART), "--namespace", "007", values=values)
    assert done.returncode == 0, done.stderr
    for item in yaml.safe_load_all(done.stdout):
        assert isinstance(item["metadata"]["name"], str)
        if item["kind"] not in FOREIGN_KINDS:
            kubernetes_validate.validate(item, KUBERNETES[0], strict=True)
    assert 'matchNames: ["007"]' in done.stdout
