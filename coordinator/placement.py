# SPDX-License-Identifier: MIT
"""Where one share lies, and the paper that lets its sender take it back.

A placement is what a container records about a share. A receipt stays with the sender: whoever
holds it can revoke the share, so its token is shown nowhere.
"""

from dataclasses import dataclass, field
from typing import Literal

Scheme = Literal["t-of-n", "n-of-n"]
"""Shamir, any t of n; or XOR, all n, which official CDOC2 programs read too."""


@dataclass(frozen=True, slots=True)
class Placement:
    """One share's place, as a container names it; nothing in it is trusted when it was read from one.

    Attributes:
        server_id: the server's short name; empty in an official container, which has none.
        server_url: base URL, ``https://host:port`` without a trailing slash.
        share_id: the share's id at that server.
        index: the share's x-coordinate, 1 to n (for n-of-n simply its place).
        commitment: HMAC-SHA256 of the share, or None when the container has none (n-of-n).
    """

    server_id: str
    server_url: str
    share_id: str
    index: int
    commitment: bytes | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What revokes one share.

    Attributes:
        server_id: the server's short name.
        server_url: base URL, ``https://host:port`` without a trailing slash.
        share_id: the share's id at that server.
        revocation_token: base64 of 32 secret bytes that prove the sender to the server.
    """

    server_id: str
    server_url: str
    share_id: str
    revocation_token: str = field(repr=False)
