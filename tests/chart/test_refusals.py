# SPDX-License-Identifier: MIT
"""What must not be installed is refused before anything reaches a cluster, in words that name the value."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from factories.chart import CHART, EXAMPLE, EXTERNAL_REDIS, OWN_REDIS, merged, refused, run_helm
from factories.chart_matrix import OUTSIDE

Values = dict[str, Any]


ON = {"enabled": True}


def _set(path: str, value: object) -> Values:
    """Values with one setting, by its dotted path."""
    for name in reversed(path.split(".")):
        value = {name: value}
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("node.id", "Not a name"),
        ("node.organisation", ""),
        ("node.organisation", "${HOME}"),
        ("node.organisation", "a\nb"),
        ("node.publicURL", "http://osak.example.org"),
        ("node.publicURL", "https://:8443"),
        ("node.publicURL", "https://osak.example.org:99999"),
        ("node.publicURL", "https://user@osak.example.org"),
        ("node.publicURL", "https://osak.example.org/?a"),
        ("node.publicURL", "https://a_b.example.org"),
        ("tls.existingSecret", "a..b"),
        ("tls.certManager.issuerRef.kind", "x: y"),
        ("sealing.existingSecret", ""),
        ("sealing.existingSecret", "Not_a_name"),
        ("sealing.next", "a key"),
        ("sealing.old", ["old.key", "old.key"]),
        ("sealing.token.module", "libtoken.so"),
        ("sealing.token.label", "${HOME}"),
        ("image.repository", ""),
        ("image.repository", "images.example.org/osak:0.1.0"),
        ("image.tag", "a b"),
        ("redis.image.digest", "7.2"),
        ("image.digest", "sha256:1"),
        ("image.pullPolicy", "Sometimes"),
        ("replicas", -1),
        ("replicas", "3"),
        ("trust.anchors.example-people", "no certificate"),
        ("trust.policies", ["NCP+"]),
        ("trust.revocation.mode", "sometimes"),
        ("trust.revocation.mode", False),
        ("trust.smartID.flowTypes", ["Telepathy"]),
        ("trust.smartID.relyingParties", [{"brokeredName": "x"}]),
        ("storage.kind", "memory"),
        ("movingFrom.kind", "memory"),
        ("movingFrom.sqlite.existingClaim", "Not_a_name"),
        ("movingFrom.redis.addresses", ["redis://redis.internal"]),
        ("sessions.authServers", [{"issuer": "a", "keys": "-----BEGIN PUBLIC KEY-----"}]),
        ("sessions.life", "a day"),
        ("storage.redis.addresses", ["redis://redis.internal"]),
        ("storage.redis.addresses", ["redis.internal:99999"]),
        ("storage.redis.timeoutSeconds", 0),
        ("storage.sqlite.size", "5 gigabytes"),
        ("redis.maxMemory", "most"),
        ("audit.accessMode", "ReadOnlyMany"),
        ("limits.maxBodyBytes", 100000),
        ("limits.shutdownTimeout", "0s"),
        ("limits.rates.perAddress", "many"),
        ("limits.rates.perAddress", False),
        ("limits.trustedProxies", ["proxy.example"]),
        ("limits.trustedProxies", ["300.1.1.1"]),
        ("limits.trustedProxies", ["10.0.0.0/99"]),
        ("trust.revocation.networks", ["2001:db8::/200"]),
        ("limits.counter.maxConnections", 0),
        ("expiry.max", "ten years"),
        ("expiry.max", "100000000s"),
        ("uploads.senders", [{"name": "Haigla", "tokenSHA256": "secret"}]),
        ("capsules.port", 0),
        ("traces.endpoint", "http://user:word@collector"),
        ("traces.endpoint", "https://:4318/v1/traces"),
        ("traces.sample", 0),
        ("service.type", "ExternalName"),
        ("service.externalTrafficPolicy", "Global"),
        ("ingress.annotations", {"a": True}),
        ("ingress.className", "No Name"),
        ("gateway.parentRefs", [{"name": "outer", "namespace": "No Name"}]),
        ("gateway.apiVersion", "v1"),
        ("networkPolicy.clients", ["192.0.2.0/24"]),
        ("networkPolicy.clients", [{}]),
        ("networkPolicy.clients", [{"ipBlock": {"cidr": "192.0.2.7"}}]),
        ("networkPolicy.clients", [{"ipBlock": {"cidr": "192.0.2.0/24"}, "podSelector": {}}]),
        ("networkPolicy.extraEgress", [{}]),
        ("networkPolicy.extraEgress", [{"ports": [{"port": 99999}]}]),
        ("networkPolicy.dns", []),
        ("networkPolicy.dnsPorts", [0]),
        ("podDisruptionBudget.maxUnavailable", 0),
        ("autoscaling.targetCPUUtilization", 200),
        ("topologySpread.zones", "Never"),
        ("monitoring.serviceMonitor.interval", "often"),
        ("tls.certManager.duration", "90d"),
        ("resources", {"requests": None}),
        ("resources.requests.cpu", None),
        ("resources.requests.cpu", "lots"),
        ("resources.limits.memory", 0),
        ("drainSeconds", 0),
        ("tolerations", [{"keys": "x"}]),
        ("affinity", {"nodeAfinity": {}}),
        ("podLabels.team", 7),
        ("podLabels.team", "not a label"),
        ("test.token.key", "a/b"),
    ],
)
def test_the_schema_refuses(path: str, value: object) -> None:
    """A value of the wrong kind stops helm, and the message names its place."""
    said = refused(_set(path, value))
    place = "/" + path.replace(".", "/")
    # What is missing is told at the place where it should stand.
    assert f"at '{place}" in said or f"at '{place.rpartition('/')[0]}': missing property" in said


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("podLabels", "app.kubernetes.io/name"),
        ("podLabels", "not a label"),
        ("podAnnotations", "checksum/config"),
        ("monitoring.rules.labels", "app.kubernetes.io/instance"),
        ("monitoring.serviceMonitor.labels", "osak-node/port"),
    ],
)
def test_what_the_chart_itself_writes_is_not_overwritten(path: str, name: str) -> None:
    """A label cannot take a pod out of its policies, nor an annotation keep it from starting anew."""
    assert name in refused(_set(path, {name: "x"}))


@pytest.mark.parametrize("name", ["osak.ria", "1ria"])
def test_a_release_is_called_as_a_service_can_be(name: str) -> None:
    """Helm takes names that Kubernetes refuses for a Service, when half of the release is there already."""
    done = run_helm("template", name, str(CHART))
    assert f"release {name}: must begin with a letter and have no dot" in done.stderr


def _every_level() -> Iterator[str]:
    def walk(values: Values, path: str) -> Iterator[str]:
        yield path
        for name, value in values.items():
            # Free names: labels, annotations, certificates.
            free = name in {"labels", "annotations", "anchors", "intermediates", "requests", "limits"}
            if isinstance(value, dict) and value and not (free and path):
                yield from walk(value, f"{path}.{name}".lstrip("."))

    yield from walk(yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8")), "")


@pytest.mark.parametrize("level", list(_every_level()))
def test_a_misspelt_value_is_refused(level: str) -> None:
    """At every level of the values a name that the chart does not know stops helm."""
    assert "additional properties 'colour' not allowed" in refused(_set(f"{level}.colour".lstrip("."), "red"))


def _objects(schema: Any) -> Iterator[Values]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for part in schema.values():
            yield from _objects(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _objects(part)


def test_the_schema_is_closed() -> None:
    """Every mapping of the schema either names all its keys or says of what kind any of them is."""
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    found = list(_objects(schema))
    assert len(found) > 60
    for one in found:
        assert one.get("additionalProperties") is False or "properties" not in one, one
        assert "additionalProperties" in one, one


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"tls": {"existingSecret": ""}}, "tls: name existingSecret, or enable certManager"),
        (_set("tls.certManager", ON), "exclude each other"),
        (
            {"tls": {"existingSecret": "", "certManager": {"enabled": True}}},
            "tls.certManager.issuerRef.name: is missing",
        ),
        (
            merged(OUTSIDE, {"tls": {"certManager": {"duration": "720h"}}}),
            "tls.certManager.renewBefore: is not before the end of duration",
        ),
        (_set("sealing.next", "node.key"), "sealing: an entry stands twice"),
        (_set("sealing", {"next": "b", "old": ["b"]}), "sealing: an entry stands twice"),
        (
            _set("sealing.token.module", "/usr/lib/token.so"),
            "sealing.token.pin.existingSecret: is missing",
        ),
        (
            _set("sealing.token.pin.existingSecret", "pin"),
            "sealing.token.pin.existingSecret: is not used",
        ),
        ({"replicas": 2}, "replicas: SQLite has one process"),
        (_set("autoscaling", ON), "autoscaling.enabled: SQLite has one process"),
        (
            _set("redis", {"enabled": True, "auth": {"existingSecret": "a"}}),
            "redis.enabled: nobody would use it",
        ),
        (_set("storage.kind", "redis"), "storage.redis.addresses: name your Redis"),
        (merged(OWN_REDIS, EXTERNAL_REDIS), "storage.redis.addresses: the chart knows"),
        (
            merged(OWN_REDIS, _set("storage.redis.replicas", 1)),
            "storage.redis.replicas: the chart's own Redis",
        ),
        (merged(OWN_REDIS, _set("redis.auth.existingSecret", "")), "redis.auth.existingSecret: is missing"),
        (
            merged(OWN_REDIS, _set("redis.maxMemory", "2gb")),
            "redis.resources.limits.memory: must be more than redis.maxMemory",
        ),
        (_set("storage.redis.addresses", ["r:1"]), "storage.redis.addresses: are not used"),
        (_set("limits.counter", ON), "limits.counter.addresses: name a Redis"),
        (_set("limits.counter.addresses", ["r:1"]), "limits.counter.addresses: are not used"),
        (
            merged(EXTERNAL_REDIS, _set("storage.redis.mode", "sentinel")),
            "storage.redis.master: mode sentinel",
        ),
        (merged(EXTERNAL_REDIS, _set("storage.redis.master", "m")), "belong to mode sentinel"),
        (
            merged(EXTERNAL_REDIS, _set("storage.redis.addresses", ["a:1", "b:2"])),
            "storage.redis.addresses: mode server has one",
        ),
        (
            merged(EXTERNAL_REDIS, _set("storage.redis", {"mode": "cluster", "database": 1})),
            "storage.redis.database: a Cluster has database 0",
        ),
        (
            merged(EXTERNAL_REDIS, _set("storage.redis.tls", {"enabled": True, "clientCertificate": True})),
            "storage.redis.tls.existingSecret: clientCertificate needs it",
        ),
        (
            merged(EXTERNAL_REDIS, _set("autoscaling", {"enabled": True, "minReplicas": 9})),
            "minReplicas is more than maxReplicas",
        ),
        (
            merged(EXTERNAL_REDIS, {"replicas": 3}, _set("autoscaling", ON)),
            "replicas: is not used; autoscaling",
        ),
        (
            merged(EXTERNAL_REDIS, {"replicas": 3}, _set("podDisruptionBudget.maxUnavailable", 3)),
            "podDisruptionBudget.maxUnavailable: lets all 3 processes be taken away at once",
        ),
        (_set("audit.existingClaim", "log"), "audit.existingClaim: is not used"),
        (
            merged(EXTERNAL_REDIS, _set("audit", {"existingClaim": "log", "claimEach": True})),
            "audit.existingClaim: is not used",
        ),
        (_set("audit", {"claimEach": True}), "audit.claimEach: is not used"),
        (
            merged(
                EXTERNAL_REDIS,
                _set("audit.accessMode", "ReadWriteOnce"),
                _set("topologySpread.machines", "DoNotSchedule"),
            ),
            "audit.accessMode: a ReadWriteOnce volume is on one machine",
        ),
        (_set("movingFrom.kind", "sqlite"), "movingFrom.kind: from SQLite to SQLite"),
        (
            merged(EXTERNAL_REDIS, _set("movingFrom.kind", "sqlite")),
            "movingFrom.sqlite.existingClaim: is missing",
        ),
        (_set("movingFrom.sqlite.existingClaim", "c"), "movingFrom.sqlite.existingClaim: is not used"),
        (_set("movingFrom.kind", "redis"), "movingFrom.redis.addresses: name the Redis"),
        (_set("movingFrom.redis.addresses", ["r:1"]), "movingFrom.redis.addresses: are not used"),
        (
            _set("movingFrom", {"kind": "redis", "redis": {"addresses": ["r:1", "s:1"]}}),
            "movingFrom.redis.addresses: mode server has one",
        ),
        (
            merged(
                EXTERNAL_REDIS,
                _set("movingFrom", {"kind": "sqlite", "sqlite": {"existingClaim": "c"}}),
                {"replicas": 2},
            ),
            "while SQLite is moved away from there is one process",
        ),
        (_set("limits.requestTimeout", "5s"), "trust.revocation.timeout: is more than a third"),
        (
            _set("capsules", {"enabled": True, "estonia": True, "revocation": {"timeout": "4s"}}),
            "capsules.revocation.timeout: is more than a third",
        ),
        (_set("sessions", {"required": True}), "sessions.authServers: name one"),
        (
            _set("sessions.authServers", [{"issuer": "a", "keys": '{"keys": []}'}] * 2),
            "sessions.authServers: an issuer stands twice",
        ),
        (_set("sessions.life", "2d"), "sessions.life: is 24h at most"),
        (_set("expiry.max", "1d"), "expiry: default is longer than max"),
        (_set("capsules.expiry.default", "2000d"), "capsules.expiry: default is longer than max"),
        (_set("capsules", ON), "capsules: name anchors, or set estonia"),
        (_set("capsules", {"enabled": True, "port": 8443}), "capsules.port: is service.port already"),
        (
            _set("uploads.senders", [{"name": "Haigla"}]),
            "uploads.senders[0]: needs tokenSHA256 or certificate",
        ),
        (
            _set("uploads.senders", [{"name": "Haigla", "tokenSHA256": "ab" * 32}] * 2),
            "uploads.senders: two have the same name or the same token",
        ),
        (
            merged(_set("ingress", ON), _set("node.publicURL", "https://192.0.2.7")),
            "node.publicURL: ingress and gateway tell nodes apart by a DNS name",
        ),
        (
            _set(
                "ingress",
                {"enabled": True, "annotations": {"nginx.ingress.kubernetes.io/ssl-passthrough": None}},
            ),
            "ingress.annotations: none says that TLS is passed through",
        ),
        (_set("gateway", ON), "gateway.parentRefs: name a Gateway"),
        (_set("service.externalTrafficPolicy", "Local"), "service.externalTrafficPolicy: is for NodePort"),
        (_set("monitoring.serviceMonitor", ON), "networkPolicy.metrics: let your Prometheus in"),
    ],
)
def test_what_does_not_go_together_is_refused(values: Values, said: str) -> None:
    """Values that contradict each other stop helm, and the message says which and why."""
    assert said in refused(values)


def test_somebody_must_be_trusted() -> None:
    """A node that believes no certificate could give nobody anything."""
    values = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    values["trust"] = {"anchors": {}}
    done = run_helm("template", "ria", str(CHART), values=values, example=False)
    assert "trust: name anchors, or set estonia" in done.stderr


def test_all_mistakes_are_told_at_once() -> None:
    """Whoever made three mistakes hears of three."""
    said = refused({"replicas": 2}, _set("expiry.max", "1d"), _set("gateway", ON))
    assert said.count("\n- ") == 3
