# SPDX-License-Identifier: MIT
"""Use case: say who can open a container, and how, from its open header alone.

The header is not authenticated until somebody opens the container, so everything here is what the
file claims. What is for people is safe to print; what is for programs is as the file has it.
"""

from dataclasses import dataclass
from typing import Any, BinaryIO

from osak.client.configuration import Configuration
from osak.client.container import (
    Capsule,
    ECCapsule,
    KeyServerCapsule,
    KeySharesCapsule,
    PasswordCapsule,
    Recipient,
    RSACapsule,
    SymmetricCapsule,
    ThresholdSharesCapsule,
    UnknownCapsule,
    key_label,
    read_header,
)
from osak.client.inputs import AnyPath, reading
from osak.client.record_words import owner, printable


@dataclass(frozen=True, slots=True)
class RecordDescription:
    """One recipient record.

    Attributes:
        kind: short stable name, for programs.
        who: whose it is, for people.
        how: what opens it, for people, where ``who`` does not say it.
        label: the key label as stored.
        label_fields: its fields, if it is machine-readable.
        details: more, by name.
        problem: why this version cannot use the record, or empty.
    """

    kind: str
    who: str
    how: str
    label: str
    label_fields: dict[str, str]
    details: dict[str, Any]
    problem: str

    @property
    def line(self) -> str:
        """Whose it is and what opens it."""
        return f"{self.who} ({self.how})" if self.how else self.who

    @property
    def remarks(self) -> list[str]:
        """More for people: the servers that keep its shares, and why it cannot be used."""
        servers = [printable(str(server)) for server in self.details.get("servers", ())]
        return [*servers, *([f"cannot be used: {printable(self.problem)}"] if self.problem else [])]


def inspect_file(container: AnyPath | BinaryIO, *, config: Configuration) -> tuple[RecordDescription, ...]:
    """Describe every recipient record of ``container``.

    Raises:
        DamagedContainerError: not a CDOC2 container, or a damaged one.
        UsageError: there is no such file.
    """
    with reading(container) as source:
        header = read_header(source, config.container_limits())
    return tuple(describe_record(record) for record in header.recipients)


def describe_record(record: Recipient) -> RecordDescription:
    """Describe one record by what it says of itself."""
    kind, how, details = _describe(record.capsule)
    label = record.key_label
    return RecordDescription(
        kind,
        owner(record.capsule, label),
        how,
        label,
        dict(key_label.fields(label)),
        details,
        record.problem or "",
    )


def _describe(capsule: Capsule) -> tuple[str, str, dict[str, Any]]:  # noqa: PLR0911 - one a kind
    """Kind, how it is opened, and details of a capsule."""
    match capsule:
        case ECCapsule():
            return "ec", f"EC key, {capsule.curve.name}", {"curve": capsule.curve.name}
        case RSACapsule():
            return "rsa", "RSA key", {}
        case SymmetricCapsule():
            return "secret", "", {}
        case PasswordCapsule():
            return "password", "", {"iterations": capsule.iterations}
        case KeyServerCapsule():
            details = {"server": capsule.keyserver_id, "transaction": capsule.transaction_id}
            return "key-server", f"key kept by capsule server {printable(capsule.keyserver_id)}", details
        case KeySharesCapsule() | ThresholdSharesCapsule():
            return _describe_shares(capsule)
        case UnknownCapsule():
            return "unknown", "a kind that this version does not know", {"type": capsule.type_number}


def _describe_shares(capsule: KeySharesCapsule | ThresholdSharesCapsule) -> tuple[str, str, dict[str, Any]]:
    servers = [share.server_base_url for share in capsule.shares]
    count = len(servers)
    details: dict[str, Any] = {"recipient": capsule.recipient_id, "servers": servers}
    if isinstance(capsule, KeySharesCapsule):
        return "key-shares", f"key shares, all {count} servers are needed", details
    details |= {
        "threshold": capsule.threshold,
        "share_set": capsule.share_set.hex(),
        "group": capsule.group,
        "server_ids": [share.server_id for share in capsule.shares],
    }
    return "threshold-shares", f"key shares, any {capsule.threshold} of {count} servers", details
