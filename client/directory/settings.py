# SPDX-License-Identifier: MIT
"""The directory of people's certificates as the administrator writes it: ``directory`` in the YAML."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    field_validator,
)

from osak.coordinator import TLSSettings
from osak.shares.certificates.settings import Anchor
from osak.shares.configuration import Settings
from osak.shares.protocol.urls import ServerURL
from osak.shares.setting_types import Duration

DEFAULT_LDAPS_PORT: Final = 636
MAX_BASE_CHARACTERS: Final = 255
MAX_CACHE_TIME: Final = timedelta(days=1)

_URL: Final = re.compile(r"ldaps://(?P<place>[^/?#@]+)/?", re.ASCII | re.IGNORECASE)
_PORT: Final = re.compile(r":[0-9]{1,5}$", re.ASCII)


@dataclass(frozen=True, slots=True)
class LDAPSURL:
    """Where a directory is, over TLS; there is no other way."""

    host: str
    port: int

    @classmethod
    def parse(cls, value: Any) -> "LDAPSURL":
        """Read ``ldaps://host`` or ``ldaps://host:port``.

        Raises:
            ValueError: anything else, above all ``ldap://``: anybody on the way could answer.
        """
        if isinstance(value, LDAPSURL):
            return value
        found = _URL.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise ValueError("a directory's URL is ldaps://host or ldaps://host:port")
        place = found["place"]
        if not _PORT.search(place):
            place = f"{place}:{DEFAULT_LDAPS_PORT}"
        server = ServerURL.parse(f"https://{place}")
        return cls(server.host, server.port)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ldaps://{host}:{self.port}"


def _check_base(value: str) -> str:
    if not value.isprintable() or "=" not in value:
        raise ValueError("a base is a distinguished name, such as dc=ESTEID,c=EE")
    return value


_URLSetting = Annotated[
    LDAPSURL,
    PlainValidator(LDAPSURL.parse),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^ldaps://"}),
]
_Seconds = Annotated[float, Field(gt=0, le=300, allow_inf_nan=False)]


class DirectorySettings(Settings):
    """A directory that anybody may ask, and how far it is believed.

    Attributes:
        url: ``ldaps://host``; the port is 636 if none is given.
        base: below which entry people are looked for.
        anchors: the authorities that issue people's certificates directly: what others issued is not used,
            whatever the directory says. PEM files (relative paths start at the YAML's folder), or the word
            ``estonia``.
        tls: how the directory's own certificate is trusted, as with a share server.
        connect_seconds: TCP connection and TLS handshake.
        answer_seconds: everything after that, for all people of one piece of work.
        cache_for: how long a program remembers what was found; never on disk, at most a day.
    """

    url: _URLSetting
    base: Annotated[str, Field(min_length=1, max_length=MAX_BASE_CHARACTERS), AfterValidator(_check_base)] = (
        "c=EE"
    )
    anchors: Annotated[tuple[Anchor, ...], Field(min_length=1)]
    tls: TLSSettings = TLSSettings()
    connect_seconds: _Seconds = 5.0
    answer_seconds: _Seconds = 10.0
    cache_for: Duration = timedelta(minutes=10)

    @field_validator("cache_for", mode="after")
    @classmethod
    def _bound_cache(cls, value: timedelta) -> timedelta:
        if value > MAX_CACHE_TIME:
            raise ValueError("what a directory said is remembered for a day at most: 24h")
        return value
