# SPDX-License-Identifier: MIT
"""Which configuration holds for a piece of work, and what the use cases ask of it.

Without any file everything has its default, and the library that reads settings is not even loaded
before something of servers is asked for: what needs no server starts quickly. What the YAML may say
stands in ``config``.
"""

from collections.abc import Mapping
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from osak.client.container import Limits

if TYPE_CHECKING:
    from osak.client.capsule_server.settings import CapsuleServer
    from osak.client.config import ClientConfig
    from osak.client.directory.settings import DirectorySettings
    from osak.client.identity.settings import CredentialSettings
    from osak.client.recipient_policy import PolicySettings
    from osak.coordinator import Group, Timeouts
    from osak.shares.certificates.settings import TrustSettings


class Configuration(Protocol):
    """Groups, servers, timeouts and limits; ``ClientConfig`` is one."""

    @property
    def groups(self) -> "Mapping[str, Group]":
        """Share servers by group name."""

    @property
    def capsule_servers(self) -> "Mapping[str, CapsuleServer]":
        """Capsule servers by the id that containers name them by."""

    @property
    def trust(self) -> "TrustSettings | None":
        """To whose certificates one may encrypt; None: to any."""

    @property
    def directory(self) -> "DirectorySettings | None":
        """Where people's certificates are looked up; None where nobody is."""

    @property
    def policy(self) -> "PolicySettings":
        """What people get for what they have."""

    @property
    def credentials(self) -> "CredentialSettings":
        """What cards and eID services need beside their owners."""

    @property
    def timeouts(self) -> "Timeouts":
        """How long to wait for servers."""

    def group(self, name: str | None) -> "tuple[str, Group]":
        """Name and group to encrypt over.

        Raises:
            UsageError: there is no such group, or none was named and there is no default.
        """

    def capsule_server(self, server_id: str) -> "CapsuleServer":
        """The capsule server to encrypt through.

        Raises:
            UsageError: there is no such server.
        """

    def container_limits(self) -> Limits:
        """How much a container may ask of its reader."""


def configuration_in_force(given: "str | PathLike[str] | Configuration | None") -> Configuration:
    """A configuration as it is given, or read from a file.

    Args:
        given: one; the path of a YAML file; or None for ``$OSAK_CONFIG``, else ``./osak.yaml``, else the
            user's own file, else no file at all.

    Raises:
        ConfigurationError: the file cannot be read, or has mistakes (all are listed).
    """
    if given is not None and not isinstance(given, str | PathLike):
        return given
    from osak.client.config_file import config_path  # noqa: PLC0415 - only where a file is looked for

    path = config_path(None if given is None else Path(given))
    if path is None:
        return _Defaults()
    from osak.client.config import load_client_config  # noqa: PLC0415 - only where there is a file

    return load_client_config(path)


class _Defaults:
    """No file: ``ClientConfig()``, made when something is asked that is not the same for everybody."""

    @cached_property
    def _settings(self) -> "ClientConfig":
        from osak.client.config import ClientConfig  # noqa: PLC0415 - see the docstring above

        return ClientConfig()

    @property
    def groups(self) -> "Mapping[str, Group]":
        return self._settings.groups

    @property
    def capsule_servers(self) -> "Mapping[str, CapsuleServer]":
        return self._settings.capsule_servers

    @property
    def trust(self) -> "TrustSettings | None":
        return None

    @property
    def directory(self) -> "DirectorySettings | None":
        return self._settings.directory

    @property
    def policy(self) -> "PolicySettings":
        return self._settings.policy

    @property
    def credentials(self) -> "CredentialSettings":
        return self._settings.credentials

    @property
    def timeouts(self) -> "Timeouts":
        return self._settings.timeouts

    def group(self, name: str | None) -> "tuple[str, Group]":
        return self._settings.group(name)

    def capsule_server(self, server_id: str) -> "CapsuleServer":
        return self._settings.capsule_server(server_id)

    def container_limits(self) -> Limits:
        return Limits()
