# SPDX-License-Identifier: MIT
"""By which address a client is counted."""

from ipaddress import ip_network

import pytest

from osak.node.limits.addresses import client_key

PROXIES = [ip_network("10.0.0.0/8"), ip_network("2001:db8:1::/48")]


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:2:3:4:5:6:7", "2001:db8:2:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        (None, "unknown"),
        ("/run/socket", "unknown"),
    ],
)
def test_without_proxies(peer: str | None, expected: str) -> None:
    """IPv4 is counted whole, IPv6 by /64, and what a stranger forwards is not looked at."""
    assert client_key(peer, [], []) == expected
    assert client_key(peer, ["198.51.100.1"], []) == expected
    assert client_key(peer, ["198.51.100.1"], PROXIES) == expected


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        (["192.0.2.7"], "192.0.2.7"),
        (["198.51.100.1, 192.0.2.7"], "192.0.2.7"),
        (["198.51.100.1", "192.0.2.7, 10.2.2.2"], "192.0.2.7"),
        (["2001:db8:2:3::4, 2001:db8:1::1"], "2001:db8:2:3::/64"),
        ([], "10.1.1.1"),
        (["nonsense"], "10.1.1.1"),
        (["192.0.2.7, nonsense, 10.2.2.2"], "10.2.2.2"),
        (["10.3.3.3"], "10.3.3.3"),
        (["192.0.2.7:4711"], "192.0.2.7"),
        (["198.51.100.1, [2001:db8:2:3::4]:4711, 10.2.2.2:80"], "2001:db8:2:3::/64"),
        (["[2001:db8:2:3::4]"], "2001:db8:2:3::/64"),
        (["192.0.2.7:port"], "10.1.1.1"),
        (["[192.0.2.7"], "10.1.1.1"),
        (["192.0.2.7:4711:4711"], "10.1.1.1"),
        (["192.0.2.7\n"], "192.0.2.7"),
        (['"192.0.2.7"'], "10.1.1.1"),
    ],
)
def test_behind_trusted_proxies(forwarded: list[str], expected: str) -> None:
    """The client is the last address that no proxy of ours has; what it wrote itself counts for nothing."""
    assert client_key("10.1.1.1", forwarded, PROXIES) == expected
