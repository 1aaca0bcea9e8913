# SPDX-License-Identifier: MIT
"""Writing the FlatBuffer header: recipient records in, bytes out.

The counterpart of `header`, through the code that ``flatc`` made of ``schema/header.fbs`` and the
FlatBuffers library. Every field is written, defaults included where the official writers do so.
Refuses records that the reader would find unusable, so nothing is written that nobody can open.
"""

from collections.abc import Callable, Sequence
from typing import Final

from flatbuffers import Builder

from osak.client.container.capsules import (
    Capsule,
    CapsuleType,
    ECCapsule,
    KeyServerCapsule,
    KeySharesCapsule,
    PasswordCapsule,
    Recipient,
    RSACapsule,
    SymmetricCapsule,
    ThresholdShare,
    ThresholdSharesCapsule,
    UnknownCapsule,
    capsule_problem,
)
from osak.client.container.errors import InvalidInputError
from osak.client.container.fbs import (
    ECCPublicKeyCapsule,
    EccKeyDetails,
    FMKEncryptionMethod,
    Header,
    KDFAlgorithmIdentifier,
    KeyDetailsUnion,
    KeyServerCapsule as KeyServerTable,
    KeyShare as KeyShareTable,
    KeyShareRecipientType,
    KeySharesCapsule as KeySharesTable,
    PayloadEncryptionMethod,
    PBKDF2Capsule,
    RecipientRecord,
    RsaKeyDetails,
    RSAPublicKeyCapsule,
    SharesScheme,
    SymmetricKeyCapsule,
    ThresholdScheme,
    ThresholdShare as ThresholdShareTable,
    ThresholdSharesCapsule as ThresholdSharesTable,
)
