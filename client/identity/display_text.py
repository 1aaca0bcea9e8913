# SPDX-License-Identifier: MIT
"""The line that a phone shows with its question: what for, in as many characters as there are."""

from typing import Final

FILE_PLACE: Final = "{file}"

_ELLIPSIS: Final = "..."
# GSM 7-bit default alphabet (3GPP TS 23.038, 6.2.1), less its control characters.
_GSM_7: Final = frozenset(
    "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)


def fit_text(template: str, file_name: str, max_characters: int) -> str:
    """``template`` with the file's name in its place, shortened in the middle of the name if need be."""
    name = "".join(letter if letter.isprintable() else "?" for letter in file_name)
    whole = template.replace(FILE_PLACE, name)
    excess = len(whole) - max_characters
    if excess <= 0:
        return whole
    kept = len(name) - excess - len(_ELLIPSIS)
    if template.count(FILE_PLACE) != 1 or kept <= 0:
        return whole[:max_characters]
    head = (kept + 1) // 2
    short = name[:head] + _ELLIPSIS + name[len(name) - (kept - head) :]
    return template.replace(FILE_PLACE, short)


def is_gsm_7(text: str) -> bool:
    """Whether an SMS carries the text in seven bits a character."""
    return _GSM_7.issuperset(text)
