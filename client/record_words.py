# SPDX-License-Identifier: MIT
"""Says in a line whose record of a header it is, as people would.

The words come from the type field of the key label (CDOC2, appendix D), but only where it fits the
capsule: a label is free text by whoever wrote the file. For shares the capsule's own recipient id
counts, since that is whom the servers will ask for. Everything returned is safe to print.
"""

import re
from collections.abc import Mapping
from typing import Final

from osak.client.container import (
    Capsule,
    ECCapsule,
    KeyServerCapsule,
    KeySharesCapsule,
    PasswordCapsule,
    RSACapsule,
    SymmetricCapsule,
    ThresholdSharesCapsule,
    UnknownCapsule,
    key_label,
)

_CARDS: Final = {"id-card": "ID-card", "digi-id": "Digi-ID", "digi-id e-resident": "e-resident's Digi-ID"}
_CARD_NAME: Final = re.compile(r"(?P<last>[^,]+),(?P<first>[^,]+),(?P<code>\d{11})")
_CARD_SUFFIX: Final = re.compile(r" \((?P<card>id-card|digi-id)\)$", re.IGNORECASE)
"""What the official Java client appends to a card's common name."""
_ESTONIAN: Final = "PNOEE-"


def printable(text: str) -> str:
    """A stranger's text, safe to show on a terminal."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def owner(capsule: Capsule, stored_label: str) -> str:
    """Whose record it is, for example ``ID-card of JÕEORG, JAAK-KRISTJAN 38001085718``."""
    fields = key_label.fields(stored_label)
    shown = key_label.display(stored_label)
    return printable(_owner(capsule, fields, fields.get("type", "").lower(), shown))


def _owner(capsule: Capsule, fields: Mapping[str, str], kind: str, shown: str) -> str:
    match capsule:
        case KeySharesCapsule() | ThresholdSharesCapsule():
            return f"Smart-ID or Mobile-ID of {_code(capsule.recipient_id.removeprefix('etsi/'))}"
        case PasswordCapsule():
            return f"password, hint: {shown}"
        case SymmetricCapsule():
            return f"symmetric key, label: {shown}"
        case ECCapsule() | RSACapsule() | KeyServerCapsule():
            return _key_owner(fields, kind, shown)
        case UnknownCapsule():
            return shown


def _key_owner(fields: Mapping[str, str], kind: str, shown: str) -> str:
    if kind in _CARDS:
        holder = _card_holder(fields)
        return f"{_CARDS[kind]} of {holder}" if holder else _CARDS[kind]
    file = f" (file {fields['file']})" if fields.get("file") else ""
    if kind == "cert":
        name = fields.get("cn")
        number = fields.get("cert_sha1", "")
        return f"certificate of {_person(name)}{file}" if name else f"certificate {number}".rstrip() + file
    if kind == "pub_key" or (fields and not kind):
        # libcdoc labels a bare key without a type.
        return f"public key {fields.get('label', '')}".rstrip() + file
    suffix = _CARD_SUFFIX.search(shown)
    return f"{_CARDS[suffix['card'].lower()]} of {_person(shown)}" if suffix else _person(shown)


def _card_holder(fields: Mapping[str, str]) -> str:
    names = [fields[name] for name in ("last_name", "first_name") if fields.get(name)]
    number = fields.get("serial_number")
    if names and number:
        return f"{', '.join(names)} {_code(number)}"
    return _person(fields.get("cn") or _code(number or ""))


def _person(common_name: str) -> str:
    """``LAST,FIRST,CODE`` as people write it; any other name as it is."""
    name = _CARD_SUFFIX.sub("", common_name)
    match = _CARD_NAME.fullmatch(name)
    return f"{match['last']}, {match['first']} {match['code']}" if match else name


def _code(identifier: str) -> str:
    """An Estonian personal code without the words around it; others keep theirs."""
    return identifier.removeprefix(_ESTONIAN)
