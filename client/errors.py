# SPDX-License-Identifier: MIT
"""What can go wrong in the client, drawn as one tree.

Nothing else leaves the library, but for inputs that the system will not read (``OSError``).

OsakError
├── ClientError                  the client itself; all of these are here
│   ├── UsageError               what was asked makes no sense, or something needed was not given
│   │   ├── UntrustedCertificateError  a recipient's certificate is not to be believed, or was revoked
│   │   ├── UnknownCapsuleServerError  a container names a capsule server that the configuration does not
│   │   └── RunningLoopError     a call that would block the event loop it was made in
│   ├── CapsuleServerError       a capsule server did not do what it should
│   ├── CertificateStatusError   nobody could tell whether a recipient's certificate was revoked
│   ├── DirectoryError           the directory of certificates did not do what it should
│   ├── CredentialFileError      a key, certificate or PKCS#12 file that cannot be used
│   │   └── RecipientFileError   what a sender gave to encrypt for: it is input, and opens nothing
│   └── OutputError              the output cannot be written; nothing of it was left behind
│       └── OutputExistsError    something of that name is there already
├── ContainerError               the container and what goes into it: ``osak.client.container.errors``
├── CoordinatorError             share servers: ``osak.coordinator.errors``
└── SharesError                  identifiers, messages, the YAML: ``osak.shares.errors``
"""

from osak.errors import OsakError


class ClientError(OsakError):
    """Base of every error of the client itself."""


class UsageError(ClientError):
    """What was asked makes no sense, or something needed was not given."""


class UntrustedCertificateError(UsageError):
    """A recipient's certificate is by nobody the configuration believes, not for encryption, or revoked.

    The text names the certificate and the reason.
    """


class UnknownCapsuleServerError(UsageError):
    """A container names a capsule server that the configuration does not have; nobody was asked."""


class RunningLoopError(UsageError):
    """A call that would block the event loop it was made in; the text names the one to await instead."""


class CapsuleServerError(ClientError):
    """A capsule server cannot be reached or trusted, refused, or answered what does not fit.

    The text names the server.
    """


class CertificateStatusError(ClientError):
    """Nobody could tell if a recipient's certificate was revoked, and the configuration wants to know."""


class DirectoryError(ClientError):
    """The directory of people's certificates cannot be reached or trusted, or answered what does not fit.

    The text names the directory.
    """


class CredentialFileError(ClientError):
    """A key, certificate or PKCS#12 file cannot be used, or its password is wrong."""


class RecipientFileError(CredentialFileError):
    """A certificate, public key or symmetric key to encrypt for is none, or of a kind that cannot be used."""


class OutputError(ClientError):
    """The output cannot be written; nothing of it was left behind."""


class OutputExistsError(OutputError):
    """Something of that name is there already."""
