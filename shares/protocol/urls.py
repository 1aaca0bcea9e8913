# SPDX-License-Identifier: MIT
"""Where a node and its shares live: base URLs, paths and the audience of a ticket.

One server has many spellings (with and without the default port, with and without a trailing slash;
the Java client writes one, libcdoc the other), so URLs are compared only in the canonical form that
``ServerURL`` gives: https, lower-case host, explicit port, no trailing slash. The audience of a
ticket is ``{base}/key-shares/{share id}?nonce={nonce}`` (CDOC2 system architecture, chapter 6); that of a
ticket that only asks how often the share was given out ends its path with ``/releases`` (ours).
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv6Address

from osak.shares.errors import MessageError

KEY_SHARES_PATH = "/key-shares"
NODE_IDENTITY_PATH = "/.well-known/osak-node"
DEFAULT_HTTPS_PORT = 443
MAX_PORT = 65535
MAX_URL_CHARACTERS = 1024
MAX_HOST_CHARACTERS = 253
_URLS_KEPT = 64

# Issued ids are 32 lower-case hex digits; foreign servers may use 18 to 36 of these characters.
_SHARE_ID = re.compile(r"[A-Za-z0-9-]{18,36}", re.ASCII)
# Upstream's OpenAPI says 12 to 16 characters, its server sends 22, its examples show 40.
_NONCE = re.compile(r"[A-Za-z0-9_-]{12,128}", re.ASCII)
# Our own pattern: urllib's urlsplit drops what stands before or after the brackets of an IPv6 address.
_BASE_URL = re.compile(
    r"https://(?:(?P<name>[a-z0-9.-]+)|\[(?P<address>[0-9a-f:.]+)\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>(?:/[a-z0-9._~-]+)*)/?",
    re.ASCII | re.IGNORECASE,
)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)


@dataclass(frozen=True, slots=True)
class ServerURL:
    """A server's base URL in canonical form; equal exactly when the servers are the same.

    Attributes:
        host: lower-case DNS name or IP address (IPv6 without brackets).
        port: 1 to 65535.
        path: empty, or a prefix that starts with a slash and does not end with one.
    """

    host: str
    port: int
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> "ServerURL":
        """Read a base URL in any of its spellings.

        Raises:
            MessageError: not https, no such host or port, or with user, query, fragment or odd characters.
        """
        return cls(*_parse_base_url(text))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}:{self.port}{self.path}"


class Purpose(StrEnum):
    """What a ticket is for; the value is what follows the share id in its audience."""

    SHARE = ""
    RELEASES = "/releases"


@dataclass(frozen=True, slots=True)
class Audience:
    """What one element of a ticket's ``aud`` names: a share at a server, its nonce, and what for."""

    server: ServerURL
    share_id: str
    nonce: str = field(repr=False)
    purpose: Purpose = Purpose.SHARE

    @classmethod
    def parse(cls, text: str) -> "Audience":
        """Read an audience URL; the port may be left out when it is 443.

        Raises:
            MessageError: not exactly ``{base}/key-shares/{share id}?nonce={nonce}``, perhaps with
                ``/releases`` after the id.
        """
        # From the right: a server's own path may hold the same word, an id and a nonce cannot.
        head, marker, tail = text.rpartition(f"{KEY_SHARES_PATH}/")
        path, question, nonce = tail.partition("?nonce=")
        if not marker or not question or not _NONCE.fullmatch(nonce) or head.endswith("/"):
            raise MessageError("an audience is {base}/key-shares/{share id}?nonce={nonce}")
        share_id = path.removesuffix(Purpose.RELEASES)
        purpose = Purpose.SHARE if share_id == path else Purpose.RELEASES
        return cls(ServerURL.parse(head), check_share_id(share_id), nonce, purpose)

    def __str__(self) -> str:
        return f"{self.server}{KEY_SHARES_PATH}/{self.share_id}{self.purpose}?nonce={self.nonce}"


@lru_cache(maxsize=_URLS_KEPT)  # a node reads its own in every ticket
def _parse_base_url(text: str) -> tuple[str, int, str]:
    """Host, port and path, in canonical form."""
    # The text is never repeated in an error: it may carry a password that belongs nowhere.
    if len(text) > MAX_URL_CHARACTERS:
        raise MessageError("a server URL is at most 1024 characters long")
    found = _BASE_URL.fullmatch(text)
    if found is None:
        raise MessageError(
            "a server URL is https://host:port/path in plain ASCII, without user, query or fragment"
        )
    port, path = int(found["port"] or DEFAULT_HTTPS_PORT), found["path"]
    if not 1 <= port <= MAX_PORT:
        raise MessageError("the port of a server URL is 1 to 65535")
    if {".", ".."} & set(path.split("/")):
        raise MessageError('the path of a server URL has no "." or ".." in it')
    return _canonical_host(found["name"], found["address"]), port, path


def _canonical_host(name: str | None, address: str | None) -> str:
    """Lower-case DNS name or IPv4 address, or the shortest spelling of an IPv6 address (RFC 5952)."""
    if name is not None and len(name) <= MAX_HOST_CHARACTERS and _NAME.fullmatch(name.lower()):
        return name.lower()
    try:
        return str(IPv6Address(address or ""))
    except ValueError as error:
        raise MessageError("the host of a server URL is neither a DNS name nor an IP address") from error


def check_share_id(text: str) -> str:
    """Return ``text`` if it has the form of a share id, ours or a foreign server's.

    Raises:
        MessageError: another length or other characters.
    """
    if not _SHARE_ID.fullmatch(text):
        raise MessageError("a share id is 18 to 36 letters, digits or hyphens")
    return text


def check_nonce(text: str) -> str:
    """Return ``text`` if it can be a server's nonce; it is echoed unchanged.

    Raises:
        MessageError: another length or other characters.
    """
    if not _NONCE.fullmatch(text):
        raise MessageError("a nonce is 12 to 128 base64url characters")
    return text


def share_path(share_id: str) -> str:
    """Path of one share below a server's base URL."""
    return f"{KEY_SHARES_PATH}/{share_id}"


def nonce_path(share_id: str) -> str:
    """Path that issues a nonce for one share."""
    return f"{KEY_SHARES_PATH}/{share_id}/nonce"


def releases_path(share_id: str) -> str:
    """Path that tells how often one share was given out."""
    return f"{KEY_SHARES_PATH}/{share_id}{Purpose.RELEASES}"


def share_id_from_location(location: str) -> str:
    """Take the share id out of the ``Location`` header of a created share.

    Raises:
        MessageError: the header is not ``/key-shares/{share id}``.
    """
    prefix, share_id = location[: len(KEY_SHARES_PATH) + 1], location[len(KEY_SHARES_PATH) + 1 :]
    if prefix != f"{KEY_SHARES_PATH}/":
        raise MessageError("Location is not /key-shares/{share id}")
    return check_share_id(share_id)
