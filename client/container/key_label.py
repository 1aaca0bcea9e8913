# SPDX-License-Identifier: MIT
"""Key labels: what tells people, and programs, whose record of a header it is (CDOC2, appendix D).

Writes the machine-readable form ``data:,v=1&…`` with lower-case names in alphabetical order. Reads
every form ever seen, and anything else as free text: a label never stops a decryption, so reading
never raises. For keys and passwords the stored string goes into the key derivation, which is why it
is kept as it is and never normalised.
"""

import base64
import binascii
import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl, urlencode

MAX_LABEL_BYTES: Final = 2**12
"""What the writer accepts; some readers fail above 32 KiB, because the label enters an HKDF."""

_PREFIX: Final = "data:"
_MAX_FIELDS: Final = 32
_SHOWN_FIELDS: Final = ("label", "cn", "file", "sn", "serial_number", "cert_sha1", "type")


@dataclasses.dataclass(frozen=True, slots=True)
class KeyLabel:
    """A label as stored, and the fields found in it by lower-case name; none in free text."""

    stored: str
    fields: Mapping[str, str]

    @property
    def display(self) -> str:
        """The most telling part, fit for a terminal: what cannot be printed is replaced."""
        telling = next(filter(None, map(self.fields.get, _SHOWN_FIELDS)), self.stored)
        return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in telling)

    def matches(self, wanted: str) -> bool:
        """Whether somebody who asks for this label means it: the stored string, or the label in it."""
        return wanted in (self.stored, self.fields.get("label"))


def parse_key_label(stored: str) -> KeyLabel:
    """Read a label. Never raises: what cannot be taken apart is free text."""
    fields: dict[str, str] = {}
    if stored[: len(_PREFIX)].lower() == _PREFIX:
        try:
            pairs = parse_qsl(_encoded_fields(stored), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
        except ValueError:
            pairs = []
        fields = {name.lower(): value for name, value in pairs}
    return KeyLabel(stored, MappingProxyType(fields))


def format_key_label(kind: str, **fields: str | None) -> str:
    """Return a machine-readable label of this type; absent and empty fields are left out."""
    chosen = {name: value for name, value in fields.items() if value} | {"type": kind}
    return f"{_PREFIX},v=1&{urlencode(sorted(chosen.items()))}"


def _encoded_fields(stored: str) -> str:
    """The form-encoded part of ``data:[media type][;base64],fields``, or of ``data:fields`` (Java before 1.4).

    Raises:
        ValueError: it is said to be base64 and is not.
    """
    rest = stored[len(_PREFIX) :]
    head, comma, fields = rest.partition(",")
    if not comma:
        return rest
    if not head.lower().endswith(";base64"):
        # A comma can also stand in a value of the old form without one; then the head has fields.
        return rest if "=" in head and ";" not in head else fields
    try:
        return base64.b64decode(fields, validate=True).decode(errors="replace")
    except binascii.Error as cause:
        raise ValueError("not base64") from cause
