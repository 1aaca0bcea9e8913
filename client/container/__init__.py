# SPDX-License-Identifier: MIT
"""CDOC2 containers, version 2: the front door of the format.

``write_container`` writes one, ``ContainerWriter`` one whose files come one by one. To open one:
``read_header``, ``unlock`` with a key, then ``extract`` or ``list_entries`` on the same stream. Pure
streams: no files, no network, no clock. Errors are in `errors`, all that a stranger's bytes may ask
for in `limits`.
"""

from osak.client.container.archive import Entry
from osak.client.container.capsules import (
    Capsule,
    Curve,
    ECCapsule,
    KeyServerCapsule,
    KeyShare,
    KeySharesCapsule,
    PasswordCapsule,
    Recipient,
    RSACapsule,
    SymmetricCapsule,
    ThresholdShare,
    ThresholdSharesCapsule,
    UnknownCapsule,
)
from osak.client.container.compression import Compression
from osak.client.container.limits import Limits
from osak.client.container.reader import (
    ContainerHeader,
    PayloadKeys,
    extract,
    is_right_kek,
    list_entries,
    read_header,
    unlock,
)
from osak.client.container.recipients.base import RecipientWriter, Unlocker
from osak.client.container.recipients.kek import KekRecipient, KekUnlocker
from osak.client.container.recipients.password import PasswordRecipient, PasswordUnlocker
from osak.client.container.recipients.public_key import (
    PrivateKeyUnlocker,
    PublicKeyRecipient,
    public_key_bytes,
)
from osak.client.container.recipients.symmetric import SymmetricRecipient, SymmetricUnlocker
from osak.client.container.sink import MemorySink, Sink
from osak.client.container.unpack import ExtractedEntry
from osak.client.container.writer import ContainerSummary, ContainerWriter, write_container

__all__ = [
    "Capsule",
    "Compression",
    "ContainerHeader",
    "ContainerSummary",
    "ContainerWriter",
    "Curve",
    "ECCapsule",
    "Entry",
    "ExtractedEntry",
    "KekRecipient",
    "KekUnlocker",
    "KeyServerCapsule",
    "KeyShare",
    "KeySharesCapsule",
    "Limits",
    "MemorySink",
    "PasswordCapsule",
    "PasswordRecipient",
    "PasswordUnlocker",
    "PayloadKeys",
    "PrivateKeyUnlocker",
    "PublicKeyRecipient",
    "RSACapsule",
    "Recipient",
    "RecipientWriter",
    "Sink",
    "SymmetricCapsule",
    "SymmetricRecipient",
    "SymmetricUnlocker",
    "ThresholdShare",
    "ThresholdSharesCapsule",
    "UnknownCapsule",
    "Unlocker",
    "extract",
    "is_right_kek",
    "list_entries",
    "public_key_bytes",
    "read_header",
    "unlock",
    "write_container",
]
