# SPDX-License-Identifier: MIT
"""Nonces that cost nothing to issue, so that nobody can be locked out by asking for many.

Anybody may ask for a nonce. Were issued nonces kept, a cap on them would let a stranger use it up
and no cap would let him fill the disk. So an issued nonce is not kept: it proves itself by a MAC, and
only *spent* ones are stored, which takes a valid ticket. A nonce is 16 bytes, 22 characters on the
wire as upstream's servers send:

    4 bytes   when it was issued, seconds since 1970, big-endian
    4 bytes   random, so that two in one second differ
    8 bytes   HMAC-SHA256(nonce key, share id || the 8 bytes before), cut

64 bits of MAC are enough: a guess is checked only after the recipient's signature over it, one
request each. ``SPENT_MARGIN_SECONDS`` keeps the record of a spent nonce longer than the nonce can
live, so that a clock set back a little cannot bring it back to life (docs/adr/0005).
"""

import hmac
from collections.abc import Callable, Sequence

from osak.node.errors import ShareNotFoundError
from osak.shares.errors import MessageError
from osak.shares.protocol.strict_json import decode_base64url, encode_base64url

# Clocks of several processes of one node, or one that was set back, may differ this much.
CLOCK_SKEW_SECONDS = 30
SPENT_MARGIN_SECONDS = 3600

_TIME_BYTES = 4
_RANDOM_BYTES = 4
_MAC_BYTES = 8


class NonceMint:
    """Issues and checks nonces; keeps no state. Whether one was spent is the store's business."""

    def __init__(
        self, keys: Sequence[bytes], *, life_seconds: int, random_bytes: Callable[[int], bytes]
    ) -> None:
        """Take the node's nonce keys; the first issues, any may have issued what is checked."""
        self._keys = tuple(keys)
        self._life_seconds = life_seconds
        self._random_bytes = random_bytes

    def issue(self, share_id: str, now_seconds: int) -> str:
        """A fresh nonce for one share."""
        head = now_seconds.to_bytes(_TIME_BYTES, "big") + self._random_bytes(_RANDOM_BYTES)
        return encode_base64url(head + self._mac(self._keys[0], share_id, head))

    def check(self, share_id: str, nonce: str, now_seconds: int) -> int:
        """Return until when (seconds since 1970) a record that ``nonce`` was spent must be kept.

        Raises:
            ShareNotFoundError: not issued by this node for this share, or too old.
        """
        try:
            data = decode_base64url(nonce)
        except MessageError as error:
            raise ShareNotFoundError("the nonce is none of ours") from error
        head, mac = data[: _TIME_BYTES + _RANDOM_BYTES], data[_TIME_BYTES + _RANDOM_BYTES :]
        if not any(hmac.compare_digest(mac, self._mac(key, share_id, head)) for key in self._keys):
            raise ShareNotFoundError("the nonce was not issued here for this share")
        issued = int.from_bytes(head[:_TIME_BYTES], "big")
        if not -CLOCK_SKEW_SECONDS <= now_seconds - issued <= self._life_seconds:
            raise ShareNotFoundError("the nonce is too old")
        return issued + self._life_seconds + SPENT_MARGIN_SECONDS

    def _mac(self, key: bytes, share_id: str, head: bytes) -> bytes:
        return hmac.digest(key, share_id.encode() + b"\0" + head, "sha256")[:_MAC_BYTES]
