# SPDX-License-Identifier: MIT
"""Splitting a KEK and handing one share to each of n servers: a quorum takes theirs, or none keeps one.

All uploads run at once and each is waited for, also after the quorum: a share at one more server is
worth more than a second. When the quorum can no longer be reached, or the work is cancelled, what was
stored is revoked again; uploads still under way get a moment to say their id, so that they can be
revoked too. An upload whose answer never came may have left a share that nobody can name: alone it
tells nothing, and it falls away when it expires. An upload is repeated only if it was never sent.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from osak.coordinator.attempt import attempt, failure_outcome, outcome_of, was_never_sent
from osak.coordinator.crew import Crew
from osak.coordinator.errors import DistributionError, TransportError
from osak.coordinator.group import MAX_TICKET_AUDIENCES, Group, Server, Timeouts
from osak.coordinator.outcome import Outcome, Status
from osak.coordinator.placement import Placement, Receipt, Scheme
from osak.coordinator.revoke import revoke_one
from osak.coordinator.transport.base import NodeTransport, UploadOptions
from osak.shares import Share, Threshold, ThresholdError, commit, split, split_all
from osak.shares.protocol.messages import ShareMessage
from osak.shares.protocol.share_set import SHARE_SET_ID_BYTES, ShareSetMember
from osak.shares.protocol.strict_json import encode_base64

REVOCATION_TOKEN_BYTES = 32
UNDO_PATIENCE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Distribution:
    """Where the shares of one KEK lie now: what the container must record.

    Attributes:
        placements: one for each server that took its share, in index order.
        share_set: 16 random bytes that name the set at every server; empty for n-of-n.
        threshold: how many of the placements open the container; all of them for n-of-n.
        salt: the key of the commitments, as given.
        receipts: what revokes the shares again, one a placement.
        outcomes: one a server of the group, in its order.
    """

    placements: tuple[Placement, ...]
    share_set: bytes
    threshold: int
    salt: bytes = field(repr=False)
    receipts: tuple[Receipt, ...] = field(repr=False)
    outcomes: tuple[Outcome, ...]


@dataclass(slots=True)
class _Upload:
    """One server's share on its way.

    Attributes:
        started: event loop time.
        receipt: set when the server has taken the share.
        outcome: set when the upload has ended, one way or the other.
    """

    server: Server
    share: Share = field(repr=False)
    message: ShareMessage = field(repr=False)
    options: UploadOptions = field(repr=False)
    token: str = field(repr=False)
    started: float
    receipt: Receipt | None = field(default=None, repr=False)
    outcome: Outcome | None = None


async def distribute(
    kek: bytes,
    group: Group,
    recipient_id: str,
    transport: NodeTransport,
    *,
    scheme: Scheme,
    salt: bytes,
    expires_at: datetime | None,
    random_bytes: Callable[[int], bytes],
    timeouts: Timeouts,
) -> Distribution:
    """Split ``kek`` (32 bytes) and store one share at each server of ``group``.

    Args:
        kek: what opens the container.
        group: its servers in index order, threshold and write quorum.
        recipient_id: who may fetch the shares.
        transport: how calls reach servers.
        scheme: ``t-of-n``, or ``n-of-n``, which needs every server whatever the group says.
        salt: key of the commitments; the capsule's salt.
        expires_at: aware time after which servers may forget; None leaves it to them.
        random_bytes: source of shares, set id and revocation tokens.
        timeouts: how long to wait.

    Raises:
        DistributionError: fewer servers than the write quorum took their share.
        ThresholdError: more servers are needed to open than a ticket can name; for n-of-n that is all.
        SharesError: ``kek`` or ``recipient_id`` is malformed.
    """
    plan = _Plan.make(kek, group, scheme, random_bytes)
    uploads = [
        _prepare(
            server,
            share,
            plan,
            recipient_id,
            expires_at=expires_at,
            token=random_bytes(REVOCATION_TOKEN_BYTES),
        )
        for server, share in zip(group.servers, plan.shares, strict=True)
    ]
    async with Crew() as crew:
        for upload in uploads:
            crew.start(_run(upload, transport))
        try:
            enough = await _await_quorum(uploads, plan.quorum, crew, timeouts)
        except BaseException:
            await _undo(uploads, transport, crew, timeouts)
            raise
        if not enough:
            orphans = await _undo(uploads, transport, crew, timeouts)
            raise DistributionError(_outcomes(uploads), orphans, plan.quorum, len(_taken(uploads)))
    placements = [_place(upload, salt if scheme == "t-of-n" else None) for upload in _taken(uploads)]
    receipts = [upload.receipt for upload in uploads if upload.receipt is not None]
    return Distribution(
        tuple(placements), plan.share_set, plan.threshold.needed, salt, tuple(receipts), _outcomes(uploads)
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """A KEK in shares, and how many servers must take theirs."""

    shares: tuple[Share, ...] = field(repr=False)
    threshold: Threshold
    quorum: int
    share_set: bytes

    @classmethod
    def make(cls, kek: bytes, group: Group, scheme: Scheme, random_bytes: Callable[[int], bytes]) -> "_Plan":
        count = len(group.servers)
        needed = count if scheme == "n-of-n" else group.threshold
        if needed > MAX_TICKET_AUDIENCES:
            raise ThresholdError(
                f"{needed} of {count} servers would be needed to open the file, and one signature can"
                f" reach {MAX_TICKET_AUDIENCES}: nobody could open it"
            )
        if scheme == "n-of-n":
            return cls(split_all(kek, count, random_bytes), Threshold(count, count), count, b"")
        threshold = Threshold(needed, count)
        # A group whose threshold was raised for one container may have a quorum below it.
        quorum = max(group.write_quorum or count, threshold.needed)
        return cls(split(kek, threshold, random_bytes), threshold, quorum, random_bytes(SHARE_SET_ID_BYTES))


def _prepare(
    server: Server,
    share: Share,
    plan: _Plan,
    recipient_id: str,
    *,
    expires_at: datetime | None,
    token: bytes,
) -> _Upload:
    member = None
    if plan.share_set:
        # Not for an XOR sharing: nodes must not take it for a set that can be refreshed or repaired.
        member = ShareSetMember(plan.share_set, share.index, plan.threshold.needed, plan.threshold.total)
    options = UploadOptions(expires_at, hashlib.sha256(token).digest(), member)
    message = ShareMessage(share.value, recipient_id)
    started = asyncio.get_running_loop().time()
    return _Upload(server, share, message, options, encode_base64(token), started)


async def _run(upload: _Upload, transport: NodeTransport) -> None:
    loop = asyncio.get_running_loop()
    server, started = upload.server, upload.started
    try:
        share_id = await attempt(
            lambda: transport.create_share(server, upload.message, upload.options), repeat_if=was_never_sent
        )
    except TransportError as error:
        upload.outcome = failure_outcome(server, error, loop.time() - started)
        return
    elapsed = loop.time() - started
    upload.receipt = Receipt(server.id, str(server.url), share_id, upload.token)
    upload.outcome = outcome_of(server, Status.OK, f"took its share in {elapsed * 1000:.0f} ms", elapsed)


async def _await_quorum(uploads: Sequence[_Upload], quorum: int, crew: Crew, timeouts: Timeouts) -> bool:
    """Wait for all uploads; stop early when the quorum is out of reach. Returns whether it was reached."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeouts.overall_seconds
    while True:
        taken = len(_taken(uploads))
        under_way = sum(upload.outcome is None for upload in uploads)
        if under_way == 0 or taken + under_way < quorum or loop.time() >= deadline:
            return taken >= quorum
        await crew.wait(deadline)


