# SPDX-License-Identifier: MIT
"""Tickets that a Smart-ID app signed through version 3 of its API: the signature is over ``ACSP_V2``'s text.

For whom the app signed is the operator's word, never the request's. Else whoever lets people log in
somewhere could send the app a challenge that is a ticket's, and open their files with the signature: the
relying party's name in the signed text is what stops that. Without configured names such a ticket is refused.
"""

from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from osak.node.auth.rsa_keys import PSS_SHA256, check_rsa_size
from osak.node.auth.signatures import Signed
from osak.node.errors import TicketRefusedError
from osak.shares.errors import MessageError
from osak.shares.protocol.smart_id import TICKET_ALGORITHM, RelyingParty, SignatureParameters


class SmartIDVerifier:
    """Verifies an app's signature for one of the relying parties that the operator believes."""

    def __init__(self, relying_parties: Sequence[RelyingParty] = (), flow_types: Sequence[str] = ()) -> None:
        """Take whom to believe.

        Args:
            relying_parties: for whom an app may have signed; none refuses every ticket.
            flow_types: how the app may have come to its question.
        """
        self._relying_parties = tuple(relying_parties)
        self._flow_types = tuple(flow_types)

    def verify(self, signed: Signed, parameters: str, public_key: CertificatePublicKeyTypes) -> None:
        """Verify that the app with this key signed.

        Args:
            signed: a ticket or a login.
            parameters: as they came with it.
            public_key: of the person's certificate.

        Raises:
            TicketRefusedError: it did not, or not for a relying party that is believed here.
        """
        try:
            found = SignatureParameters.from_header(parameters)
        except MessageError as error:
            # What follows a colon may quote the header; the log gets only our own words.
            raise TicketRefusedError(f"Smart-ID parameters: {str(error).partition(':')[0]}") from error
        if not self._relying_parties:
            raise TicketRefusedError("Smart-ID's version 3 is not configured here (trust.smart_id)")
        if signed.algorithm != TICKET_ALGORITHM or not isinstance(public_key, rsa.RSAPublicKey):
            raise TicketRefusedError("Smart-ID's version 3 signs with RSA and PS256")
        if found.flow_type not in self._flow_types:
            raise TicketRefusedError(f"Smart-ID's flow {found.flow_type} is not taken here")
        check_rsa_size(public_key)
        for relying_party in self._relying_parties:
            text = found.signed_text(signed.signing_input, relying_party)
            try:
                public_key.verify(signed.signature, text, PSS_SHA256, hashes.SHA256())
            except InvalidSignature:
                continue
            return
        raise TicketRefusedError("the app's signature is not by this key, or not for a known relying party")
