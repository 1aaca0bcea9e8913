# SPDX-License-Identifier: MIT
"""Types of settings that nodes and clients write alike in their YAML: URLs, durations, networks, names.

Each reads the text of a YAML file (or takes the value itself, from code), and says in JSON Schema
what it takes. What only one kind of program has stands with its settings.
"""

import re
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, Final

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from osak.shares.protocol.messages import MAX_NAME_CHARACTERS
from osak.shares.protocol.urls import ServerURL

_DURATION: Final = re.compile(r"([1-9][0-9]{0,6})\s*([smhdw])", re.ASCII)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_duration(value: Any) -> timedelta:
    """Read ``90s``, ``30m``, ``12h``, ``365d`` or ``52w``.

    Raises:
        ValueError: any other form.
    """
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("a duration is a number and a unit: 90s, 30m, 12h, 365d or 52w")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def parse_server_url(value: Any) -> ServerURL:
    """Read a server's base URL.

    Raises:
        ValueError: no such URL.
    """
    if isinstance(value, ServerURL):
        return value
    if not isinstance(value, str):
        raise ValueError("a URL is text that starts with https://")  # noqa: TRY004 - pydantic reports ValueError
    return ServerURL.parse(value)


def parse_network(value: Any) -> IPv4Network | IPv6Network:
    """Read one address or a network in CIDR form.

    Raises:
        ValueError: any other form.
    """
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    try:
        return ip_network(value if isinstance(value, str) else "")
    except ValueError as error:
        raise ValueError("expected an address or a network: 192.0.2.7, 10.0.0.0/8, 2001:db8::/32") from error


def check_organisation(value: Any) -> str:
    """Return ``value`` if it can be an organisation's name.

    Raises:
        ValueError: empty, too long or not printable.
    """
    usable = isinstance(value, str) and value.strip() and value.isprintable()
    if not usable or len(value) > MAX_NAME_CHARACTERS:
        raise ValueError(f"an organisation's name is 1 to {MAX_NAME_CHARACTERS} printable characters")
    return str(value)


def _write_duration(value: timedelta) -> str:
    return f"{int(value.total_seconds())}s"


Duration = Annotated[
    timedelta,
    PlainValidator(parse_duration),
    PlainSerializer(_write_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": rf"^{_DURATION.pattern}$"}),
]
URL = Annotated[
    ServerURL,
    PlainValidator(parse_server_url),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^https://"}),
]
Network = Annotated[
    IPv4Network | IPv6Network, PlainValidator(parse_network), WithJsonSchema({"type": "string"})
]
OrganisationName = Annotated[
    str,
    PlainValidator(check_organisation),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_NAME_CHARACTERS}),
]
