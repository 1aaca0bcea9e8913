# SPDX-License-Identifier: MIT
"""The seam between a request's evidence and the person behind it.

An ``Authenticator`` proves who signed and what they signed for. Whether that is this node, this share
and a live nonce is the service's business, for it is the same for every kind of ticket.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cryptography import x509

from osak.shares.protocol.urls import Audience


@dataclass(frozen=True, slots=True)
class SessionEvidence:
    """What a request carries to prove a session, exactly as received.

    Attributes:
        token: as one server is shown it.
        certificate: of the person; base64url of DER, or PEM on one line.
    """

    token: str = field(repr=False)
    certificate: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a request carries to prove who asks, exactly as received.

    Attributes:
        ticket: SD-JWT presentation.
        certificate: single-line PEM, or base64url of DER.
        smart_id_parameters: what a ticket signed through Smart-ID's version 3 carries beside it.
        session: that the person has logged in, where the request says so.
    """

    ticket: str = field(repr=False)
    certificate: str = field(repr=False)
    smart_id_parameters: str | None = field(default=None, repr=False)
    session: SessionEvidence | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Principal:
    """A person whose signature and certificate were verified, and what they signed.

    Attributes:
        recipient_id: for example ``etsi/PNOEE-48010010101``.
        audience: the one server, share and nonce that the ticket is for.
        chain: the person's certificate, its issuers and the anchor; whether they were revoked was not asked.
    """

    recipient_id: str = field(repr=False)
    audience: Audience = field(repr=False)
    chain: tuple[x509.Certificate, ...] = field(repr=False)


class RevocationCheck(Protocol):
    """Asks authorities whether they took a certificate back."""

    async def check(self, chain: Sequence[x509.Certificate], now: datetime) -> None:
        """Check a verified chain, from a person's certificate to its anchor.

        Raises:
            CertificateRevokedError: one of its certificates was revoked.
            StatusUnavailableError: nobody could tell, and the node was told to refuse then.
        """
        ...


class Authenticator(Protocol):
    """Turns evidence into a principal, or raises."""

    def authenticate(self, evidence: Evidence, now: datetime) -> Principal:
        """Verify ``evidence`` as of ``now`` (with a time zone).

        Raises:
            TicketRefusedError: the ticket proves nothing.
            CertificateRefusedError: its certificate is not to be believed.
        """
        ...
