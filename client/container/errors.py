# SPDX-License-Identifier: MIT
"""Everything that can go wrong with a container, drawn as one tree.

ContainerError
├── DamagedContainerError     bytes that no honest writer made, or that lost something on the way
│   ├── LimitExceededError    larger than a limit of ``Limits``; names the limit to raise
│   └── UnsafeNameError       a file name inside the container that must not reach a file system
├── WrongKeyError             a record fits, but the key or password does not open it
├── NoRecipientError          no record of the header fits the key
├── UnsupportedError          well formed, but of a kind this version does not know
└── InvalidInputError         the writer was given something that cannot go into a container

A reader of hostile bytes lets nothing else out. No text ever carries a key, a password or plaintext.
"""

from osak.errors import OsakError


class ContainerError(OsakError):
    """Base of every error of this package."""


class DamagedContainerError(ContainerError):
    """The container is malformed, truncated or was changed after it was written."""


class LimitExceededError(DamagedContainerError):
    """The container asks for more than ``Limits`` allows.

    Attributes:
        limit: name of the field of ``Limits`` that stopped the work.
        allowed: the value of that field.
    """

    def __init__(self, limit: str, allowed: int, what: str) -> None:
        """Keep which limit it was.

        Args:
            limit: name of the field of ``Limits``.
            allowed: its value now.
            what: what was found, as the beginning of a sentence: ``"the header has 2000 recipients"``.
        """
        self.limit = limit
        self.allowed = allowed
        super().__init__(f"{what}, more than the limit of {allowed}; raise {limit} if you trust the sender")


class UnsafeNameError(DamagedContainerError):
    """A file name inside the container is not safe to create."""


class WrongKeyError(ContainerError):
    """A recipient record fits the key's kind, but the key, password or secret does not open it."""


class NoRecipientError(ContainerError):
    """No recipient record of the container fits the given key."""


class UnsupportedError(ContainerError):
    """The container is well formed but uses something this version does not know."""


class InvalidInputError(ContainerError, ValueError):
    """The writer was given a file, name, key or number that cannot go into a container."""
