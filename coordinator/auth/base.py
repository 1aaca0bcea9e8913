# SPDX-License-Identifier: MIT
"""The seam between collecting shares and whatever signs for the recipient.

A credential signs once for all servers. One call of ``sign`` may be one PIN entry of a person, so
it is called exactly once in a collection, after the nonces are in and never before.
"""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class TicketSignature:
    """What signing gives.

    Attributes:
        signature: raw JWS signature (RFC 7518; ``r || s`` for ECDSA).
        certificate_der: the signer's certificate, X.509 DER.
        smart_id_parameters: what goes with a signature through Smart-ID's version 3; empty otherwise.
    """

    signature: bytes = field(repr=False)
    certificate_der: bytes = field(repr=False)
    smart_id_parameters: str = field(default="", repr=False)


class Credential(Protocol):
    """Something that signs tickets in a recipient's name."""

    @property
    def recipient_id(self) -> str:
        """Whose shares it can fetch, e.g. ``etsi/PNOEE-48010010101``."""
        ...

    @property
    def algorithm(self) -> str:
        """The JWS algorithm it signs with, one of ``TICKET_ALGORITHMS``."""
        ...

    async def sign(self, signing_input: bytes) -> TicketSignature:
        """Sign the bytes of a JWS signing input (RFC 7515, 5.1); not their hash.

        Takes as long as a person takes; no network deadline runs meanwhile.

        Raises:
            CredentialError: refused, cancelled or failed.
        """
        ...
