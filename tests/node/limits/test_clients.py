# SPDX-License-Identifier: MIT
"""Who is counted as whom when connections are counted, and that nothing is kept of who has none."""

from osak.node.config import LimitSettings
from osak.node.connection_telemetry import Refusal
from osak.node.limits.clients import ConnectedClients


def _clients(**settings: object) -> ConnectedClients:
    return ConnectedClients(LimitSettings.model_validate(settings))


def test_one_ipv6_network_is_one_client() -> None:
    """Whoever has a /64 has all its addresses; the next /64 is somebody else."""
    clients = _clients(max_connections_per_address=2)
    assert callable(clients.enter("2001:db8::1"))
    assert callable(clients.enter("2001:db8::2"))
    assert clients.enter("2001:db8::3") is Refusal.ADDRESS
    assert callable(clients.enter("2001:db8:0:1::1"))


def test_ipv4_over_a_socket_for_both() -> None:
    """An IPv4 client is the same one however the socket shows it."""
    clients = _clients(max_connections_per_address=1)
    assert callable(clients.enter("::ffff:192.0.2.7"))
    assert clients.enter("192.0.2.7") is Refusal.ADDRESS


def test_proxies() -> None:
    """A trusted proxy is not counted, in either family; whoever is unknown is counted together."""
    clients = _clients(
        max_connections_per_address=1, trusted_proxies=["192.0.2.0/28", "2001:db8:1::/48", "::1"]
    )
    for peer in ("192.0.2.7", "2001:db8:1:2::3", "::ffff:192.0.2.8", "::1"):
        for _ in range(3):
            assert callable(clients.enter(peer))
    assert len(clients) == 0
    assert callable(clients.enter(None))
    assert clients.enter("") is Refusal.ADDRESS


def test_who_opens_too_fast() -> None:
    """New connections are held to twice the rate of an address, however soon they end; others' are not."""
    now = [1000.0]
    limits = LimitSettings.model_validate(
        {"rates": {"per_address": "30/m"}, "trusted_proxies": ["192.0.2.9"]}
    )
    clients = ConnectedClients(limits, lambda: now[0])
    for _ in range(60):
        leave = clients.enter("192.0.2.1")
        assert callable(leave)
        leave()
    assert clients.enter("192.0.2.1") is Refusal.RATE
    assert callable(clients.enter("192.0.2.2"))
    for _ in range(100):
        assert callable(clients.enter("192.0.2.9"))
    now[0] += 1
    assert callable(clients.enter("192.0.2.1"))
    assert clients.enter("192.0.2.1") is Refusal.RATE


def test_a_rate_that_is_off() -> None:
    """Behind a balancer that counts itself, connections are not counted either."""
    clients = _clients(rates={"per_address": "off"})
    for _ in range(5000):
        leave = clients.enter("192.0.2.1")
        assert callable(leave)
        leave()


def test_leaving_twice() -> None:
    """A connection gives back one place, however often its end is told."""
    clients = _clients(max_connections_per_address=2)
    first, second = clients.enter("192.0.2.1"), clients.enter("192.0.2.1")
    assert callable(first)
    assert callable(second)
    first()
    first()
    assert callable(clients.enter("192.0.2.1"))
    assert clients.enter("192.0.2.1") is Refusal.ADDRESS


def test_who_has_left_is_forgotten() -> None:
    """No client without a connection takes memory."""
    clients = _clients(max_connections_per_address=2)
    leave = [clients.enter(f"192.0.2.{number % 50}") for number in range(100)]
    assert len(clients) == 50
    for one in leave:
        assert callable(one)
        one()
    assert len(clients) == 0
    assert callable(clients.enter("192.0.2.1"))
