# SPDX-License-Identifier: MIT
"""What the use cases tell the audit log, in its words and with pseudonyms; nothing else of them gets there.

A create and a delete are written before they are done, a release before the share leaves: what has an effect
is in the log, and what the log cannot take has none. A nonce alone has none: nobody waits for its line. No
share, nonce, ticket or plain id is passed on.
"""

from typing import Any

from osak.node.audit.log import AuditLog
from osak.node.audit.record import Event
from osak.node.errors import NodeError
from osak.node.tracing.base import SpanMaker, no_span


class Journal:
    """The acts of a node that keeps shares; any method may raise ``AuditError``. Without a log it is mute."""

    def __init__(self, log: AuditLog | None, span: SpanMaker = no_span) -> None:
        self._log = log
        self._span = span

    async def create(self, share_id: str, sender: str = "") -> None:
        """A share is about to be stored, by this organisation if senders are known."""
        await self._write(Event.CREATE, share_id, **({"sender": sender} if sender else {}))

    async def nonce(self, share_id: str) -> None:
        """A nonce is about to be given out; its line is on the disk before a share is given for it."""
        if self._log is not None:
            await self._log.note(Event.NONCE, share=self._log.keys.pseudonym(share_id))

    async def release(self, share_id: str, recipient_id: str) -> None:
        """A share is about to be given to its recipient."""
        if self._log is not None:
            await self._write(Event.RELEASE, share_id, who=self._log.keys.pseudonym(recipient_id))

    async def history(self, share_id: str, recipient_id: str) -> None:
        """A recipient is about to be told how often a share was given out."""
        if self._log is not None:
            await self._write(Event.HISTORY, share_id, who=self._log.keys.pseudonym(recipient_id))

    async def refusal(self, share_id: str, act: Event, reason: NodeError) -> None:
        """A release or delete was refused; the class of the reason is kept, not its text."""
        await self._write(Event.REFUSAL, share_id, act=act.value, reason=type(reason).__name__)

    async def delete(self, share_id: str) -> None:
        """A share is about to be erased for its sender."""
        await self._write(Event.DELETE, share_id)

    async def expire(self, count: int) -> None:
        """So many shares were erased after their time; and the end of the log is signed if it is not yet."""
        if self._log is not None:
            if count:
                await self._log.write(Event.EXPIRE, count=count)
            await self._log.sign_end()

    async def reseal(self, kind: str, count: int, key_id: str) -> None:
        """So many shares or capsules lie under this key now, and no longer under an old one."""
        if self._log is not None:
            await self._log.write(Event.RESEAL, kind=kind, count=count, key_id=key_id)

    async def check(self) -> None:
        """Return if the log can be written."""
        if self._log is not None:
            await self._log.check()

    async def _write(self, event: Event, share_id: str, **fields: Any) -> None:
        if self._log is not None:
            with self._span("audit log"):
                await self._log.write(event, share=self._log.keys.pseudonym(share_id), **fields)
