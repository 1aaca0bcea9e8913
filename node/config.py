# SPDX-License-Identifier: MIT
"""What an operator writes into a node's YAML, and its one loader.

Every limit and duration has a default here and nowhere else. Durations are a number and a unit:
``300s``, ``10m``, ``12h``, ``3650d``. Relative paths start at the YAML's folder. A file that is named
must exist when the node starts, so that all mistakes are found at once and before the port opens.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import (
    ConfigDict,
    Field,
    PlainValidator,
    TypeAdapter,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from osak.node.rate_settings import RateSettings
from osak.node.sealing_settings import SealingSettings
from osak.node.session_settings import SessionSettings
from osak.node.setting_types import ExistingFile, FilePath
from osak.node.smart_id_settings import SmartIDTrust
from osak.node.storage_settings import RedisSettings, StorageSettings
from osak.node.trace_settings import TraceSettings
from osak.node.upload_settings import UploadSettings
from osak.shares.certificates.settings import PATIENCE, Anchor, RevocationSettings, TrustSettings
from osak.shares.configuration import Settings, load_settings
from osak.shares.errors import ConfigurationError
from osak.shares.protocol.messages import MAX_BODY_BYTES
from osak.shares.setting_types import URL, Duration, Network, OrganisationName, parse_duration

_NODE_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", re.ASCII)
_HOST_PORT = re.compile(r"(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})", re.ASCII)
Role = Literal["shares", "capsules"]
DEFAULT_ROLES: Final[tuple[Role, ...]] = ("shares",)
_TLS_MISSING: Final = (
    "a node speaks TLS only: name certificate_file and key_file (to try a node out, "
    "`osak node init --dev-tls` makes a self-signed pair)"
)


class ListenAddress(NamedTuple):
    """A host and port to listen on; port 0 lets the system choose."""

    host: str
    port: int


def parse_listen_address(text: Any) -> ListenAddress:
    """Read ``HOST:PORT``; an IPv6 host stands in brackets.

    Raises:
        ValueError: any other form.
    """
    found = _HOST_PORT.fullmatch(text) if isinstance(text, str) else None
    if found is None or int(found["port"]) > 65535:
        raise ValueError("an address is HOST:PORT, for example 0.0.0.0:8443 or [::1]:8443")
    return ListenAddress(found["host"].strip("[]"), int(found["port"]))


def check_node_name(text: Any) -> str:
    """Return ``text`` if it can be a node's short name.

    Raises:
        ValueError: any other form.
    """
    if not isinstance(text, str) or not _NODE_NAME.fullmatch(text):
        raise ValueError("a node's id is 1 to 32 lower-case letters, digits and hyphens inside")
    return text


def _parse_seconds(value: Any) -> int:
    return int(parse_duration(value).total_seconds())


def _duration(text: str, description: str) -> Any:
    """A field for a duration whose default stands in the schema as one would write it."""
    return Field(_parse_seconds(text), description=description, json_schema_extra={"default": text})


NodeName = Annotated[
    str,
    PlainValidator(check_node_name),
    WithJsonSchema({"type": "string", "pattern": f"^{_NODE_NAME.pattern}$"}),
]
Seconds = Annotated[
    int,
    PlainValidator(_parse_seconds),
    WithJsonSchema(TypeAdapter(Duration).json_schema()),
]
Address = Annotated[
    ListenAddress,
    PlainValidator(parse_listen_address),
    WithJsonSchema({"type": "string", "pattern": "^.+:[0-9]+$"}),
]


class TLSSettings(Settings):
    """The certificate that clients see."""

    certificate_file: ExistingFile = Field(description="PEM: the server's certificate, then its issuers")
    key_file: ExistingFile = Field(description="PEM: its private key, not encrypted")

    @model_validator(mode="before")
    @classmethod
    def _explain_missing(cls, values: Any) -> Any:
        if values == {}:
            raise ValueError(_TLS_MISSING)
        return values


class TicketTrustSettings(TrustSettings):
    """Which certificates may sign tickets."""

    smart_id: SmartIDTrust | None = None

    @field_validator("anchors", mode="before")
    @classmethod
    def _explain_empty(cls, anchors: Any) -> Any:
        if anchors == []:
            raise ValueError("name at least one CA certificate: without it nobody can fetch a share")
        return anchors


class LimitSettings(Settings):
    """What a stranger can make the node do at most."""

    nonce_life: Seconds = _duration("300s", "how old a nonce may be when it comes back")
    max_body_bytes: int = Field(
        MAX_BODY_BYTES, ge=512, le=MAX_BODY_BYTES, description="size of a request body"
    )
    request_timeout: Seconds = _duration("10s", "until a whole request must be read and answered")
    shutdown_timeout: Seconds = _duration("10s", "for requests under way when the node is stopped")
    idle_timeout: Seconds = _duration(
        "20s", "until the head of a request must be there, also of the next one"
    )
    handshake_timeout: Seconds = _duration("10s", "until a TLS handshake must be done")
    max_connections: int = Field(1000, ge=1, le=1_000_000, description="open connections of one port")
    max_connections_per_address: int = Field(
        100,
        ge=1,
        le=1_000_000,
        description="of these, one client address's (of IPv6, one /64's); trusted_proxies are not counted",
    )
    max_concurrent_requests: int = Field(256, ge=1, le=100_000, description="requests worked on at once")
    rates: RateSettings = Field(default_factory=RateSettings)
    counter: RedisSettings | None = Field(
        None, description="a Redis in which all processes of this node count together; left out: each alone"
    )
    trusted_proxies: tuple[Network, ...] = Field(
        (), description="whose X-Forwarded-For is believed; by default nobody's"
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _not_everybody(cls, proxies: tuple[Network, ...]) -> tuple[Network, ...]:
        if any(network.prefixlen == 0 for network in proxies):
            raise ValueError("whoever trusts all addresses lets each client choose its own: name the proxies")
        return proxies


class ExpirySettings(Settings):
    """How long shares live."""

    default: Seconds = _duration("3650d", "when the sender asks for nothing")
    max: Seconds = _duration("3650d", "when the sender asks for more")
    sweep_every: Seconds = _duration("60s", "how often expired rows are erased; they are invisible before")

    @model_validator(mode="after")
    def _in_order(self) -> "ExpirySettings":
        if self.default > self.max:
            raise ValueError("default is longer than max")
        return self


class AuditSettings(Settings):
    """The audit log; without it nothing that the node did can be proved."""

    folder: FilePath = Field(description="its segments; made on first start, one node process has it")


class AdminSettings(Settings):
    """Health and metrics: plain HTTP, so keep it on loopback or a private network."""

    listen: Address = Field(
        ListenAddress("127.0.0.1", 9443),
        description="HOST:PORT",
        json_schema_extra={"default": "127.0.0.1:9443"},
    )


class CapsuleExpirySettings(Settings):
    """How long capsules live; upstream's defaults."""

    default: Seconds = _duration("1095d", "when the sender asks for nothing")
    max: Seconds = _duration("1825d", "when the sender asks for more")

    @model_validator(mode="after")
    def _in_order(self) -> "CapsuleExpirySettings":
        if self.default > self.max:
            raise ValueError("default is longer than max")
        return self


