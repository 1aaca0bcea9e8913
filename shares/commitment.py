# SPDX-License-Identifier: MIT
"""How a wrong share is noticed, and whose it is.

The sender writes one commitment a share into the container: HMAC-SHA256 under the capsule's salt
of a label, the index (one byte) and the value. A share of 32 random bytes cannot be guessed from
it, and no other share with the same commitment can be found, by a quantum computer neither.
A refresh changes the shares and so makes the commitments stale; `robust` is for then.
"""

import hmac
from collections.abc import Iterable, Mapping
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from osak.shares.errors import WrongShareError
from osak.shares.share import Share

_LABEL: Final = b"osak-share-commitment-v1"


def commit(share: Share, salt: bytes) -> bytes:
    """Return the 32 bytes that bind this share and do not tell it."""
    return _commit(share, HMAC(salt, SHA256()))


def verify_commitment(share: Share, salt: bytes, commitment: bytes) -> None:
    """Check one share, in constant time.

    Raises:
        WrongShareError: it is not the share that was committed to.
    """
    verify_commitments([share], salt, {share.index: commitment})


def verify_commitments(shares: Iterable[Share], salt: bytes, commitments: Mapping[int, bytes]) -> None:
    """Check every share against the commitment for its index; there must be one.

    Raises:
        WrongShareError: names every share that was not committed to.
    """
    # The keyed state is made once and copied: that is half the price of a one-shot HMAC a share.
    keyed = HMAC(salt, SHA256())
    wrong = [
        share.index
        for share in shares
        if not hmac.compare_digest(_commit(share, keyed.copy()), commitments[share.index])
    ]
    if wrong:
        raise WrongShareError(wrong)


def _commit(share: Share, keyed: HMAC) -> bytes:
    keyed.update(_LABEL + share.to_bytes())
    return keyed.finalize()
