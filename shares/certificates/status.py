# SPDX-License-Identifier: MIT
"""What an authority said of a certificate, and the rules about time that its every word must keep."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from osak.shares.certificates.path import STRONG_HASHES
from osak.shares.errors import StatusError

# Clocks differ.
SKEW: Final = timedelta(minutes=5)
# What says no end is news of this moment: Estonia's OCSP servers answer so.
UNSTATED_LIFE: Final = timedelta(minutes=15)
# Nobody may bind us to what is older, whatever end it says; but roots list their authorities once a year.
MAX_LIFE: Final = timedelta(days=10)
MAX_LIFE_OF_AUTHORITIES: Final = timedelta(days=400)
_MIN_RSA_BITS: Final = 2048


@dataclass(frozen=True, slots=True)
class Status:
    """An authority's word on a certificate.

    Attributes:
        is_revoked: whether it was taken back, or is unknown to the one who should have issued it.
        valid_until: until when that may be believed.
        source: ``ocsp`` or ``crl``.
        as_of: the time of the news.
    """

    is_revoked: bool
    valid_until: datetime
    source: str
    as_of: datetime


def check_times(
    this_update: datetime, next_update: datetime | None, now: datetime, max_life: timedelta = MAX_LIFE
) -> datetime:
    """Until when a statement may be believed, ``max_life`` from its time on at most.

    Raises:
        StatusError: it is from the future, too old, or its end has come.
    """
    end = this_update + UNSTATED_LIFE if next_update is None else next_update
    end = min(end, this_update + max_life)
    if this_update > now + SKEW:
        raise StatusError("the answer is from the future")
    if end + SKEW < now:
        raise StatusError("the answer is too old")
    return max(end, now)


def verify_signature(
    key: object, signature: bytes, signed: bytes, hash_algorithm: hashes.HashAlgorithm | None
) -> None:
    """Check a signature over a statement: RSA (PKCS #1 v1.5) or ECDSA, with a hash of the SHA-2 family.

    Raises:
        StatusError: it is not by ``key``, or weak.
    """
    if not isinstance(hash_algorithm, STRONG_HASHES):
        raise StatusError("the answer is signed with a weak hash")
    try:
        if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _MIN_RSA_BITS:
            key.verify(signature, signed, padding.PKCS1v15(), hash_algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, signed, ec.ECDSA(hash_algorithm))
        else:
            raise StatusError("the answer is signed with a key of another kind")
    except InvalidSignature as error:
        raise StatusError("the answer's signature is wrong") from error
