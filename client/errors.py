# SPDX-License-Identifier: MIT
"""What can go wrong in the client itself, drawn as one tree.

ClientError
├── UsageError               what was asked makes no sense, or something needed was not given
│   └── UnknownCapsuleServerError  a container names a capsule server that the configuration does not
├── CapsuleServerError       a capsule server did not do what it should
├── CredentialFileError      a key, certificate or PKCS#12 file that cannot be used
└── OutputError              the output cannot be written; nothing of it was left behind
    └── OutputExistsError    something of that name is there already

Errors of the container, of shares and of servers have trees of their own in their packages.
"""


class ClientError(Exception):
    """Base of every error of the client itself."""


class UsageError(ClientError):
    """What was asked makes no sense, or something needed was not given."""


class UnknownCapsuleServerError(UsageError):
    """A container names a capsule server that the configuration does not have; nobody was asked."""


class CapsuleServerError(ClientError):
    """A capsule server cannot be reached or trusted, refused, or answered what does not fit.

    The text names the server.
    """


class CredentialFileError(ClientError):
    """A key, certificate or PKCS#12 file cannot be used, or its password is wrong."""


class OutputError(ClientError):
    """The output cannot be written; nothing of it was left behind."""


class OutputExistsError(OutputError):
    """Something of that name is there already."""