async def _undo(
    uploads: Sequence[_Upload], transport: NodeTransport, crew: Crew, timeouts: Timeouts
) -> list[Receipt]:
    """Revoke every share that was stored; return the receipts of those that could not be."""
    loop = asyncio.get_running_loop()
    patience = loop.time() + UNDO_PATIENCE_SECONDS
    while any(upload.outcome is None for upload in uploads) and loop.time() < patience:
        await crew.wait(patience)
    taken = _taken(uploads)
    results = await asyncio.gather(*(_take_back(upload, transport, timeouts) for upload in taken))
    return [orphan for orphan in results if orphan is not None]


async def _take_back(upload: _Upload, transport: NodeTransport, timeouts: Timeouts) -> Receipt | None:
    assert upload.receipt is not None, "only what was taken is taken back"
    assert upload.outcome is not None, "what was taken has ended"
    revoked = await revoke_one(upload.receipt, upload.server, transport, timeouts)
    if revoked.status is Status.OK:
        upload.outcome = replace(upload.outcome, detail="took its share; it was revoked again")
        return None
    upload.outcome = replace(upload.outcome, detail=f"took its share; revoking it failed: {revoked.detail}")
    return upload.receipt


def _taken(uploads: Sequence[_Upload]) -> list[_Upload]:
    return [upload for upload in uploads if upload.receipt is not None]


def _place(upload: _Upload, salt: bytes | None) -> Placement:
    """What the container says about a taken share; with a salt, its commitment too."""
    assert upload.receipt is not None, "only taken shares have a place"
    commitment = None if salt is None else commit(upload.share, salt)
    receipt = upload.receipt
    return Placement(receipt.server_id, receipt.server_url, receipt.share_id, upload.share.index, commitment)


def _outcomes(uploads: Sequence[_Upload]) -> tuple[Outcome, ...]:
    now = asyncio.get_running_loop().time()
    return tuple(
        upload.outcome
        or outcome_of(upload.server, Status.SLOW, "did not answer in time", now - upload.started)
        for upload in uploads
    )
