# SPDX-License-Identifier: MIT
"""The use cases of a node: create, issue a nonce, release, tell releases, revoke. No HTTP, no backend.

The order of checks in ``release`` is the law here. Everything about the person and the ticket comes
first, then the nonce is spent, in one atomic step of the store: a stranger cannot burn somebody's
nonce, and of any number of simultaneous requests with one ticket exactly one succeeds. Last the audit log is
written, without which nothing leaves. Unknown share, foreign recipient, stale or spent nonce and
revoked share all raise the same ``ShareNotFoundError``.
"""

import hashlib
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from osak.node.audit.journal import Journal
from osak.node.audit.record import Event
from osak.node.auth.base import Authenticator, Evidence, RevocationCheck, SessionEvidence
from osak.node.auth.sessions import Sessions
from osak.node.errors import (
    RouteNotFoundError,
    SealingError,
    SessionRefusedError,
    ShareNotFoundError,
    StatusUnavailableError,
    TicketRefusedError,
    TooManyRequestsError,
)
from osak.node.expiry import ERASED_AFTER_SECONDS, ExpiryRules
from osak.node.limits.recipients import RecipientLimit
from osak.node.nonces import NonceMint
from osak.node.sealing import Sealer
from osak.node.storage.base import ShareStore, StoredShare
from osak.node.tracing.base import SpanMaker, no_span
from osak.shares.protocol.messages import NonceReply, ReleasesReply, ShareMessage
from osak.shares.protocol.share_set import ShareSetMember
from osak.shares.protocol.urls import Purpose, ServerURL

SHARE_ID_BYTES = 16

_REFUSALS: Final = (
    SessionRefusedError,
    TicketRefusedError,
    StatusUnavailableError,
    ShareNotFoundError,
    SealingError,
    TooManyRequestsError,
)


@dataclass(frozen=True, slots=True)
class CreatedShare:
    """The receipt of a stored share; ``expires_at`` is in seconds since 1970."""

    share_id: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class _Owned:
    """A share, its proven recipient, and the nonce of the ticket that proved it."""

    stored: StoredShare
    recipient_id: str
    nonce: str = field(repr=False)
    keep_nonce_until: int


