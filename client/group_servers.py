# SPDX-License-Identifier: MIT
"""Use cases around the servers of a group: ask who they are, write those that are trusted into the YAML."""

import asyncio
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from osak.client.config import ClientConfig
from osak.client.configuration import Configuration
from osak.client.errors import UsageError
from osak.client.event_loop import run
from osak.client.group_file import ServerEntry, add_servers
from osak.client.output import atomic_output
from osak.coordinator import Coordinator, Group, NodeCheck, Server, Timeouts, TLSSettings
from osak.coordinator.errors import CoordinatorError, TransportError
from osak.coordinator.transport.first_contact import read_pin
from osak.coordinator.transport.http import HTTPTransport
from osak.shares.configuration import load_settings
from osak.shares.errors import MessageError
from osak.shares.protocol.messages import NodeIdentity
from osak.shares.protocol.urls import ServerURL


def check_servers(group: Group, config: Configuration) -> tuple[NodeCheck, ...]:
    """Ask every server of a group who it is and whether it may be trusted."""
    return run(_check(group, config))


def meet_servers(urls: Sequence[str], ca_file: Path | None) -> list[ServerEntry]:
    """What each server says of itself, over a connection bound to the key it showed.

    Raises:
        UsageError: a URL that is none, or not the one that a server's tickets must name.
        CoordinatorError: a server cannot be reached or trusted, or is no share server; it is named.
    """
    return run(_meet([_server_url(url) for url in urls], ca_file))


def write_servers(path: Path, group: str, entries: Sequence[ServerEntry], threshold: int | None) -> None:
    """Add servers to a group in the YAML at ``path``; the file is replaced only if it is right then.

    Raises:
        UsageError: a new group without threshold, or YAML that cannot be edited as text.
        ConfigurationError: what it would become has mistakes.
        OutputError: it cannot be written.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    changed = add_servers(text, group, entries, threshold)
    load_settings(changed, ClientConfig, source=str(path), environment=os.environ, folder=path.parent)
    _replace(path.resolve(), changed.encode())


def _replace(path: Path, content: bytes) -> None:
    """Write a file anew; one that only its owner may read stays so."""
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
    with atomic_output(path, overwrite=True) as file:
        if mode is not None:
            os.fchmod(file.fileno(), mode)
        file.write(content)


def _server_url(text: str) -> ServerURL:
    try:
        return ServerURL.parse(text)
    except MessageError as error:
        raise UsageError(str(error)) from error


async def _check(group: Group, config: Configuration) -> tuple[NodeCheck, ...]:
    async with HTTPTransport(config.timeouts) as transport:
        coordinator = Coordinator(transport=transport, groups=config.groups, timeouts=config.timeouts)
        return await coordinator.check(group)


async def _meet(urls: list[ServerURL], ca_file: Path | None) -> list[ServerEntry]:
    async with HTTPTransport(Timeouts()) as transport:
        return list(await asyncio.gather(*(_meet_one(url, ca_file, transport) for url in urls)))


async def _meet_one(url: ServerURL, ca_file: Path | None, transport: HTTPTransport) -> ServerEntry:
    try:
        pin = await read_pin(url, Timeouts().connect_seconds)
        trust = TLSSettings(ca_file=ca_file, pin_sha256=pin)
        server = Server(id="new", organisation=url.host, url=url, tls=trust)
        identity: NodeIdentity = await transport.read_identity(server)
    except TransportError as error:
        raise CoordinatorError(f"{url} {error}") from error
    if identity.url not in (None, url):
        # Files encrypted over this URL could be stored, and never opened: tickets would name the wrong one.
        raise UsageError(f"{url} takes tickets for {identity.url} alone: add it by that URL")
    kept = str(trust.ca_file) if trust.ca_file else None
    return ServerEntry(identity.id, identity.organisation, str(url), pin, kept)
