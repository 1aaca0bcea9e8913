# SPDX-License-Identifier: MIT
"""Key labels: what tells people, and programs, whose record of a header it is (CDOC2, appendix D).

Writes the machine-readable form ``data:,v=1&…`` with lower-case names in alphabetical order. Reads
every form ever seen, and anything else as free text: a label never stops a decryption, so reading
never raises. For passwords and secrets the stored string goes into the key derivation, which is why
it is kept as it is and never normalised. Who wants plain labels stores the bare text instead.
"""

import base64
import unicodedata
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlencode

MAX_LABEL_BYTES: Final = 2**12
"""What the writer accepts; some readers fail above 32 KiB, because the label enters an HKDF."""

CARDS: Final = ("ID-card", "Digi-ID", "Digi-ID E-RESIDENT")
"""What the specification calls the kinds of Estonian cards."""

_CERTIFICATE: Final = "cert"
_PREFIX: Final = "data:"
_MAX_FIELDS: Final = 32
_SHOWN_FIELDS: Final = ("label", "cn", "file", "sn", "serial_number", "cert_sha1", "type")


def for_certificate(*, cn: str | None, cert_sha1: str, file: str | None) -> str:
    """Label of a record for the key of a certificate; the digest is in hexadecimal."""
    return _format(_CERTIFICATE, cn=cn, cert_sha1=cert_sha1, file=file)


def for_card(
    kind: str,
    *,
    cn: str,
    serial_number: str,
    last_name: str | None,
    first_name: str | None,
    cert_sha1: str,
) -> str:
    """Label of a record for the key of an Estonian card.

    Args:
        kind: one of ``CARDS``.
        cn: ``LAST NAME,FIRST NAME,CODE``.
        serial_number: such as ``PNOEE-38001085718``.
        last_name: of the holder.
        first_name: of the holder.
        cert_sha1: our addition: a new card and the one it replaces are to have labels that differ.
    """
    names = {"last_name": last_name, "first_name": first_name}
    return _format(kind, cn=cn, serial_number=serial_number, cert_sha1=cert_sha1, **names)


def for_public_key(*, label: str, file: str | None) -> str:
    """Label of a record for a bare public key."""
    return _format("pub_key", label=label, file=file)


def for_password(label: str) -> str:
    """Label of a password record."""
    return _format("pw", label=label)


def for_secret(label: str) -> str:
    """Label of a record for a symmetric key."""
    return _format("secret", label=label)


def for_person(recipient_id: str) -> str:
    """Label of a record whose key is kept in shares for this person, such as ``etsi/PNOEE-48010010101``."""
    return _format("auth", sn=recipient_id)


def with_server_expiry(label: str, seconds: int) -> str:
    """The same label of a certificate, and when a capsule server forgets the record's key, in Unix time.

    Other labels come back as they are: the specification has no such field for them.
    """
    found = dict(fields(label))
    kind = found.pop("type", "")
    if kind != _CERTIFICATE and kind not in CARDS:
        return label
    del found["v"]
    return _format(kind, **found, server_exp=str(seconds))


def is_machine_readable(stored: str) -> bool:
    """Whether readers will look for fields in it."""
    return stored[: len(_PREFIX)].lower() == _PREFIX


def fields(stored: str) -> Mapping[str, str]:
    """The fields of a machine-readable label by lower-case name; none if it is free text."""
    if not is_machine_readable(stored):
        return {}
    try:
        pairs = parse_qsl(_encoded_fields(stored), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return {}
    return {name.lower(): value for name, value in pairs}


def display(stored: str) -> str:
    """The part that tells people most. Not fit for a terminal yet: a stranger wrote it."""
    found = fields(stored)
    return next((found[name] for name in _SHOWN_FIELDS if found.get(name)), stored)


def matches(stored: str, wanted: str) -> bool:
    """Whether somebody who asks for this label means it: the stored string, or the label in it.

    Compared in NFC: keyboards and systems spell the same letters differently.
    """
    names = (stored, fields(stored).get("label"))
    return _composed(wanted) in [_composed(name) for name in names if name is not None]


def _format(kind: str, **values: str | None) -> str:
    """Absent and empty values are left out; a name that is no Unicode text gets question marks."""
    pairs = sorted({name: value for name, value in values.items() if value}.items() | {("type", kind)})
    return f"{_PREFIX},v=1&{urlencode(pairs, errors='replace')}"


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _encoded_fields(stored: str) -> str:
    """The form-encoded part of ``data:[media type][;base64],fields``, or of ``data:fields`` (older Java).

    Raises:
        ValueError: it is said to be base64 and is not.
    """
    rest = stored[len(_PREFIX) :]
    head, comma, encoded = rest.partition(",")
    if not comma or "=" in head:
        # The old form has no comma of its own, but may have one in a value.
        return rest
    if head.lower().endswith(";base64"):
        return base64.b64decode(encoded, validate=True).decode(errors="replace")
    return encoded
