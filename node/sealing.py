# SPDX-License-Identifier: MIT
"""How a share or capsule lies in the store: sealed under the node's key, so that a stolen database is mute.

A node key is 32 random bytes. HKDF-SHA256 (RFC 5869) makes one key for each purpose from it:
sealing (AES-256-GCM), recipient tags and nonces (HMAC-SHA256), the audit log (see ``audit.keys``), names
of shared rate counters, backups (see ``backup.chunks``), and the key's public id. A key that follows another
has 32 bytes more: the key of recipient tags, which is handed on from key to key, because nobody but the
recipients could make the tags anew (docs/adr/0025). Which keys a node has, and what each is good for, is
``key_ring``'s. Rules:

- a sealed share is ``version 1 || 12 random bytes || ciphertext and tag``; its associated data binds
  share id and recipient tag, so no row can be moved to another share or given to another person;
- capsules are sealed the same way: their ids begin otherwise than those of shares, so no row of one
  kind can pass for one of the other;
- a recipient is stored only as HMAC over share id and recipient id: the same person looks different
  in every row, and without the node key a list of all personal codes does not help.

Random 96-bit nonces are safe here for 2^32 rows under one key (NIST SP 800-38D, 8.3).
"""

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from osak.node.errors import SealingError

NODE_KEY_BYTES = 32
_RECIPIENT_KEY_BYTES = 32
_VERSION = b"\x01"
_GCM_NONCE_BYTES = 12
_KEY_ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class NodeKey:
    """One master key of the node, already split by purpose.

    Attributes:
        key_id: public name of the key, 16 hex digits, stored with everything sealed under it.
    """

    key_id: str
    sealing_key: bytes = field(repr=False)
    recipient_key: bytes = field(repr=False)
    nonce_key: bytes = field(repr=False)
    pseudonym_key: bytes = field(repr=False)
    audit_seed: bytes = field(repr=False)
    counter_key: bytes = field(repr=False)
    backup_key: bytes = field(repr=False)

    @classmethod
    def from_bytes(cls, master: bytes) -> "NodeKey":
        """Derive all keys from 32 random bytes, and from 32 more if they follow another key.

        Raises:
            ValueError: another length.
        """
        if len(master) not in {NODE_KEY_BYTES, NODE_KEY_BYTES + _RECIPIENT_KEY_BYTES}:
            raise ValueError("a node key is exactly 32 bytes, or 64 if it follows another")
        # The id speaks of all bytes: half of a long key must not pass for it, since its tags know nobody.
        key_id = _derive(master, b"osak-node-key-id-v1", _KEY_ID_BYTES).hex()
        master, recipient_key = master[:NODE_KEY_BYTES], master[NODE_KEY_BYTES:]
        return cls(
            key_id=key_id,
            sealing_key=_derive(master, b"osak-node-sealing-v1", 32),
            recipient_key=recipient_key or _derive(master, b"osak-node-recipient-v1", _RECIPIENT_KEY_BYTES),
            nonce_key=_derive(master, b"osak-node-nonce-v1", 32),
            pseudonym_key=_derive(master, b"osak-node-audit-pseudonym-v1", 64),
            audit_seed=_derive(master, b"osak-node-audit-signing-v1", 32),
            counter_key=_derive(master, b"osak-node-rate-counter-v1", 32),
            backup_key=_derive(master, b"osak-node-backup-v1", 32),
        )

    def next_key(self, random_bytes: Callable[[int], bytes]) -> bytes:
        """The 64 bytes of a new key that can follow this one."""
        return random_bytes(NODE_KEY_BYTES) + self.recipient_key


class Sealer:
    """Seals under a node's key in use, opens under all that it has, and makes recipient tags.

    Attributes:
        key_id: of the key in use.
    """

    def __init__(
        self, key: NodeKey, random_bytes: Callable[[int], bytes], others: Iterable[NodeKey] = ()
    ) -> None:
        self.key_id = key.key_id
        self._recipient_key = key.recipient_key
        self._ciphers = {each.key_id: AESGCM(each.sealing_key) for each in (key, *others)}
        self._random_bytes = random_bytes

    def recipient_tag(self, row_id: str, recipient_id: str) -> bytes:
        """What is stored in place of the recipient id of this row, 32 bytes."""
        return hmac.digest(self._recipient_key, f"{row_id}\0{recipient_id}".encode(), "sha256")

    def seal(self, content: bytes, row_id: str, recipient_tag: bytes) -> bytes:
        """Encrypt ``content`` for storage, under the key in use."""
        nonce, cipher = self._random_bytes(_GCM_NONCE_BYTES), self._cipher(self.key_id)
        return _VERSION + nonce + cipher.encrypt(nonce, content, row_id.encode() + recipient_tag)

    def open(self, sealed: bytes, row_id: str, recipient_tag: bytes, key_id: str) -> bytes:
        """Decrypt what ``seal`` made under the key that the row names.

        Raises:
            SealingError: a key that this node has not, another row, another recipient, or damage.
        """
        cipher = self._cipher(key_id)
        version, nonce, ciphertext = (
            sealed[:1],
            sealed[1 : 1 + _GCM_NONCE_BYTES],
            sealed[1 + _GCM_NONCE_BYTES :],
        )
        if version != _VERSION or len(nonce) != _GCM_NONCE_BYTES:
            raise SealingError("a sealed row of an unknown form")
        try:
            return cipher.decrypt(nonce, ciphertext, row_id.encode() + recipient_tag)
        except InvalidTag as error:
            raise SealingError("a stored row does not open: it is damaged") from error

    def require_key(self, key_id: str) -> None:
        """Return if this node has the key that a row names.

        Raises:
            SealingError: it has not; then its tags say nothing either.
        """
        self._cipher(key_id)

    def _cipher(self, key_id: str) -> AESGCM:
        try:
            return self._ciphers[key_id]
        except KeyError as error:
            raise SealingError(f"a row under node key {key_id}, which is none of this node's") from error


def _derive(master: bytes, purpose: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=purpose).derive(master)
