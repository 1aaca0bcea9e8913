# SPDX-License-Identifier: MIT
"""JSON bodies on the wire, each a frozen dataclass with a strict reader.

Requests with unknown members are refused (a node must not half-understand what it stores); replies
may carry more than we know. The share's base64 is opaque to a node: 32 bytes for osak and for CDOC2,
up to 128 as upstream's OpenAPI allows.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from osak.shares.errors import MessageError
from osak.shares.protocol.recipient import check_recipient_id
from osak.shares.protocol.strict_json import decode_base64, encode_base64, parse_object, text_field
from osak.shares.protocol.times import parse_time, time_text
from osak.shares.protocol.urls import ServerURL, check_nonce

MIN_SHARE_BYTES = 32
MAX_SHARE_BYTES = 128
MAX_BODY_BYTES = 4096
MAX_NAME_CHARACTERS = 200
MAX_COUNT = 2**53


@dataclass(frozen=True, slots=True)
class ShareMessage:
    """A share and whose it is: the body of an upload and of a release.

    Attributes:
        share: 32 to 128 opaque bytes.
        recipient: who may fetch it, e.g. ``etsi/PNOEE-48010010101``.
    """

    share: bytes = field(repr=False)
    recipient: str = field(repr=False)

    def __post_init__(self) -> None:
        if not MIN_SHARE_BYTES <= len(self.share) <= MAX_SHARE_BYTES:
            raise MessageError("a share is 32 to 128 bytes long")
        check_recipient_id(self.recipient)

    @classmethod
    def from_request(cls, body: bytes) -> "ShareMessage":
        """Read an upload.

        Raises:
            MessageError: anything but exactly ``share`` and ``recipient``, both well formed.
        """
        return cls._from_members(parse_object(body, MAX_BODY_BYTES), strict=True)

    @classmethod
    def from_reply(cls, body: bytes) -> "ShareMessage":
        """Read a release.

        Raises:
            MessageError: ``share`` or ``recipient`` is missing or malformed.
        """
        return cls._from_members(parse_object(body, MAX_BODY_BYTES), strict=False)

    @classmethod
    def _from_members(cls, members: dict[str, Any], *, strict: bool) -> "ShareMessage":
        if strict and set(members) != {"share", "recipient"}:
            raise MessageError('the body has exactly "share" and "recipient"')
        return cls(decode_base64(text_field(members, "share")), text_field(members, "recipient"))

    def to_json(self) -> bytes:
        """Encode for the wire."""
        return _encode({"share": encode_base64(self.share), "recipient": self.recipient})


@dataclass(frozen=True, slots=True)
class NonceReply:
    """A fresh single-use nonce of one share."""

    nonce: str = field(repr=False)

    @classmethod
    def from_reply(cls, body: bytes) -> "NonceReply":
        """Read the reply.

        Raises:
            MessageError: no well-formed ``nonce``.
        """
        return cls(check_nonce(text_field(parse_object(body, MAX_BODY_BYTES), "nonce")))

    def to_json(self) -> bytes:
        """Encode for the wire."""
        return _encode({"nonce": self.nonce})


@dataclass(frozen=True, slots=True)
class NodeIdentity:
    """What a node says of itself at ``/.well-known/osak-node``; a claim, not a proof.

    Attributes:
        id: short name in configurations, e.g. ``ria``.
        organisation: who runs it, for people.
        version: of the node's software.
        limits: name to number, e.g. ``nonce_life_seconds``.
        url: the one URL that tickets for it must name; None if it does not say.
    """

    id: str
    organisation: str
    version: str
    limits: Mapping[str, int]
    url: ServerURL | None = None

    @classmethod
    def from_reply(cls, body: bytes) -> "NodeIdentity":
        """Read the reply.

        Raises:
            MessageError: members are missing, too long, unprintable or of the wrong type.
        """
        members = parse_object(body, MAX_BODY_BYTES)
        limits = members.get("limits", {})
        if not isinstance(limits, dict) or not all(type(number) is int for number in limits.values()):
            raise MessageError('"limits" is not an object of whole numbers')
        if not all(map(_printable, limits)):
            raise MessageError("the names of a node's limits are 1 to 200 printable characters long")
        node_id, organisation, version = (
            text_field(members, name) for name in ("id", "organisation", "version")
        )
        if not all(map(_printable, (node_id, organisation, version))):
            raise MessageError("a node's names are 1 to 200 printable characters long")
        url = ServerURL.parse(text_field(members, "url")) if "url" in members else None
        return cls(node_id, organisation, version, limits, url)

    def to_json(self) -> bytes:
        """Encode for the wire."""
        said = {
            "id": self.id,
            "organisation": self.organisation,
            "version": self.version,
            "limits": dict(self.limits),
        }
        return _encode(said if self.url is None else {**said, "url": str(self.url)})


@dataclass(frozen=True, slots=True)
class ReleasesReply:
    """Reply to GET /key-shares/{share id}/releases: how often a share was given out.

    Attributes:
        since: when the share was stored; nothing is known of times before.
        count: how often in all.
        times: the latest, oldest first.
    """

    since: datetime
    count: int
    times: tuple[datetime, ...]

    @classmethod
    def from_reply(cls, body: bytes) -> "ReleasesReply":
        """Read a server's reply; members that we do not know are ignored.

        Raises:
            MessageError: it is not well formed, or its numbers contradict each other.
        """
        members = parse_object(body, MAX_BODY_BYTES)
        count, times = members.get("count"), members.get("times")
        if type(count) is not int or not isinstance(times, list) or not len(times) <= count <= MAX_COUNT:
            raise MessageError("count is a number, and times a list that is no longer")
        if (count > 0 and not times) or not all(isinstance(time, str) for time in times):
            raise MessageError("times is a list of times, and the latest are always there")
        read = tuple(map(parse_time, times))
        if list(read) != sorted(read):
            raise MessageError("times are not in order")
        return cls(parse_time(text_field(members, "since")), count, read)

    def to_json(self) -> bytes:
        """Encode for the wire."""
        return _encode(
            {
                "since": time_text(self.since),
                "count": self.count,
                "times": [time_text(time) for time in self.times],
            }
        )


@dataclass(frozen=True, slots=True)
class Problem:
    """An error reply, RFC 9457, with a stable ``code`` and the request's id.

    Attributes:
        status: the HTTP status.
        code: one of ``codes.ProblemCode``, or empty when a foreign server sent none.
        title: one sentence for people.
        request_id: finds the request in the node's log.
    """

    status: int
    code: str
    title: str
    request_id: str = ""

    @classmethod
    def from_reply(cls, status: int, body: bytes) -> "Problem":
        """Read whatever an unhappy server sent; never raises, unreadable bodies give empty texts."""
        try:
            members = parse_object(body, MAX_BODY_BYTES)
        except MessageError:
            return cls(status, "", "")
        return cls(status, *(_printable(members.get(name)) for name in ("code", "title", "request_id")))

    def to_json(self) -> bytes:
        """Encode for the wire."""
        return _encode(
            {
                "type": "about:blank",
                "status": self.status,
                "title": self.title,
                "code": self.code,
                "request_id": self.request_id,
            }
        )


def _printable(value: Any) -> str:
    """A stranger's text, safe to show on a terminal."""
    usable = isinstance(value, str) and value.isprintable() and len(value) <= MAX_NAME_CHARACTERS
    return value if usable else ""


def _encode(members: dict[str, Any]) -> bytes:
    return _ENCODER.encode(members).encode()


# Made once: ``json.dumps`` would make one for each message.
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
