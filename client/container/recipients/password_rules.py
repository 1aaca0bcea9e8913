# SPDX-License-Identifier: MIT
"""What a password must be when it is written, and which bytes stand for it, both ways.

The rules for writing are those of the official Java client, so that whoever gets the file can give the
same password there: 8 to 64 characters, a lower-case and an upper-case letter of ASCII among them. On
reading there are none.

One letter can be typed in two ways (``õ`` alone, or ``o`` with a tilde after it), and keyboards differ.
Written is the composed form, Unicode NFC. Other programs write what was typed, so on reading a password
is tried as it was typed first, then in NFC.
"""

import string
import unicodedata
from collections.abc import Sequence
from typing import Final

from osak.client.container.errors import InvalidInputError

MIN_CHARACTERS: Final = 8
MAX_CHARACTERS: Final = 64


def written_bytes(password: str) -> bytes:
    """The bytes that go into the key derivation of a new record.

    Raises:
        InvalidInputError: the password breaks rules; the text says each of them and never the password.
    """
    composed = unicodedata.normalize("NFC", password)
    encoded = _encoded(composed)
    letters = set(composed)
    rules = (
        (len(composed) >= MIN_CHARACTERS, f"have at least {MIN_CHARACTERS} characters"),
        (len(composed) <= MAX_CHARACTERS, f"have at most {MAX_CHARACTERS} characters"),
        (letters & set(string.ascii_lowercase), "contain a lower-case letter from a to z"),
        (letters & set(string.ascii_uppercase), "contain an upper-case letter from A to Z"),
    )
    broken = [rule for kept, rule in rules if not kept]
    if broken:
        raise InvalidInputError(f"this password cannot be written: it must {', and '.join(broken)}")
    return encoded


def readable_spellings(password: str) -> Sequence[bytes]:
    """What to try on a record, in order: as typed, then composed where that is something else.

    Raises:
        InvalidInputError: it cannot be typed in any encoding.
    """
    typed, composed = _encoded(password), _encoded(unicodedata.normalize("NFC", password))
    return [typed] if typed == composed else [typed, composed]


def _encoded(password: str) -> bytes:
    """UTF-8; bytes that a terminal could not decode come back as they were typed."""
    try:
        return password.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        # Without its cause: that error shows the password.
        raise InvalidInputError("a password must be Unicode text") from None
