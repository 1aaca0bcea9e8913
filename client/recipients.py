# SPDX-License-Identifier: MIT
"""Whom a caller can encrypt for, beside those who share a password or a key with the sender.

Plain values; nothing is read before they are used.
"""

from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING, Literal, TypeAlias, Union

from osak.client.shared_secrets import Password, Secret

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey


CardPlace: TypeAlias = Literal["container", "server", "both", "none"]
"""Where a record for a card goes: into the container, to a capsule server, both, or nowhere."""
SharesRule: TypeAlias = Literal["always", "without-card", "never"]
"""When the key to the file is shared among servers: always, only if no card was found, or never."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody known by code: what they have is looked up, and the key to the file is shared among servers.

    What is None is as the configuration's ``policy`` says. Without a directory in the configuration nobody
    is looked up, and the key is shared.

    Attributes:
        code: an Estonian personal code, ``PNOEE-…``, or what containers write: ``etsi/PNOEE-…``.
        group: the group's name in the configuration; None for its default group.
        threshold: how many servers open the file; None for what the group says.
        n_of_n: the official scheme: every server is needed.
        cards: where records for cards go that the directory has.
        shares: when the key is shared among servers.
        server: the id of the capsule server for cards.
    """

    code: str
    group: str | None = None
    threshold: int | None = None
    n_of_n: bool | None = None
    cards: CardPlace | None = None
    shares: SharesRule | None = None
    server: str | None = None


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The owner of an EC or RSA key.

    Attributes:
        source: a path, or the content of a file in PEM or DER, or the key itself. A certificate is taken too.
        server: the id of a capsule server in the configuration that shall keep the key to the file.
    """

    source: "str | PathLike[str] | bytes | x509.Certificate | EllipticCurvePublicKey | RSAPublicKey" = field(
        repr=False
    )
    server: str | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """The owner of a certificate, an ID-card for example; a bare key is refused.

    Attributes:
        source: a path, or the content of a file in PEM or DER, or the certificate itself.
        server: as that of ``PublicKey``.
    """

    source: "str | PathLike[str] | bytes | x509.Certificate" = field(repr=False)
    server: str | None = None


AnyRecipient: TypeAlias = Union[str, Person, PublicKey, Certificate, Password, Secret]  # noqa: UP007 - one a word
"""Whom to encrypt for; a ``str`` is the code of a ``Person``."""
