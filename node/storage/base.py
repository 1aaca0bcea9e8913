# SPDX-License-Identifier: MIT
"""The seams behind which shares and capsules lie: ``ShareStore``, ``CapsuleStore`` and their rows.

A store is dumb: it sees sealed bytes and tags, checks no ticket and knows no key. It promises:

- what returned without an error is durable (as far as the store keeps anything at all);
- an expired row is invisible, whether or not it was erased yet;
- ``spend`` says yes at most once for a share and nonce, however many ask at the same time, and only
  while the share exists: after ``delete`` has returned, no spend succeeds;
- every failure is a ``StorageError``; no backend's own error leaves it.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

# Every row expires after this second, so whoever asks at it asks whether there is a row at all.
ANY_TIME: Final = 0


@dataclass(frozen=True, slots=True)
class StoredShare:
    """One row. Times are whole seconds since 1970.

    Attributes:
        key_id: which node key sealed it.
        sealed: the sealed share.
        recipient_tag: HMAC that stands for the recipient.
        revocation_hash: SHA-256 of the sender's revocation token, or None if it cannot be revoked.
        share_set: the ``x-osak-share-set`` header in its canonical form, or None.
    """

    share_id: str
    key_id: str
    sealed: bytes = field(repr=False)
    recipient_tag: bytes = field(repr=False)
    created_at: int
    expires_at: int
    revocation_hash: bytes | None = field(default=None, repr=False)
    share_set: str | None = None

    @property
    def row_id(self) -> str:
        """What the seal is bound to."""
        return self.share_id


MAX_RELEASE_TIMES: Final = 50


@dataclass(frozen=True, slots=True)
class Releases:
    """How often a share was given out, and when.

    Attributes:
        count: all of them.
        times: the latest, oldest first, at most ``MAX_RELEASE_TIMES``; seconds since 1970.
    """

    count: int = 0
    times: tuple[int, ...] = ()

    def and_at(self, time: int) -> "Releases":
        """With one more."""
        return Releases(self.count + 1, (*self.times, time)[-MAX_RELEASE_TIMES:])


@dataclass(frozen=True, slots=True)
class StoredCapsule:
    """One capsule's row. Times are whole seconds since 1970.

    Attributes:
        key_id: which node key sealed it.
        sealed: the sealed key material.
        recipient_tag: HMAC that stands for the recipient's public key.
    """

    transaction_id: str
    key_id: str
    sealed: bytes = field(repr=False)
    recipient_tag: bytes = field(repr=False)
    created_at: int
    expires_at: int

    @property
    def row_id(self) -> str:
        """What the seal is bound to."""
        return self.transaction_id


StoredRow = StoredShare | StoredCapsule
RowT = TypeVar("RowT", StoredShare, StoredCapsule)


class Rows(Protocol[RowT]):
    """Where a node keeps rows under a seal, of either kind. Every method may raise ``StorageError``."""

    async def add(self, row: RowT, /) -> None:
        """Keep a new row durably; an id that is already there is a ``StorageError``."""
        ...

    async def get(self, row_id: str, now: int, /) -> RowT | None:
        """The row, or None if it is unknown or expired at ``now``."""
        ...

    async def remove_expired(self, now: int) -> int:
        """Erase expired rows and what belongs to them; return how many rows.

        A store that lets go of them by itself, as Redis does, has nothing to do and says 0.
        """
        ...

    async def count(self) -> int:
        """How many rows there are, expired ones too; of many it takes a while, in the background."""
        ...

    def walk(self) -> AsyncIterator[RowT]:
        """Every row that is there all the while, expired or not; one may come twice."""
        ...

    async def replace(self, before: RowT, after: RowT) -> bool:
        """Put ``after``, of the same id and end, durably in the place of ``before``; nothing else changes.

        False if ``before`` is not there any more, exactly as it was: nothing comes back that was deleted.
        """
        ...

    async def check(self) -> None:
        """Return if the store can be used now."""
        ...

    async def close(self) -> None:
        """Finish what is under way and let go of the backend; safe to call twice."""
        ...


class ShareStore(Rows[StoredShare], Protocol):
    """Where a node keeps shares and spent nonces."""

    async def spend(self, share_id: str, nonce: str, keep_until: int, released_at: int | None = None) -> bool:
        """Record durably that ``nonce`` was used; False if it already was or the share is gone.

        With ``released_at`` a release is recorded in the same step: the share is about to be given out.
        """
        ...

    async def releases(self, share_id: str) -> Releases:
        """How often the share was given out; nothing is known of one that is gone."""
        ...

    async def remember_releases(self, share_id: str, releases: Releases) -> None:
        """Take over what another store knows, if that is more; does nothing if the share is gone."""
        ...

    async def delete(self, share_id: str) -> bool:
        """Erase a share; False if there was none."""
        ...


class CapsuleStore(Rows[StoredCapsule], Protocol):
    """Where a node keeps capsules."""
