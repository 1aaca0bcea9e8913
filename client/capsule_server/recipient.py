# SPDX-License-Identifier: MIT
"""Encrypting through a capsule server: the owner of a key whose capsule goes there.

Everything that can be checked is checked before the upload, and no plaintext is read before it. If the
container fails after that, the capsule stays on the server until it expires; the API has no way to delete
it. It is of no use without the container and the recipient's key. What calls servers is imported only
then: most encryptions do without.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509

from osak.client.capsule_server.receipt import UploadedCapsule
from osak.client.capsule_server.settings import CapsuleServer
from osak.client.container import (
    Curve,
    ECCapsule,
    KekRecipient,
    KeyServerCapsule,
    PublicKeyRecipient,
    RSACapsule,
    key_label,
)
from osak.client.errors import UsageError
from osak.client.identity.files import PublicKey
from osak.coordinator import Timeouts
from osak.shares.protocol.capsule import CapsuleMessage, CapsuleType

_TYPES = {Curve.P256: CapsuleType.P256, Curve.P384: CapsuleType.P384, Curve.P521: CapsuleType.P521}


@dataclass(frozen=True, slots=True)
class StoredCapsule:
    """A capsule at its server, and the record that leads to it."""

    receipt: UploadedCapsule
    record: KekRecipient


class CapsuleServerRecipient:
    """The owner of a certificate or public key, whose capsule a server keeps."""

    def __init__(
        self,
        key: x509.Certificate | PublicKey,
        server_id: str,
        server: CapsuleServer,
        timeouts: Timeouts,
        *,
        file_name: str | None = None,
        plain_label: bool = False,
        number: int = 1,
        now: datetime | None = None,
    ) -> None:
        """Check the key and work out how long the capsule is needed.

        Raises:
            InvalidInputError: the key cannot receive CDOC2 files.
            UsageError: the certificate has ended: its owner could not fetch anything with it.
        """
        self._recipient = PublicKeyRecipient(key, file_name=file_name, plain_label=plain_label, number=number)
        self._server_id = server_id
        self._server = server
        self._timeouts = timeouts
        self._expires_at = _expiry(key, server, now or datetime.now(UTC))

    async def upload(self) -> StoredCapsule:
        """Upload the capsule of a fresh KEK.

        Raises:
            CapsuleServerError: the server did not take it.
        """
        from osak.client.capsule_server.calls import upload_capsule  # noqa: PLC0415 - see the docstring above

        capsule, kek = self._recipient.make_capsule(secrets.token_bytes)
        receipt = await upload_capsule(
            self._server_id,
            self._server,
            capsule_message(capsule),
            expires_at=self._expires_at,
            timeouts=self._timeouts,
        )
        record = KeyServerCapsule(
            curve=capsule.curve if isinstance(capsule, ECCapsule) else None,
            recipient_public_key=capsule.recipient_public_key,
            keyserver_id=self._server_id,
            transaction_id=receipt.transaction_id,
        )
        return StoredCapsule(receipt, KekRecipient(record, self._label(receipt), kek))

    def _label(self, uploaded: UploadedCapsule) -> str:
        """The label, with the end of the capsule: as the server tells it, else as it was asked for."""
        end = uploaded.expires_at or self._expires_at
        label = self._recipient.key_label
        return label if end is None else key_label.with_server_expiry(label, int(end.timestamp()))


def capsule_message(capsule: ECCapsule | RSACapsule) -> CapsuleMessage:
    """The capsule as servers take it."""
    if isinstance(capsule, RSACapsule):
        return CapsuleMessage(CapsuleType.RSA, capsule.recipient_public_key, capsule.encrypted_kek)
    return CapsuleMessage(_TYPES[capsule.curve], capsule.recipient_public_key, capsule.sender_public_key)


def capsule_of_message(message: CapsuleMessage) -> ECCapsule | RSACapsule:
    """A server's capsule as it would stand in a container."""
    if message.capsule_type is CapsuleType.RSA:
        return RSACapsule(message.recipient_id, message.ephemeral_key_material)
    curve = next(curve for curve, kind in _TYPES.items() if kind is message.capsule_type)
    return ECCapsule(curve, message.recipient_id, message.ephemeral_key_material)


def _expiry(key: x509.Certificate | PublicKey, server: CapsuleServer, now: datetime) -> datetime | None:
    """Whichever comes first: what the configuration says, or the certificate's end."""
    ends = [] if server.expires_after is None else [now + server.expires_after]
    if isinstance(key, x509.Certificate):
        end = key.not_valid_after_utc
        if end <= now:
            raise UsageError(
                f"the certificate ended on {end:%Y-%m-%d}: with it nobody could fetch from a capsule server"
            )
        ends.append(end)
    return min(ends, default=None)
