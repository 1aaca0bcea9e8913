# SPDX-License-Identifier: MIT
"""One line of the audit log, and how lines hang together. Pure: no file, no clock, no key.

A line is ``<hash> <JSON>`` and a newline. The hash is SHA-256 over ``osak-audit-v1``, the hash of the line
before and the JSON, in hexadecimal; before the first line stand 64 zeros. So no line can be changed,
taken out or moved without all later ones changing too. The JSON is canonical: names sorted, no spaces, ASCII.
Every line has ``n`` (counted from 1 over all segments), ``time`` (RFC 3339) and ``event``.
"""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from osak.node.errors import AuditError

CHAIN_START = "0" * 64
MAX_LINE_BYTES = 4096
_HASH_CHARACTERS = 64
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


class Event(StrEnum):
    """What can stand in a log."""

    START = "start"
    STOP = "stop"
    CREATE = "create"
    NONCE = "nonce"
    RELEASE = "release"
    HISTORY = "history"
    REFUSAL = "refusal"
    DELETE = "delete"
    EXPIRE = "expire"
    RESEAL = "reseal"
    CHECKPOINT = "checkpoint"
    HEALED = "healed"
    BACKUP = "backup"
    RESTORE = "restore"
    MIGRATE = "migrate"


@dataclass(frozen=True, slots=True)
class Position:
    """The end of a log: its last line's number and hash."""

    number: int = 0
    chain: str = CHAIN_START


@dataclass(frozen=True, slots=True)
class Record:
    """A line that was read and hangs in the chain."""

    position: Position
    fields: dict[str, Any]

    @property
    def event(self) -> str:
        """What happened."""
        return str(self.fields["event"])


def encode_line(
    before: Position, time_text: str, event: Event, fields: dict[str, Any]
) -> tuple[bytes, Position]:
    """The next line and the log's new end."""
    number = before.number + 1
    whole = {**fields, "n": number, "time": time_text, "event": event.value}
    text = _CANONICAL.encode(whole)
    chain = _link(before.chain, text)
    return f"{chain} {text}\n".encode("ascii"), Position(number, chain)


def decode_line(before: Position, line: bytes) -> Record:
    """Read the line that follows ``before``, without its newline.

    Raises:
        AuditError: it is malformed, was changed, or is not the next one.
    """
    try:
        chain, _, text = line.decode("ascii").partition(" ")
        fields = json.loads(text)
        canonical = _CANONICAL.encode(fields)
    except (ValueError, RecursionError) as error:
        raise AuditError("not a line of an audit log") from error
    if not isinstance(fields, dict) or canonical != text or len(chain) != _HASH_CHARACTERS:
        raise AuditError("not a line of an audit log")
    if chain != _link(before.chain, text):
        raise AuditError("this line or the one before it was changed, moved or taken out")
    if fields.get("n") != before.number + 1 or str(fields.get("event")) not in set(Event):
        raise AuditError("a line that no node writes")
    return Record(Position(before.number + 1, chain), fields)


def _link(before: str, text: str) -> str:
    return hashlib.sha256(f"osak-audit-v1\0{before}\0{text}".encode("ascii")).hexdigest()
