# SPDX-License-Identifier: MIT
"""What a caller can open a container with, beside a password or a symmetric key.

Plain values; nothing is read or asked before they are used.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


@dataclass(frozen=True, slots=True)
class PKCS12:
    """A key and its certificate in one file; opens records for the key, and signs for share servers.

    Attributes:
        source: a path, or the content of the file.
        password: of the file, or a function that asks for it; the function is called only if there is one.
    """

    source: str | PathLike[str] | bytes = field(repr=False)
    password: str | Callable[[], str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """An EC or RSA key.

    Attributes:
        source: a path, or the content of a file in PEM or DER, or the key itself.
        password: as that of ``PKCS12``.
        certificate: of the key, as that of a recipient; servers want to see it.
    """

    source: "str | PathLike[str] | bytes | EllipticCurvePrivateKey | RSAPrivateKey" = field(repr=False)
    password: str | Callable[[], str] | None = field(default=None, repr=False)
    certificate: "str | PathLike[str] | bytes | x509.Certificate | None" = field(default=None, repr=False)