class CapsuleSettings(Settings):
    """The role ``capsules``: uploads come to ``listen``, recipients fetch here with a client certificate."""

    fetch_listen: Address = Field(description="HOST:PORT where recipients fetch, by mutual TLS")
    anchors: tuple[Anchor, ...] = Field(
        min_length=1,
        description="PEM files: whose certificates may connect: roots, issuing CAs, or single certificates;"
        " or the word estonia: the issuers of its ID-cards, Mobile-ID and qualified Smart-ID",
    )
    revocation: RevocationSettings = Field(default_factory=RevocationSettings)
    expiry: CapsuleExpirySettings = Field(default_factory=CapsuleExpirySettings)


def _needs(role: Role, section: str) -> dict[str, Any]:
    """JSON Schema: a node of this role has this section. Without ``roles`` it keeps shares."""
    is_role: dict[str, Any] = {"properties": {"roles": {"contains": {"const": role}}}}
    if role not in DEFAULT_ROLES:
        is_role["required"] = ["roles"]
    return {"if": is_role, "then": {"required": [section]}}


class NodeConfig(Settings):
    """A node's whole configuration."""

    model_config = ConfigDict(
        json_schema_extra={"allOf": [_needs("shares", "trust"), _needs("capsules", "capsules")]}
    )

    id: NodeName = Field(description="short name in clients' YAML")
    organisation: OrganisationName = Field(description="who runs this node, for people")
    roles: tuple[Role, ...] = Field(DEFAULT_ROLES, min_length=1, description="what this node keeps")
    public_url: URL = Field(description="where clients reach this node; tickets are bound to it")
    listen: Address = Field(description="HOST:PORT")
    tls: TLSSettings
    storage: StorageSettings = Field(discriminator="kind")
    moving_from: StorageSettings | None = Field(
        None,
        discriminator="kind",
        description="an older storage whose shares and capsules `osak node migrate` carries over",
    )
    trust: TicketTrustSettings | None = Field(None, validate_default=True)
    capsules: CapsuleSettings | None = Field(None, validate_default=True)
    sessions: SessionSettings | None = None
    limits: LimitSettings = Field(default_factory=LimitSettings, validate_default=True)
    uploads: UploadSettings | None = None
    expiry: ExpirySettings = Field(default_factory=ExpirySettings)
    sealing: SealingSettings
    audit: AuditSettings | None = None
    admin: AdminSettings = Field(default_factory=AdminSettings)
    traces: TraceSettings | None = None

    @model_validator(mode="before")
    @classmethod
    def _keep_tls(cls, values: Any) -> Any:
        """Let ``TLSSettings`` say what is missing, beside all other mistakes."""
        return {**values, "tls": values.get("tls") or {}} if isinstance(values, dict) else values

    @field_validator("limits")
    @classmethod
    def _leaves_time_to_ask(cls, limits: LimitSettings, info: ValidationInfo) -> LimitSettings:
        for name in ("trust", "capsules"):
            section = info.data.get(name)  # none if it has mistakes of its own
            if section is None or section.revocation.mode == "off":
                continue
            if PATIENCE * section.revocation.timeout > timedelta(seconds=limits.request_timeout):
                raise ValueError(
                    f"request_timeout is less than {PATIENCE} times {name}.revocation.timeout: a request"
                    " would end before OCSP and a list have been tried"
                )
        return limits

    @field_validator("roles")
    @classmethod
    def _each_once(cls, roles: tuple[Role, ...]) -> tuple[Role, ...]:
        if len(set(roles)) != len(roles):
            raise ValueError("a role stands twice")
        return roles

    @field_validator("trust", "capsules")
    @classmethod
    def _belongs_to_role(cls, section: Any, info: ValidationInfo) -> Any:
        role = "shares" if info.field_name == "trust" else "capsules"
        roles = info.data.get("roles")
        if roles is None:  # they have a mistake of their own
            return section
        if section is None and role in roles:
            raise PydanticCustomError("missing", "is missing")
        if section is not None and role not in roles:
            raise ValueError(f"belongs to the role {role}, which is not one of roles")
        return section


def load_node_config(path: Path, environment: Mapping[str, str]) -> NodeConfig:
    """Read and check the YAML file at ``path``.

    Raises:
        ConfigurationError: every mistake at once.
        OSError: the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(str(path), ["not UTF-8 text"]) from error
    return load_settings(
        text, NodeConfig, source=str(path), environment=environment, folder=path.resolve().parent
    )
