# SPDX-License-Identifier: MIT
"""The keys of the audit log: pseudonyms that only this node can make and resolve, and signed checkpoints.

A pseudonym is AES-SIV (RFC 5297) of a person's or share's id under a key from the node key, without a
nonce: the same id has the same pseudonym, others learn nothing from it but that, and the node can turn
it back. A checkpoint is an Ed25519 signature (RFC 8032) over the end of the chain; its key comes from
the node key too.
"""

from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from osak.node.audit.record import Position
from osak.node.errors import AuditError
from osak.node.sealing import NodeKey
from osak.shares.errors import MessageError
from osak.shares.protocol.strict_json import decode_base64url, encode_base64url

_PADDED_BYTES = 40


class AuditKeys:
    """Makes pseudonyms and signatures; ``public_key`` is for whoever checks them, 64 hexadecimal digits."""

    def __init__(self, key: NodeKey) -> None:
        self._cipher = AESSIV(key.pseudonym_key)
        self._signer = Ed25519PrivateKey.from_private_bytes(key.audit_seed)
        self.public_key = self._signer.public_key().public_bytes_raw().hex()

    def pseudonym(self, identity: str) -> str:
        """What stands in the log for a recipient id or share id; all have the same length."""
        return encode_base64url(self._cipher.encrypt(identity.encode().ljust(_PADDED_BYTES, b"\0"), None))

    def resolve(self, pseudonym: str) -> str | None:
        """The id behind a pseudonym, or None if this key did not make it."""
        try:
            return self._cipher.decrypt(decode_base64url(pseudonym), None).rstrip(b"\0").decode()
        except (MessageError, InvalidTag, ValueError):
            return None

    def sign(self, end: Position) -> str:
        """The signature of a checkpoint after ``end``."""
        return self._signer.sign(_signed_bytes(end)).hex()


def resolve(pseudonym: str, keys: Sequence[AuditKeys]) -> str:
    """The id behind a pseudonym that one of the keys made.

    Raises:
        AuditError: none of them did.
    """
    for key in keys:
        found = key.resolve(pseudonym)
        if found is not None:
            return found
    raise AuditError("no pseudonym of this node's keys")


def verify_checkpoint(end: Position, signature: str, public_key: str) -> None:
    """Return if ``signature`` is over ``end``.

    Raises:
        AuditError: it is not.
    """
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(signature), _signed_bytes(end))
    except (InvalidSignature, ValueError) as error:
        raise AuditError("the signature of a checkpoint is not this node's") from error


def _signed_bytes(end: Position) -> bytes:
    return f"osak-audit-checkpoint-v1\0{end.number}\0{end.chain}".encode("ascii")
