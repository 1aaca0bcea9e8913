# SPDX-License-Identifier: MIT
"""The administrator's words: which servers make a group, how they are trusted, how long to wait.

These are the values of ``groups.<name>`` and ``timeouts`` in the client's YAML, checked once when it
is read. A group's name is its key there. URLs are kept in canonical form, so equal means the same
server however it was spelt.
"""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from osak.coordinator.upload_credential import ExistingFile, UploadCredential
from osak.shares.configuration import Settings
from osak.shares.errors import MessageError
from osak.shares.protocol.strict_json import decode_base64
from osak.shares.setting_types import URL, Duration, OrganisationName

MAX_SERVERS = 255
# The list of audiences travels in one HTTP header of at most 8000 characters (shares.protocol.ticket):
# that is room for about 80 of them beside a long RSA signature.
MAX_TICKET_AUDIENCES = 64
MAX_THRESHOLD = MAX_TICKET_AUDIENCES  # one ticket must name t servers
PIN_BYTES = 32

_SERVER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


def _check_pin(value: str) -> str:
    try:
        pin = decode_base64(value)
    except MessageError:
        pin = b""
    if len(pin) != PIN_BYTES:
        raise ValueError("a pin is the base64 of the SHA-256 of the server's public key: 44 characters")
    return value


def _check_id(value: str) -> str:
    if not _SERVER_ID.fullmatch(value):
        raise ValueError("an id is 1 to 64 letters, digits, dots, hyphens or underscores")
    return value


class TLSSettings(Settings):
    """How a server's certificate is trusted.

    With neither value: the system's certificate authorities. With ``ca_file`` only those in the file.
    With ``pin_sha256`` the server's own key must be that one: in addition to ``ca_file``, or alone
    (then name and validity of the certificate do not matter; the key is the identity).

    Attributes:
        ca_file: PEM certificates; a relative path starts at the YAML's folder.
        pin_sha256: base64 SHA-256 of the SubjectPublicKeyInfo (RFC 7469, section 2.4).
    """

    ca_file: ExistingFile | None = None
    pin_sha256: Annotated[str, AfterValidator(_check_pin)] | None = None


class Server(Settings):
    """One organisation's share server.

    Attributes:
        id: short name, unique in its group; containers carry it, so it outlives the URL.
        organisation: who runs it, for people.
        url: base URL in canonical form; also what the server's tickets are made out to.
        tls: how its certificate is trusted.
        upload: how the sender is known there, if the server wants to know.
    """

    id: Annotated[str, AfterValidator(_check_id)]
    organisation: OrganisationName
    url: URL
    tls: TLSSettings = TLSSettings()
    upload: UploadCredential | None = None


class Group(Settings):
    """n servers and how many of them open a container.

    Attributes:
        threshold: t, how many shares open a container; 2 to n, at most 64.
        write_quorum: how many servers must have taken their share; None means all n; t to n.
        expires_after: how long servers keep a share; None leaves it to them.
        servers: n servers; a server's place is its share's index.
    """

    threshold: Annotated[int, Field(strict=True, ge=2, le=MAX_THRESHOLD)]
    write_quorum: Annotated[int, Field(strict=True, ge=2, le=MAX_SERVERS)] | None = None
    expires_after: Duration | None = None
    # Counted below: pydantic would count only the well-formed ones, and report a mistake that is none.
    servers: Annotated[tuple[Server, ...], Field(json_schema_extra={"minItems": 2, "maxItems": MAX_SERVERS})]

    @model_validator(mode="after")
    def _check_numbers(self) -> Self:
        count = len(self.servers)
        if not 2 <= count <= MAX_SERVERS:
            raise ValueError(f"a group has 2 to {MAX_SERVERS} servers, not {count}")
        if self.threshold > count:
            raise ValueError(f"threshold {self.threshold} is more than the {count} servers")
        if self.write_quorum is not None and not self.threshold <= self.write_quorum <= count:
            raise ValueError(f"write_quorum must be from threshold {self.threshold} to {count} servers")
        return self

    @model_validator(mode="after")
    def _check_unique(self) -> Self:
        for what, values in (
            ("id", [server.id for server in self.servers]),
            ("url", [str(server.url) for server in self.servers]),
        ):
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                raise ValueError(f"the same {what} for several servers: {', '.join(twice)}")
        return self


_Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]


class Timeouts(Settings):
    """How long to wait for servers; never counts the time a person takes to sign.

    Attributes:
        connect_seconds: TCP connection and TLS handshake.
        request_seconds: one call, connection included.
        hedge_after_seconds: after this a server counts as slow and a spare is asked too.
        overall_seconds: all network time of one piece of work.
    """

    connect_seconds: _Seconds = 5.0
    request_seconds: _Seconds = 10.0
    hedge_after_seconds: Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)] = 0.15
    overall_seconds: _Seconds = 30.0
