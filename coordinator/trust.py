# SPDX-License-Identifier: MIT
"""Which servers a recipient's ticket may go to.

A container is written by a stranger, so its URLs decide nothing: a placement leads to a server of a
configured group, or nowhere. It matches by URL in canonical form, or by the server's id when the
configuration has moved that id to a new URL; then the configured URL is used. Servers that the user
chose to take from the container itself (``extra``) match by URL alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from osak.coordinator.errors import UnknownServerError
from osak.coordinator.group import Group, Server
from osak.coordinator.outcome import Outcome, Status
from osak.coordinator.placement import Placement, Receipt
from osak.shares.errors import MessageError
from osak.shares.protocol.urls import ServerURL

_MAX_SHOWN_CHARACTERS = 200
_MAX_HOST_SHOWN = 58  # beside a hyphen and a port in an id of 64 characters


def resolve(
    placement: Placement | Receipt,
    groups: Mapping[str, Group],
    *,
    group: str = "",
    extra: Sequence[Server] = (),
) -> Server:
    """Find the trusted server that a placement means.

    Args:
        placement: as the container (or a receipt) names it.
        groups: the configured groups by name.
        group: the group's name in the container; breaks ties, nothing more.
        extra: servers trusted for this container only.

    Raises:
        UnknownServerError: no configured server fits, or an id means different servers in different groups.
    """
    try:
        url = ServerURL.parse(placement.server_url)
    except MessageError as error:
        raise UnknownServerError([describe_placement(placement)]) from error
    known = list(_servers(groups, group))
    for server in [*known, *extra]:
        if server.url == url:
            return server
    by_id = [server for server in known if placement.server_id and server.id == placement.server_id]
    in_hinted_group = group in groups and any(server in groups[group].servers for server in by_id[:1])
    if by_id and (in_hinted_group or len({server.url for server in by_id}) == 1):
        return by_id[0]
    raise UnknownServerError([describe_placement(placement)])


def resolve_known(
    placements: Iterable[Placement],
    groups: Mapping[str, Group],
    *,
    group: str = "",
    extra: Sequence[Server] = (),
) -> dict[Placement, Server]:
    """``resolve`` for all of a container's placements; those of unknown servers are left out."""
    found: dict[Placement, Server] = {}
    for placement in placements:
        try:
            found[placement] = resolve(placement, groups, group=group, extra=extra)
        except UnknownServerError:
            continue
    return found


def server_named_by_container(placement: Placement) -> Server:
    """A ``Server`` for a placement that no group knows; only when the user said to trust the container.

    It is verified against the system's certificate authorities.

    Raises:
        UnknownServerError: the URL is not one.
    """
    try:
        url = ServerURL.parse(placement.server_url)
        # Not the id in the container: a stranger could give its server the name of one that is known.
        host, port = url.host[:_MAX_HOST_SHOWN], url.port
        name = f"{host.replace(':', '-').strip('-')}-{port}"
        return Server(id=name, organisation=f"{host}:{port}, from the container", url=url)
    except ValueError as error:
        raise UnknownServerError([describe_placement(placement)]) from error


def outcome_of_unknown(placement: Placement) -> Outcome:
    """What becomes of a placement without a trusted server."""
    detail = "is in no configured group; it was not contacted"
    return Outcome(describe_placement(placement), "", Status.UNKNOWN, detail, 0.0)


def describe_placement(placement: Placement | Receipt) -> str:
    """A placement's server as the container spells it, safe to show on a terminal."""
    shown = f"{placement.server_id} ({placement.server_url})" if placement.server_id else placement.server_url
    return "".join(letter if letter.isprintable() else "?" for letter in shown[:_MAX_SHOWN_CHARACTERS])


def _servers(groups: Mapping[str, Group], first: str) -> Iterator[Server]:
    """All configured servers, those of the group named ``first`` before the others."""
    if first in groups:
        yield from groups[first].servers
    for name, group in groups.items():
        if name != first:
            yield from group.servers
