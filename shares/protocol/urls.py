# SPDX-License-Identifier: MIT
"""Where a node and its shares live: base URLs, paths and the audience of a ticket.

One server has many spellings (with and without the default port, with and without a trailing slash;
the Java client writes one, libcdoc the other), so URLs are compared only in the canonical form that
``ServerURL`` gives: https, lower-case host, explicit port, no trailing slash. The audience of a
ticket is ``{base}/key-shares/{share id}?nonce={nonce}`` (CDOC2 system architecture, chapter 6).
"""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from osak.shares.errors import MessageError

KEY_SHARES_PATH = "/key-shares"
NODE_IDENTITY_PATH = "/.well-known/osak-node"
DEFAULT_HTTPS_PORT = 443
MAX_URL_CHARACTERS = 1024

# Issued ids are 32 lower-case hex digits; foreign servers may use 18 to 36 of these characters.
_SHARE_ID = re.compile(r"[A-Za-z0-9-]{18,36}", re.ASCII)
# Upstream's OpenAPI says 12 to 16 characters, its server sends 22, its examples show 40.
_NONCE = re.compile(r"[A-Za-z0-9_-]{12,128}", re.ASCII)
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:.]+", re.ASCII)
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*", re.ASCII)


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
            MessageError: not https, or with user, query, fragment or odd characters.
        """
        if len(text) > MAX_URL_CHARACTERS or not text.isascii() or re.search(r"[\x00-\x20\x7f\\]", text):
            raise MessageError("a server URL is plain ASCII without spaces, at most 1024 characters long")
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError as error:
            raise MessageError(f"not a URL: {text}") from error
        if parts.scheme != "https" or not parts.hostname:
            raise MessageError(f"a server URL starts with https:// and names a host: {text}")
        if parts.username is not None or parts.password is not None or "?" in text or "#" in text:
            raise MessageError(f"a server URL has no user, query or fragment: {text}")
        host, path = parts.hostname.lower(), parts.path.removesuffix("/")
        if not _HOST.fullmatch(host) or not _PATH.fullmatch(path) or "/.." in path or "/./" in f"{path}/":
            raise MessageError(f"a server URL with odd characters: {text}")
        if port == 0:
            raise MessageError(f"a server URL with port 0: {text}")
        return cls(host, DEFAULT_HTTPS_PORT if port is None else port, path)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}:{self.port}{self.path}"


@dataclass(frozen=True, slots=True)
class Audience:
    """What one element of a ticket's ``aud`` names: a share at a server, and that server's nonce."""

    server: ServerURL
    share_id: str
    nonce: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "Audience":
        """Read an audience URL; the port may be left out when it is 443.

        Raises:
            MessageError: not exactly ``{base}/key-shares/{share id}?nonce={nonce}``.
        """
        head, marker, tail = text.partition(f"{KEY_SHARES_PATH}/")
        share_id, question, nonce = tail.partition("?nonce=")
        if not marker or not question or not _NONCE.fullmatch(nonce) or head.endswith("/"):
            raise MessageError("an audience is {base}/key-shares/{share id}?nonce={nonce}")
        return cls(ServerURL.parse(head), check_share_id(share_id), nonce)

    def __str__(self) -> str:
        return f"{self.server}{KEY_SHARES_PATH}/{self.share_id}?nonce={self.nonce}"


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


def share_id_from_location(location: str) -> str:
    """Take the share id out of the ``Location`` header of a created share.

    Raises:
        MessageError: the header is not ``/key-shares/{share id}``.
    """
    prefix, share_id = location[: len(KEY_SHARES_PATH) + 1], location[len(KEY_SHARES_PATH) + 1 :]
    if prefix != f"{KEY_SHARES_PATH}/":
        raise MessageError("Location is not /key-shares/{share id}")
    return check_share_id(share_id)
