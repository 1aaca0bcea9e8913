# SPDX-License-Identifier: MIT
"""What the chart's NetworkPolicies let through, read as somebody would who sits in one of its pods."""

from ipaddress import ip_address, ip_network

import pytest
from factories.chart import OWN_REDIS, render
from factories.chart_matrix import MATRIX, SENTINELS, WATCHED

from osak.shares.certificates.sources import may_be_asked


def test_nothing_passes_that_no_policy_allows() -> None:
    """All pods of the release are closed both ways; Redis hears the node alone and talks to nobody."""
    release = render(OWN_REDIS)
    closed = release.one("NetworkPolicy", "ria-default-deny")["spec"]
    assert closed["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & set(closed)
    redis = release.one("NetworkPolicy", "ria-redis")["spec"]
    assert "egress" not in redis
    (rule,) = redis["ingress"]
    (peer,) = rule["from"]
    assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "node"
    node = release.one("NetworkPolicy")["spec"]
    assert [rule["ports"][0]["port"] for rule in node["ingress"]] == [8443]
    names, to_redis, to_authorities = node["egress"]
    assert [peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for peer in to_redis["to"]] == [
        "redis",
        "counter",
    ]
    assert [port["port"] for port in to_authorities["ports"]] == [80, 443]
    assert [port["port"] for port in names["ports"]] == [53, 53]


def test_authorities_are_public_or_named() -> None:
    """A node reaches at ports 80 and 443 what it may ask, and no neighbour, metadata or API."""
    networks = {"revocation": {"networks": ["10.2.0.0/16", "10.9.0.7", "fd00::7"]}}
    (_, authorities) = render({"trust": networks}).one("NetworkPolicy")["spec"]["egress"]
    blocks = [peer["ipBlock"] for peer in authorities["to"]]

    def reached(address: str) -> bool:
        found = ip_address(address)
        return any(
            found in ip_network(block["cidr"])
            and not any(found in ip_network(hole) for hole in block.get("except", ()))
            for block in blocks
        )

    asked = [ip_network(one) for one in networks["revocation"]["networks"]]
    for address in ("192.0.2.1", "195.80.123.4", "10.2.3.4", "10.9.0.7", "fd00::7", "2a02:88::1"):
        assert reached(address), address
    for address in (
        *("169.254.169.254", "10.96.0.1", "10.9.0.8", "172.20.0.1", "192.168.1.1", "100.64.0.1", "127.0.0.1"),
        *("fd00::8", "fd00:ec2::254", "fe80::1", "::1", "224.0.0.1", "255.255.255.255"),
    ):
        assert not reached(address), address
        assert not may_be_asked(address, asked)


@pytest.mark.parametrize(
    ("endpoint", "port"),
    [
        ("http://collector/v1/traces", 80),
        ("https://collector.internal/v1/traces", 443),
        ("https://[fd00::1]:4318/v1/traces", 4318),
        ("http://[fd00::1]/v1/traces", 80),
    ],
)
def test_traces_get_out(endpoint: str, port: int) -> None:
    """Who names a collector need not open its port too: else all spans were dropped in silence."""
    values = {"traces": {"endpoint": endpoint}, "trust": {"revocation": {"mode": "off"}}}
    _, collector = render(values).one("NetworkPolicy")["spec"]["egress"]
    assert collector == {"ports": [{"protocol": "TCP", "port": port}]}


def test_nobody_is_asked_when_nobody_need_be() -> None:
    """A node over SQLite that asks no authority reaches nothing but names."""
    (names,) = render(MATRIX["sqlite-without-revocation"]).one("NetworkPolicy")["spec"]["egress"]
    assert [port["port"] for port in names["ports"]] == [53, 53]


def test_names_can_be_resolved_elsewhere() -> None:
    """Policies see the port of the pod that resolves names, which need not be its Service's."""
    release = render({"networkPolicy": {"dnsPorts": [5353]}})
    for name in ("ria", "ria-test"):
        names = release.one("NetworkPolicy", name)["spec"]["egress"][0]
        assert names["ports"] == [{"protocol": kind, "port": 5353} for kind in ("UDP", "TCP")]


def test_policies_let_through_what_is_named() -> None:
    """Clients, Prometheus, an outside Redis with its ports, and what else the operator names."""
    spec = render(SENTINELS, WATCHED).one("NetworkPolicy")["spec"]
    public, admin = spec["ingress"]
    assert public["from"][0] == WATCHED["networkPolicy"]["clients"][0]
    # `helm test` is a client too.
    assert public["from"][1]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "test"
    assert admin["from"] == WATCHED["networkPolicy"]["metrics"]
    _, redis, authorities, collector, extra = spec["egress"]
    assert authorities["to"] == WATCHED["networkPolicy"]["authorities"]
    assert collector == {
        "ports": [{"protocol": "TCP", "port": 4318}],
        "to": WATCHED["networkPolicy"]["collector"],
    }
    assert [port["port"] for port in redis["ports"]] == [6379, 26379]
    assert redis["to"] == WATCHED["networkPolicy"]["redis"]
    assert extra == WATCHED["networkPolicy"]["extraEgress"][0]
