# SPDX-License-Identifier: MIT
"""The use cases of the capsule role: keep a capsule, give it to the owner of its key. No HTTP, no backend.

The owner proves the key in the TLS handshake, before any of this runs; here only the key itself is
compared with the one the sender named. Unknown, expired and somebody else's capsule all raise the
same ``CapsuleNotFoundError``, after the same work. A capsule may be fetched any number of times, and nobody
can delete one: upstream's API has no way to (docs/adr/0010).
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from osak.node.auth.client_certificates import ClientCertificates
from osak.node.capsule_keys import check_capsule_keys, key_of_certificate
from osak.node.errors import CapsuleNotFoundError
from osak.node.expiry import ERASED_AFTER_SECONDS, ExpiryRules
from osak.node.sealing import Sealer
from osak.node.storage.base import CapsuleStore, StoredCapsule
from osak.shares.protocol.capsule import CapsuleMessage
from osak.shares.protocol.strict_json import encode_base64

_ID_PREFIX = "KC"  # as upstream's; it also keeps these ids apart from those of shares
_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class CreatedCapsule:
    """The receipt of a stored capsule.

    Attributes:
        expires_at: seconds since 1970.
        is_expiry_adjusted: whether that is sooner than the sender asked for.
    """

    transaction_id: str
    expires_at: int
    is_expiry_adjusted: bool


@dataclass(frozen=True, slots=True)
class ReleasedCapsule:
    """A capsule for its owner, and when it will be gone (seconds since 1970)."""

    message: CapsuleMessage
    expires_at: int


class CapsuleService:
    """One node's capsules, over a store and the node's key."""

    def __init__(
        self,
        *,
        store: CapsuleStore,
        revocation: ClientCertificates,
        sealer: Sealer,
        expiry: ExpiryRules,
        clock: Callable[[], float],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._revocation = revocation
        self._sealer = sealer
        self._expiry = expiry
        self._clock = clock
        self._random_bytes = random_bytes

    async def create(self, message: CapsuleMessage, expires_at: datetime | None = None) -> CreatedCapsule:
        """Store a capsule durably and return its new random id.

        Raises:
            BadRequestError: a key in it is none, or ``expires_at`` is not in the future.
            StorageError: it was not stored.
        """
        check_capsule_keys(message)
        now = self._now()
        end = self._expiry.end_for(expires_at, now)
        transaction_id = _ID_PREFIX + self._random_bytes(_ID_BYTES).hex()
        tag = self._tag(transaction_id, message.recipient_id)
        await self._store.add(
            StoredCapsule(
                transaction_id=transaction_id,
                key_id=self._sealer.key_id,
                sealed=self._sealer.seal(message.ephemeral_key_material, transaction_id, tag),
                recipient_tag=tag,
                created_at=now,
                expires_at=end,
            )
        )
        return CreatedCapsule(
            transaction_id, end, expires_at is not None and end < int(expires_at.timestamp())
        )

    async def release(self, transaction_id: str, certificate_der: bytes) -> ReleasedCapsule:
        """Give a capsule to whoever showed this certificate and proved its key.

        Raises:
            CapsuleNotFoundError: no such capsule, or for another key.
            ClientCertificateRevokedError: the certificate was revoked.
            StatusUnavailableError: the node was told to refuse if nobody can tell that.
            SealingError: the capsule cannot be opened with this node's key.
            StorageError: the store cannot be asked.
        """
        found = key_of_certificate(certificate_der)
        if found is None:
            raise CapsuleNotFoundError("no capsule is for a key of this kind")
        kind, recipient_id = found
        tag = self._tag(transaction_id, recipient_id)
        stored = await self._store.get(transaction_id, self._now())
        if stored is None:
            raise CapsuleNotFoundError("no such capsule")
        self._sealer.require_key(stored.key_id)
        if not hmac.compare_digest(tag, stored.recipient_tag):
            raise CapsuleNotFoundError("the capsule is for another key")
        # Asked only about the key's owner, as with shares.
        await self._revocation.check(certificate_der, datetime.fromtimestamp(self._now(), UTC))
        material = self._sealer.open(stored.sealed, transaction_id, tag, stored.key_id)
        return ReleasedCapsule(CapsuleMessage(kind, recipient_id, material), stored.expires_at)

    async def remove_expired(self) -> int:
        """Erase capsules a day after their end and return how many; they were invisible since that."""
        return await self._store.remove_expired(self._now() - ERASED_AFTER_SECONDS)

    async def check(self) -> None:
        """Return if the role can serve.

        Raises:
            StorageError: the store cannot be used.
        """
        await self._store.check()

    def _tag(self, transaction_id: str, recipient_id: bytes) -> bytes:
        return self._sealer.recipient_tag(transaction_id, encode_base64(recipient_id))

    def _now(self) -> int:
        return int(self._clock())