class ShareService:
    """One node's use cases over a store, an authenticator and the node's key."""

    def __init__(
        self,
        *,
        public_url: ServerURL,
        store: ShareStore,
        authenticator: Authenticator,
        revocation: RevocationCheck,
        sealer: Sealer,
        nonces: NonceMint,
        expiry: ExpiryRules,
        recipient_limit: RecipientLimit,
        journal: Journal,
        span: SpanMaker = no_span,
        clock: Callable[[], float],
        random_bytes: Callable[[int], bytes],
        sessions: Sessions | None = None,
    ) -> None:
        self._sessions = sessions
        self._journal = journal
        self._span = span
        self._recipient_limit = recipient_limit
        self._public_url = public_url
        self._store = store
        self._authenticator = authenticator
        self._revocation = revocation
        self._sealer = sealer
        self._nonces = nonces
        self._expiry = expiry
        self._clock = clock
        self._random_bytes = random_bytes

    async def create(
        self,
        message: ShareMessage,
        *,
        expires_at: datetime | None = None,
        revocation_hash: bytes | None = None,
        share_set: ShareSetMember | None = None,
        sender: str = "",
    ) -> CreatedShare:
        """Store a share durably and return its new random id.

        Args:
            message: the share and its recipient.
            expires_at: when the sender wants it gone; cut to the node's longest time.
            revocation_hash: SHA-256 of a token that may delete it.
            share_set: kept beside the share, not interpreted.
            sender: which organisation stores it, for the audit log.

        Raises:
            BadRequestError: ``expires_at`` is not in the future.
            StorageError: it was not stored.
        """
        now = self._now()
        share_id = self._random_bytes(SHARE_ID_BYTES).hex()
        tag = self._sealer.recipient_tag(share_id, message.recipient)
        share = StoredShare(
            share_id=share_id,
            key_id=self._sealer.key_id,
            sealed=self._sealer.seal(message.share, share_id, tag),
            recipient_tag=tag,
            created_at=now,
            expires_at=self._expiry.end_for(expires_at, now),
            revocation_hash=revocation_hash,
            share_set=None if share_set is None else str(share_set),
        )
        await self._journal.create(share_id, sender)
        with self._span("store add"):
            await self._store.add(share)
        return CreatedShare(share_id, share.expires_at)

    def issue_session_nonce(self) -> NonceReply:
        """A fresh nonce for a session with this node; issuing keeps nothing.

        Raises:
            RouteNotFoundError: this node takes no sessions.
        """
        if self._sessions is None:
            raise RouteNotFoundError("no sessions here")
        return NonceReply(self._sessions.issue_nonce(datetime.fromtimestamp(self._now(), UTC)))

    async def issue_nonce(self, share_id: str, session: SessionEvidence | None = None) -> NonceReply:
        """A fresh single-use nonce for one share; issuing keeps nothing.

        Raises:
            SessionRefusedError: a session is needed or shown, and none is proved.
            ShareNotFoundError: no such share, or not of the session's person.
            StorageError: the store cannot be asked.
        """
        now = self._now()
        holder = self._holder(session, now)
        stored = await self._find(share_id, now)
        if holder is not None:
            self._check_owner(stored, holder)
        await self._journal.nonce(share_id)
        return NonceReply(self._nonces.issue(share_id, now))

    async def release(self, share_id: str, evidence: Evidence) -> ShareMessage:
        """Give a share to its recipient and spend the nonce.

        Raises:
            TicketRefusedError: the evidence proves nothing, or is for another node or share, or was revoked.
            StatusUnavailableError: the node was told to refuse if nobody can tell that.
            ShareNotFoundError: nothing to release to this person with this nonce.
            TooManyRequestsError: this person fetched too many shares lately.
            SealingError: the share cannot be opened with this node's key.
            StorageError: the store cannot be asked, or the audit log not written: then nothing is given.
        """
        async with self._noting_refusals(share_id, Event.RELEASE):
            return await self._release(share_id, evidence)

    async def _release(self, share_id: str, evidence: Evidence) -> ShareMessage:
        now = self._now()
        owned = await self._prove(share_id, evidence, Purpose.SHARE, now)
        stored = owned.stored
        share = self._sealer.open(stored.sealed, share_id, stored.recipient_tag, stored.key_id)
        # (5) Do they fetch too much? Asked only of the proven owner, so that nobody else can use it up.
        await self._recipient_limit.admit(self._sealer.recipient_tag("rate", owned.recipient_id))
        # (6) Atomically: spend the nonce, if the share is still there.
        await self._spend(owned, released_at=now)
        # (7) Last: nothing leaves before the log of it is on the disk.
        await self._journal.release(share_id, owned.recipient_id)
        return ShareMessage(share, owned.recipient_id)

    async def tell_releases(self, share_id: str, evidence: Evidence) -> ReleasesReply:
        """Tell a share's recipient how often it was given out, and when; spends the nonce.

        Raises:
            NodeError: as ``release``.
        """
        async with self._noting_refusals(share_id, Event.HISTORY):
            now = self._now()
            owned = await self._prove(share_id, evidence, Purpose.RELEASES, now)
            await self._recipient_limit.admit(self._sealer.recipient_tag("rate", owned.recipient_id))
            await self._spend(owned, released_at=None)
            await self._journal.history(share_id, owned.recipient_id)
            with self._span("store get"):
                found = await self._store.releases(share_id)
        times = tuple(datetime.fromtimestamp(time, UTC) for time in found.times)
        return ReleasesReply(datetime.fromtimestamp(owned.stored.created_at, UTC), found.count, times)

    async def _prove(self, share_id: str, evidence: Evidence, purpose: Purpose, now: int) -> _Owned:
        """Checks (1) to (4): return the share if this is its recipient, who wants this of it."""
        # (0) Who has logged in, where this node cares?
        holder = self._holder(evidence.session, now)
        # (1) Certificate and signature: who asks?
        with self._span("check ticket"):
            principal = self._authenticator.authenticate(evidence, datetime.fromtimestamp(now, UTC))
        if holder not in {None, principal.recipient_id}:
            raise TicketRefusedError("the session is another person's")
        # (2) Is the ticket for me and for this share?
        audience = principal.audience
        if audience.server != self._public_url:
            raise TicketRefusedError("the audience is another server")
        if audience.share_id != share_id:
            raise TicketRefusedError("the audience is another share")
        if audience.purpose is not purpose:
            raise TicketRefusedError("the ticket is for something else")
        # (3) Did I issue the nonce for this share, lately?
        keep_until = self._nonces.check(share_id, audience.nonce, now)
        # (4) Is there such a share, and is it this person's?
        stored = await self._find(share_id, now)
        self._check_owner(stored, principal.recipient_id)
        # Was their certificate revoked? Asked only about the proven owner, so that nobody else can make this
        # node ask anybody anything.
        with self._span("check revocation"):
            await self._revocation.check(principal.chain, datetime.fromtimestamp(now, UTC))
        return _Owned(stored, principal.recipient_id, audience.nonce, keep_until)

    def _holder(self, session: SessionEvidence | None, now: int) -> str | None:
        if self._sessions is None:
            return None
        return self._sessions.admit(session, datetime.fromtimestamp(now, UTC))

    def _check_owner(self, stored: StoredShare, recipient_id: str) -> None:
        tag = self._sealer.recipient_tag(stored.share_id, recipient_id)
        if not hmac.compare_digest(tag, stored.recipient_tag):
            raise ShareNotFoundError("the share is another person's")

    async def _spend(self, owned: _Owned, *, released_at: int | None) -> None:
        with self._span("store spend"):
            is_fresh = await self._store.spend(
                owned.stored.share_id, owned.nonce, owned.keep_nonce_until, released_at
            )
        if not is_fresh:
            raise ShareNotFoundError("the nonce was spent, or the share deleted meanwhile")

    async def revoke(self, share_id: str, token: bytes) -> None:
        """Delete a share for whoever holds its revocation token.

        Raises:
            ShareNotFoundError: no such share, not revocable, or another token.
            StorageError: it was not deleted.
        """
        async with self._noting_refusals(share_id, Event.DELETE):
            await self._revoke(share_id, token)

    async def _revoke(self, share_id: str, token: bytes) -> None:
        stored = await self._find(share_id, self._now())
        given = hashlib.sha256(token).digest()
        if stored.revocation_hash is None or not hmac.compare_digest(given, stored.revocation_hash):
            raise ShareNotFoundError("the revocation token is not this share's")
        await self._journal.delete(share_id)
        if not await self._store.delete(share_id):
            raise ShareNotFoundError("the share was deleted meanwhile")

    async def remove_expired(self) -> int:
        """Erase shares a day after their end and return how many; they were invisible since that."""
        removed = await self._store.remove_expired(self._now() - ERASED_AFTER_SECONDS)
        await self._journal.expire(removed)
        return removed

    async def check(self) -> None:
        """Return if the node can serve.

        Raises:
            StorageError: the store cannot be used, or the audit log not written.
        """
        await self._store.check()
        await self._journal.check()

    @asynccontextmanager
    async def _noting_refusals(self, share_id: str, act: Event) -> AsyncIterator[None]:
        """Log why something was refused; a fault of the store or of the log is no refusal."""
        try:
            yield
        except _REFUSALS as reason:
            await self._journal.refusal(share_id, act, reason)
            raise

    async def _find(self, share_id: str, now: int) -> StoredShare:
        with self._span("store get"):
            stored = await self._store.get(share_id, now)
        if stored is None:
            raise ShareNotFoundError("no such share")
        self._sealer.require_key(stored.key_id)
        return stored

    def _now(self) -> int:
        return int(self._clock())
