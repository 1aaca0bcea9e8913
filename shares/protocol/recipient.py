# SPDX-License-Identifier: MIT
"""Who may fetch a share: the recipient id on the wire and in the container.

The form is ``etsi/`` and an ETSI EN 319 412-1 semantics identifier (``PNOEE-48010010101``): a type,
a country, a hyphen and the national number. It equals the serialNumber in the subject of the
certificate that signs a ticket. Only ``etsi/`` exists today; CDOC2 reserves ``private/``.
"""

import re

from osak.shares.errors import MessageError

_PREFIX = "etsi/"
# Together 12 to 32 characters, as upstream's API allows.
_RECIPIENT_ID = re.compile(r"etsi/(PAS|IDC|PNO)[A-Z]{2}-[A-Za-z0-9-]{1,21}", re.ASCII)
_ESTONIAN_CODE = re.compile(r"[1-8][0-9]{10}", re.ASCII)


def check_recipient_id(text: str) -> str:
    """Return ``text`` if it is a well-formed recipient id such as ``etsi/PNOEE-48010010101``.

    Raises:
        MessageError: any other form.
    """
    if not _RECIPIENT_ID.fullmatch(text):
        raise MessageError("a recipient id looks like etsi/PNOEE-48010010101")
    return text


def recipient_id_from_serial_number(serial_number: str) -> str:
    """Recipient id of the person whose certificate has this subject serialNumber.

    Raises:
        MessageError: not an ETSI semantics identifier.
    """
    return check_recipient_id(_PREFIX + serial_number)


def serial_number_from_recipient_id(recipient_id: str) -> str:
    """The subject serialNumber of this person's certificates; the other way of the function above."""
    return recipient_id.removeprefix(_PREFIX)


def recipient_id_from_person(text: str) -> str:
    """Recipient id from what a sender types: ``48010010101``, ``PNOEE-…`` or ``etsi/PNOEE-…``.

    An Estonian personal code is checked by its check digit, so a typing mistake is found before
    anything is sent.

    Raises:
        MessageError: neither form, or a wrong check digit.
    """
    typed = text.strip()
    if _ESTONIAN_CODE.fullmatch(typed):
        typed = f"PNOEE-{typed}"
    try:
        recipient_id = check_recipient_id(_PREFIX + typed.removeprefix(_PREFIX))
    except MessageError as error:
        text = "name a person by a personal code of 11 digits, or an identifier like PNOEE-48010010101"
        raise MessageError(text) from error
    code = recipient_id.removeprefix("etsi/PNOEE-")
    if code != recipient_id and not (_ESTONIAN_CODE.fullmatch(code) and _check_digit(code) == int(code[-1])):
        raise MessageError(f"{code} is not a valid Estonian personal code: check the digits")
    return recipient_id


def _check_digit(code: str) -> int:
    """Check digit of an Estonian personal code (EVS 585): two rounds of weights, modulo 11."""
    digits = [int(character) for character in code[:10]]
    for weights in ((1, 2, 3, 4, 5, 6, 7, 8, 9, 1), (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)):
        remainder = sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 11
        if remainder < 10:
            return remainder
    return 0
