# SPDX-License-Identifier: MIT
"""Which RSA keys and which PSS a node verifies with; the same for every kind of ticket."""

from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from osak.node.errors import TicketRefusedError

MIN_RSA_BITS: Final = 2048
# Verification time grows with the square of the length; Smart-ID's keys have up to 6144 bits.
MAX_RSA_BITS: Final = 8192
# RFC 7518, 3.5: MGF1 with the same hash, and a salt as long as the hash.
PSS_SHA256: Final = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)


def check_rsa_size(key: rsa.RSAPublicKey) -> None:
    """Check that the key is neither too weak nor too dear to verify with.

    Raises:
        TicketRefusedError: it is.
    """
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise TicketRefusedError(f"RSA keys have {MIN_RSA_BITS} to {MAX_RSA_BITS} bits")
