# SPDX-License-Identifier: MIT
"""Which file names may go into a container, and come out of one.

One policy for both directions, so that we never write what we would refuse. It is the union of
CDOC2, chapter 3 (assembly and unpacking rules), of what the official Java client refuses, and of
what could fool a person or a file system:

- one path component of at most 255 bytes of UTF-8: no ``/`` and no backslash, not ``.`` or ``..``;
- no leading space or hyphen, no trailing space or dot, none of ``< > : " | ? *``;
- no Windows device name (exactly ``CON``, ``NUL``, ``COM1`` …, in any case);
- no control characters, line separators, bidirectional overrides, surrogates or noncharacters;
- unique in the container, also after case folding and compatibility normalisation, because a file
  system that folds names would let one file replace the other.

A bad name is refused, never repaired, with one exception on reading: cdoc-tool stores a path as it
was typed, so ``sub/a.txt``, ``./a.txt``, ``../a.txt`` and ``/home/me/a.txt`` are all taken as ``a.txt``.
Folders are never made nor walked. What stands before the last slash must still be what a person could
have typed: parts that obey the rules above, ``.``, ``..`` or nothing; ``C:/x`` is refused.
"""

import unicodedata
from typing import Final

from osak.client.container.errors import ContainerError, LimitExceededError, UnsafeNameError
from osak.client.container.limits import Limits

_MAX_COMPONENT_BYTES: Final = 255
_FORBIDDEN: Final = frozenset('<>:"|?*/\\')
_PLAIN: Final = frozenset(map(chr, range(0x20, 0x7F))) - _FORBIDDEN  # most names need no closer look
_DEVICES: Final = frozenset(
    ["CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(1, 10))]
)
_REORDERING: Final = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
_STEPS: Final = frozenset(["", ".", ".."])  # in front of a name they lead nowhere, for no folder is followed
_SHOWN_CHARACTERS: Final = 80


def require_safe_name(name: str, error: type[ContainerError] = UnsafeNameError) -> None:
    """Refuse a file name that breaks the policy.

    Raises:
        UnsafeNameError: or whatever ``error`` says; the text quotes the name with escapes.
    """
    reason = _fault_of(name)
    if reason:
        raise error(f"the file name {quoted(name)} {reason}")


def name_from_archive(stored: bytes, limits: Limits) -> str:
    """Return the safe file name for a path found in an archive: its last part.

    Raises:
        UnsafeNameError: the path is not UTF-8, or a part of it breaks the policy.
        LimitExceededError: the path is longer than ``max_name_bytes``.
    """
    if len(stored) > limits.max_name_bytes:
        raise LimitExceededError(
            "max_name_bytes", limits.max_name_bytes, f"a file name has {len(stored)} bytes"
        )
    try:
        path = stored.decode("utf-8")
    except UnicodeDecodeError as cause:
        raise UnsafeNameError("a file name is not UTF-8") from cause
    *folders, name = path.split("/")
    for part in (*(folder for folder in folders if folder not in _STEPS), name):
        require_safe_name(part)
    return name


class NameRegister:
    """Remembers the names of one container and refuses what a file system could take for the same."""

    def __init__(self, error: type[ContainerError] = UnsafeNameError) -> None:
        """Keep which error to raise: a reader's or a writer's."""
        self._error = error
        self._seen: dict[str, str] = {}

    def add(self, name: str) -> None:
        """Take one more name.

        Raises:
            UnsafeNameError: or the error given: the name, or one that folds to the same, was there before.
        """
        key = _folded(name)
        if key in self._seen:
            raise self._error(
                f"the file names {quoted(self._seen[key])} and {quoted(name)} cannot stand side by side"
            )
        self._seen[key] = name


def quoted(name: str) -> str:
    """Return a name for an error text: escaped where it could fool a terminal, and not too long."""
    return repr(name if len(name) <= _SHOWN_CHARACTERS else name[:_SHOWN_CHARACTERS] + "…")


def _fault_of(name: str) -> str:
    """Say what is wrong, as the end of a sentence; nothing if all is well."""
    bad = next((character for character in name if character not in _PLAIN and _is_forbidden(character)), "")
    faults = (
        (not name, "is empty"),
        (name.startswith((" ", "-")), "begins with a space or a hyphen"),
        (name.endswith((" ", ".")), "ends with a space or a dot"),
        (name.upper() in _DEVICES, "is a device name on Windows"),
        (bad, f"contains the forbidden character U+{ord(bad or ' '):04X}"),
        (
            len(name.encode("utf-8", "replace")) > _MAX_COMPONENT_BYTES,
            f"is longer than {_MAX_COMPONENT_BYTES} bytes",
        ),
    )
    return next((text for found, text in faults if found), "")


def _is_forbidden(character: str) -> bool:
    code = ord(character)
    return (
        character in _FORBIDDEN
        or character in _REORDERING
        or unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
        # Noncharacters: U+FDD0..U+FDEF and the last two of every plane, U+FFFE and U+FFFF among them.
        or 0xFDD0 <= code <= 0xFDEF
        or code & 0xFFFE == 0xFFFE
    )


def _folded(name: str) -> str:
    # Twice: folding can undo a normal form, and NFKC covers NFC, NFD and NFKD spellings alike.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
