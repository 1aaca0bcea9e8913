# SPDX-License-Identifier: MIT
"""By which address a client is counted: its own, or the one that a trusted proxy vouches for.

``X-Forwarded-For`` is read only when the connection comes from a configured proxy, and then from the
right: each trusted proxy vouches for the address before it, and the first one that is no proxy of ours is the
client. What stands further left anybody can write. An IPv6 client is its /64, which one line or
machine owns whole. Some proxies write the client's port too. A proxy's entry that is no address is a fault of
the proxy: then it is counted itself.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

_IPV6_CLIENT_PREFIX = 64
_CLIENTS_KEPT = 1024
UNKNOWN_CLIENT = "unknown"
# 192.0.2.7:4711, [2001:db8::1]:4711 and [2001:db8::1], to which no port belongs in any standard.
_WITH_PORT: Final = re.compile(r"\A(?:([0-9.]+):[0-9]{1,5}|\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?)\Z", re.ASCII)


def client_key(
    peer: str | None, forwarded: Sequence[str], proxies: Sequence[IPv4Network | IPv6Network]
) -> str:
    """The text under which a client is counted.

    Args:
        peer: address of the connection.
        forwarded: all values of ``X-Forwarded-For``, in order.
        proxies: whose values are believed.
    """
    client = _parse(peer or "")
    if client is None:
        return UNKNOWN_CLIENT
    if not any(client in network for network in proxies):
        return _key(client)
    chain = [item.strip() for value in forwarded for item in value.split(",")]
    while chain and any(client in network for network in proxies):
        before = _parse(_WITH_PORT.sub(r"\1\2", chain.pop()))
        if before is None:
            break
        client = before
    return _key(client)


def connection_key(peer: str | None, proxies: Sequence[IPv4Network | IPv6Network]) -> str | None:
    """The text under which a connection's client is counted; None for a proxy, behind which are many."""
    client = _parse(peer or "")
    if client is None:
        return UNKNOWN_CLIENT
    return None if any(client in network for network in proxies) else _key(client)


def _key(client: IPv4Address | IPv6Address) -> str:
    if isinstance(client, IPv6Address):
        return str(IPv6Network((client, _IPV6_CLIENT_PREFIX), strict=False))
    return str(client)


@lru_cache(maxsize=_CLIENTS_KEPT)
def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # ::ffff:192.0.2.7 is how a socket for both families shows IPv4.
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
