# SPDX-License-Identifier: MIT
"""Encrypt, decrypt and inspect CDOC2 containers: the client as a library, and its front door.

``from osak.client import encrypt, decrypt, inspect``; ``docs/library.md`` shows how. Each name is loaded
when it is asked for, so that a program pays only for what it uses. The command line in ``cli`` goes
through this door too. Containers as bytes and streams are in ``container``, means of identification in
``identity``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from osak.client.batch import BatchResult
    from osak.client.cancellation import Progress
    from osak.client.capsule_server.receipt import UploadedCapsule
    from osak.client.config import ClientConfig
    from osak.client.configuration import Configuration, configuration_in_force
    from osak.client.container import ExtractedEntry
    from osak.client.container.errors import (
        ContainerError,
        DamagedContainerError,
        InvalidInputError,
        LimitExceededError,
        NoRecipientError,
        UnsafeNameError,
        UnsupportedError,
        WrongKeyError,
    )
    from osak.client.credentials import PKCS12, PrivateKey
    from osak.client.decryption import Decrypted, Listed, OpenedFile
    from osak.client.encryption import Encrypted
    from osak.client.errors import (
        CapsuleServerError,
        CertificateStatusError,
        ClientError,
        CredentialFileError,
        DirectoryError,
        OutputError,
        OutputExistsError,
        RecipientFileError,
        RunningLoopError,
        UnknownCapsuleServerError,
        UntrustedCertificateError,
        UsageError,
    )
    from osak.client.identity.card import PINSource
    from osak.client.identity.conversation import Conversation
    from osak.client.identity.errors import IdentityError
    from osak.client.identity_keys import card_keys, mobile_id_keys, smart_id_keys
    from osak.client.inputs import File
    from osak.client.inspection import RecordDescription
    from osak.client.keys import Keys
    from osak.client.library import (
        audit,
        decrypt,
        decrypt_many,
        encrypt,
        inspect,
        list_files,
        list_files_many,
        plan,
        reencrypt,
        revoke,
    )
    from osak.client.recipient_plan import PlannedRecipient, PlannedRecord
    from osak.client.recipients import Certificate, Person, PublicKey
    from osak.client.reencryption import Reencrypted
    from osak.client.share_history import ShareHistory
    from osak.client.shared_secrets import Password, Secret
    from osak.client.twins import (
        audit_async,
        decrypt_async,
        decrypt_many_async,
        encrypt_async,
        inspect_async,
        list_files_async,
        list_files_many_async,
        plan_async,
        reencrypt_async,
        revoke_async,
    )
    from osak.coordinator import (
        CoordinatorError,
        CredentialError,
        DistributionError,
        InvalidPlacementError,
        NoAnswerError,
        NotEnoughSharesError,
        Outcome,
        SigningRound,
        Status,
        Testimony,
        UnknownServerError,
    )
    from osak.errors import OsakError
    from osak.shares.errors import ConfigurationError, MessageError, SharesError

__all__ = [
    "PKCS12",
    "BatchResult",
    "CapsuleServerError",
    "Certificate",
    "CertificateStatusError",
    "ClientConfig",
    "ClientError",
    "Configuration",
    "ConfigurationError",
    "ContainerError",
    "Conversation",
    "CoordinatorError",
    "CredentialError",
    "CredentialFileError",
    "DamagedContainerError",
    "Decrypted",
    "DirectoryError",
    "DistributionError",
    "Encrypted",
    "ExtractedEntry",
    "File",
    "IdentityError",
    "InvalidInputError",
    "InvalidPlacementError",
    "Keys",
    "LimitExceededError",
    "Listed",
    "MessageError",
    "NoAnswerError",
    "NoRecipientError",
    "NotEnoughSharesError",
    "OpenedFile",
    "OsakError",
    "Outcome",
    "OutputError",
    "OutputExistsError",
    "PINSource",
    "Password",
    "Person",
    "PlannedRecipient",
    "PlannedRecord",
    "PrivateKey",
    "Progress",
    "PublicKey",
    "RecipientFileError",
    "RecordDescription",
    "Reencrypted",
    "RunningLoopError",
    "Secret",
    "ShareHistory",
    "SharesError",
    "SigningRound",
    "Status",
    "Testimony",
    "UnknownCapsuleServerError",
    "UnknownServerError",
    "UnsafeNameError",
    "UnsupportedError",
    "UntrustedCertificateError",
    "UploadedCapsule",
    "UsageError",
    "WrongKeyError",
    "audit",
    "audit_async",
    "card_keys",
    "configuration_in_force",
    "decrypt",
    "decrypt_async",
    "decrypt_many",
    "decrypt_many_async",
    "encrypt",
    "encrypt_async",
    "inspect",
    "inspect_async",
    "list_files",
    "list_files_async",
    "list_files_many",
    "list_files_many_async",
    "mobile_id_keys",
    "plan",
    "plan_async",
    "reencrypt",
    "reencrypt_async",
    "revoke",
    "revoke_async",
    "smart_id_keys",
]

_HOMES = {
    "osak.client.batch": ("BatchResult",),
    "osak.client.cancellation": ("Progress",),
    "osak.client.capsule_server.receipt": ("UploadedCapsule",),
    "osak.client.config": ("ClientConfig",),
    "osak.client.configuration": ("Configuration", "configuration_in_force"),
    "osak.client.container": ("ExtractedEntry",),
    "osak.client.container.errors": (
        "ContainerError",
        "DamagedContainerError",
        "InvalidInputError",
        "LimitExceededError",
        "NoRecipientError",
        "UnsafeNameError",
        "UnsupportedError",
        "WrongKeyError",
    ),
    "osak.client.credentials": ("PKCS12", "PrivateKey"),
    "osak.client.decryption": ("Decrypted", "Listed", "OpenedFile"),
    "osak.client.encryption": ("Encrypted",),
    "osak.client.errors": (
        "CapsuleServerError",
        "CertificateStatusError",
        "ClientError",
        "CredentialFileError",
        "DirectoryError",
        "OutputError",
        "OutputExistsError",
        "RecipientFileError",
        "RunningLoopError",
        "UnknownCapsuleServerError",
        "UntrustedCertificateError",
        "UsageError",
    ),
    "osak.client.identity.card": ("PINSource",),
    "osak.client.identity.conversation": ("Conversation",),
    "osak.client.identity.errors": ("IdentityError",),
    "osak.client.identity_keys": ("card_keys", "mobile_id_keys", "smart_id_keys"),
    "osak.client.inputs": ("File",),
    "osak.client.inspection": ("RecordDescription",),
    "osak.client.library": (
        "audit",
        "decrypt",
        "decrypt_many",
        "encrypt",
        "inspect",
        "list_files",
        "list_files_many",
        "plan",
        "reencrypt",
        "revoke",
    ),
    "osak.client.keys": ("Keys",),
    "osak.client.recipient_plan": ("PlannedRecipient", "PlannedRecord"),
    "osak.client.recipients": ("Certificate", "Person", "PublicKey"),
    "osak.client.reencryption": ("Reencrypted",),
    "osak.client.share_history": ("ShareHistory",),
    "osak.client.shared_secrets": ("Password", "Secret"),
    "osak.client.twins": (
        "audit_async",
        "decrypt_async",
        "decrypt_many_async",
        "encrypt_async",
        "inspect_async",
        "list_files_async",
        "list_files_many_async",
        "plan_async",
        "reencrypt_async",
        "revoke_async",
    ),
    "osak.coordinator": (
        "CoordinatorError",
        "CredentialError",
        "DistributionError",
        "InvalidPlacementError",
        "NoAnswerError",
        "NotEnoughSharesError",
        "Outcome",
        "SigningRound",
        "Status",
        "Testimony",
        "UnknownServerError",
    ),
    "osak.errors": ("OsakError",),
    "osak.shares.errors": ("ConfigurationError", "MessageError", "SharesError"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


if not TYPE_CHECKING:  # which would take any name for one that is there

    def __getattr__(name: str) -> Any:
        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module(_HOME_OF[name]), name)
        globals()[name] = found  # asked for once
        return found


def __dir__() -> list[str]:
    return [*globals(), *__all__]
