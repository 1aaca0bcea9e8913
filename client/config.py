# SPDX-License-Identifier: MIT
"""The client's YAML: which groups of servers there are, how long to wait, how much to accept.

Which file is read is for ``config_file`` to say; the environment gives values for ``${NAME}`` in it.
Without any file the client still works for everything that needs no server: see ``configuration``.
"""

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Self

from pydantic import Field, create_model, model_validator

from osak.client.capsule_server.settings import CapsuleServer
from osak.client.config_file import config_path
from osak.client.container.limits import Limits
from osak.client.directory.settings import DirectorySettings
from osak.client.errors import UsageError
from osak.client.identity.settings import CredentialSettings
from osak.client.recipient_policy import PolicySettings
from osak.coordinator import Group, Timeouts
from osak.shares.certificates.settings import TrustSettings
from osak.shares.configuration import Settings, load_settings
from osak.shares.errors import ConfigurationError

_limit_fields: dict[str, Any] = {
    field.name: (int, Field(default=field.default, gt=0)) for field in fields(Limits)
}
LimitSettings = create_model("LimitSettings", __base__=Settings, **_limit_fields)
LimitSettings.__doc__ = "The YAML's ``limits``: the fields of ``Limits``, same names and units."


class ClientConfig(Settings):
    """Everything the client reads from YAML.

    Attributes:
        groups: share servers by group name.
        default_group: the group that ``--to`` uses when none is named; the only one if there is one.
        capsule_servers: capsule servers by the id that containers name them by.
        trust: to whose certificates one may encrypt; None: to any.
        directory: where people's certificates are looked up; None where nobody is.
        policy: what people get for what they have.
        credentials: what cards and eID services need beside their owners.
        timeouts: how long to wait for servers.
        limits: how much a container may ask of its reader.
    """

    groups: dict[str, Group] = Field(default_factory=dict)
    default_group: str | None = None
    capsule_servers: dict[str, CapsuleServer] = Field(default_factory=dict)
    trust: TrustSettings | None = None
    directory: DirectorySettings | None = None
    policy: PolicySettings = PolicySettings()
    credentials: CredentialSettings = CredentialSettings()
    timeouts: Timeouts = Timeouts()
    limits: LimitSettings = LimitSettings()

    @model_validator(mode="after")
    def _default_group_exists(self) -> Self:
        if self.default_group is not None and self.default_group not in self.groups:
            raise ValueError(f"default_group {self.default_group!r} is not one of groups")
        return self

    @model_validator(mode="after")
    def _policy_fits(self) -> Self:
        server = self.policy.capsule_server
        if server is not None and server not in self.capsule_servers:
            raise ValueError(f"policy.capsule_server {server!r} is not one of capsule_servers")
        return self

    def group(self, name: str | None) -> tuple[str, Group]:
        """Name and group to encrypt over.

        Raises:
            UsageError: there is no such group, or none was named and there is no default.
        """
        chosen = name or self.default_group or (next(iter(self.groups)) if len(self.groups) == 1 else None)
        if chosen is None:
            known = ", ".join(self.groups) or "none; add one with: osak group add URL --group NAME"
            raise UsageError(
                f"which group of servers? Use --group NAME or set default_group (groups: {known})"
            )
        if chosen not in self.groups:
            raise UsageError(
                f"no group {chosen!r} in the configuration (groups: {', '.join(self.groups) or 'none'})"
            )
        return chosen, self.groups[chosen]

    def capsule_server(self, server_id: str) -> CapsuleServer:
        """The capsule server to encrypt through.

        Raises:
            UsageError: there is no such server.
        """
        if server_id not in self.capsule_servers:
            known = ", ".join(self.capsule_servers) or "none"
            raise UsageError(
                f"no capsule server {server_id!r} in the configuration (capsule_servers: {known})"
            )
        return self.capsule_servers[server_id]

    def container_limits(self) -> Limits:
        """The limits as the container package takes them."""
        return Limits(**self.limits.model_dump())


def load_client_config(given: Path | None, environment: Mapping[str, str] = os.environ) -> ClientConfig:
    """Read the configuration in force; the empty one if there is none.

    Raises:
        ConfigurationError: the file cannot be read, or has mistakes (all are listed).
    """
    path = config_path(given, environment)
    if path is None:
        return ClientConfig()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigurationError(str(path), [f"cannot be read: {reason}"]) from error
    return load_settings(text, ClientConfig, source=str(path), environment=environment, folder=path.parent)
