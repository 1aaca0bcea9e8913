# SPDX-License-Identifier: MIT
"""The CDOC2 ticket: an SD-JWT signed by a person's authentication key.

``osak.shares.protocol.ticket`` has already refused every shape but one; here the certificate and the
signature are checked: over the ticket's bytes by ``signatures``, or what a Smart-ID app signed through
version 3 of its API by ``smart_id``.
"""

from datetime import datetime

from osak.node.auth.base import Authenticator, Evidence, Principal
from osak.node.auth.certificates import CertificateVerifier
from osak.node.auth.signatures import Signed, verify_signature
from osak.node.auth.smart_id import SmartIDVerifier
from osak.node.errors import TicketRefusedError
from osak.shares.errors import MessageError
from osak.shares.protocol.ticket import parse_ticket


class SDJWTAuthenticator:
    """Authenticates by an SD-JWT ticket and the certificate that comes with it."""

    def __init__(self, certificates: CertificateVerifier, smart_id: SmartIDVerifier | None = None) -> None:
        self._certificates = certificates
        self._smart_id = smart_id or SmartIDVerifier()

    def authenticate(self, evidence: Evidence, now: datetime) -> Principal:
        """Certificate first, then the ticket's form, its issuer and its signature.

        Raises:
            TicketRefusedError: malformed, issued by another person, or not signed by this key.
            CertificateRefusedError: the certificate is not to be believed.
        """
        certificate = self._certificates.verify(evidence.certificate, now)
        try:
            ticket = parse_ticket(evidence.ticket)
        except MessageError as error:
            # What follows a colon may quote the ticket; the log gets only our own words.
            raise TicketRefusedError(f"malformed: {str(error).partition(':')[0]}") from error
        if ticket.unverified_recipient_id != certificate.recipient_id:
            raise TicketRefusedError("iss is not the certificate's serialNumber")
        signed = Signed(ticket.unverified_algorithm, ticket.signing_input, ticket.signature)
        if evidence.smart_id_parameters is None:
            verify_signature(signed, certificate.public_key)
        else:
            self._smart_id.verify(signed, evidence.smart_id_parameters, certificate.public_key)
        return Principal(ticket.unverified_recipient_id, ticket.unverified_audience, certificate.chain)


_: type[Authenticator] = SDJWTAuthenticator
