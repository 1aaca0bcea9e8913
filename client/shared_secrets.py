# SPDX-License-Identifier: MIT
"""What sender and recipient both have: a password or a symmetric key. To encrypt with and to open with.

Plain values; nothing is read or asked before they are used.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from os import PathLike


@dataclass(frozen=True, slots=True)
class Password:
    """A password.

    Attributes:
        text: the password, or a function that asks for it; called when it is needed, and only then.
        label: what the container calls it, for everybody to read. Needed to encrypt; to open, it chooses
            among the container's passwords, and all are tried without it.
    """

    text: str | Callable[[], str] = field(repr=False)
    label: str = ""


@dataclass(frozen=True, slots=True)
class Secret:
    """A symmetric key of 32 random bytes or more.

    Attributes:
        key: the bytes themselves; or the path of a file that has them raw, in hexadecimal or in base64.
        label: as that of ``Password``; it must be the same to encrypt and to open.
    """

    key: bytes | str | PathLike[str] = field(repr=False)
    label: str = ""
