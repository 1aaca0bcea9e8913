# SPDX-License-Identifier: MIT
"""How an operator writes the section ``storage``: which backend keeps shares and capsules, and where it is.

``kind`` chooses the class. Nothing is opened or asked here; ``storage`` does that. Passwords come from files
alone, so that none stands in a YAML that people mail around.
"""

import re
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from osak.node.setting_types import ExistingFile, FilePath
from osak.shares.configuration import Settings

_REDIS_ADDRESS: Final = re.compile(
    r"unix:(?P<socket>/[^\0]+)|(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})", re.ASCII
)


class SQLiteStorageSettings(Settings):
    """Shares in one SQLite file; a 201 means durable."""

    kind: Literal["sqlite"]
    path: FilePath = Field(description="the database file; made on first start, readable by its owner only")


class MemoryStorageSettings(Settings):
    """Shares in memory, gone when the process ends: for tests only."""

    kind: Literal["memory"]


class RedisAddress(NamedTuple):
    """Where a Redis or a Sentinel listens: a host and port, or a socket's path with an empty host."""

    host: str
    port: int
    socket: str = ""

    def __str__(self) -> str:
        return f"unix:{self.socket}" if self.socket else f"{self.host}:{self.port}"


def parse_redis_address(value: Any) -> RedisAddress:
    """Read ``HOST:PORT`` or ``unix:/PATH``.

    Raises:
        ValueError: any other form.
    """
    if isinstance(value, RedisAddress):
        return value
    found = _REDIS_ADDRESS.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found["port"] or 0) > 65535:
        raise ValueError("an address is HOST:PORT or unix:/PATH, for example redis.internal:6379")
    if found["socket"]:
        return RedisAddress("", 0, found["socket"])
    return RedisAddress(found["host"].strip("[]"), int(found["port"]))


class RedisTLSSettings(Settings):
    """TLS to Redis, and to Sentinels if there are any. Names in certificates are always checked."""

    ca_file: ExistingFile | None = Field(None, description="PEM; left out: the system's authorities")
    certificate_file: ExistingFile | None = Field(None, description="PEM: the node's own certificate")
    key_file: ExistingFile | None = Field(None, description="PEM: its private key, not encrypted")

    @model_validator(mode="after")
    def _is_pair(self) -> "RedisTLSSettings":
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file go together")
        return self


class RedisSettings(Settings):
    """How to reach a Redis 6.2 or newer: a server, the master behind Sentinels, or a Cluster."""

    mode: Literal["server", "sentinel", "cluster"] = Field(
        "server", description="one server, a master that Sentinels watch, or a Redis Cluster"
    )
    addresses: tuple[
        Annotated[
            RedisAddress,
            PlainValidator(parse_redis_address),
            WithJsonSchema({"type": "string", "pattern": "^(unix:/.+|.+:[0-9]+)$"}),
        ],
        ...,
    ] = Field(
        min_length=1, description="HOST:PORT of the server, of the Sentinels, or of some nodes of the Cluster"
    )
    master: str | None = Field(
        None, min_length=1, description="mode sentinel: what Sentinels call the master"
    )
    database: int = Field(0, ge=0, description="number of the database; a Cluster has 0 alone")
    username: str | None = Field(None, min_length=1, description="ACL user; left out: the default user")
    password_file: ExistingFile | None = Field(None, description="file with the password alone")
    sentinel_username: str | None = Field(None, min_length=1, description="ACL user at the Sentinels")
    sentinel_password_file: ExistingFile | None = Field(None, description="file with the Sentinels' password")
    tls: RedisTLSSettings | None = Field(None, description="left out: no TLS")
    timeout_seconds: float = Field(2, gt=0, le=60, description="until Redis must have answered")
    max_connections: int = Field(64, ge=1, le=10_000, description="connections, and requests at once")

    @model_validator(mode="after")
    def _fits_mode(self) -> Self:
        sentinel = (self.master, self.sentinel_username, self.sentinel_password_file)
        if self.mode == "sentinel" and self.master is None:
            raise ValueError("mode sentinel needs master")
        if self.mode != "sentinel" and sentinel != (None, None, None):
            raise ValueError("master and sentinel_… belong to mode sentinel")
        if self.mode == "server" and len(self.addresses) > 1:
            raise ValueError("mode server has one address; for several there are sentinel and cluster")
        if self.mode != "server" and any(address.socket for address in self.addresses):
            raise ValueError("unix: belongs to mode server")
        if self.mode == "cluster" and self.database:
            raise ValueError("a Cluster has database 0 alone")
        return self


class RedisStorageSettings(RedisSettings):
    """Shares in Redis: many processes of one node share it."""

    kind: Literal["redis"]
    replicas: int = Field(
        0, ge=0, le=16, description="how many replicas must have a write before it is acknowledged"
    )
    allow_volatile: bool = Field(
        default=False, description="start with a Redis that can lose what it acknowledged: for trials only"
    )


StorageSettings = SQLiteStorageSettings | MemoryStorageSettings | RedisStorageSettings
