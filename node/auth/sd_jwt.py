# SPDX-License-Identifier: MIT
"""The CDOC2 ticket: an SD-JWT signed by a person's authentication key.

``osak.shares.protocol.ticket`` has already refused every shape but one; here the signature is checked.
The algorithm must fit the key, and the key must be the certificate's: RSA of at least 2048 bits for
RS256 and PS256 (salt as long as the hash), and exactly one curve for each ES algorithm, with the raw
r || s of exactly that curve's length (RFC 7518, 3.3 to 3.5). Nothing else exists: no ``none``, no HMAC.
What a Smart-ID app signed through version 3 of its API is verified by ``smart_id``.
"""

from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from osak.node.auth.base import Authenticator, Evidence, Principal
from osak.node.auth.certificates import CertificateVerifier
from osak.node.auth.rsa_keys import PSS_SHA256, check_rsa_size
from osak.node.auth.smart_id import SmartIDVerifier
from osak.node.errors import TicketRefusedError
from osak.shares.errors import MessageError
from osak.shares.protocol.ticket import UnverifiedTicket, parse_ticket

_SHA256 = hashes.SHA256()
_RSA_PADDINGS: Final[dict[str, padding.AsymmetricPadding]] = {
    "RS256": padding.PKCS1v15(),
    "PS256": PSS_SHA256,
}
# Algorithm -> the only curve, its hash, and the length of r and of s in bytes.
_EC_ALGORITHMS: Final[dict[str, tuple[type[ec.EllipticCurve], hashes.HashAlgorithm, int]]] = {
    "ES256": (ec.SECP256R1, _SHA256, 32),
    "ES384": (ec.SECP384R1, hashes.SHA384(), 48),
    "ES512": (ec.SECP521R1, hashes.SHA512(), 66),
}


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
        if evidence.smart_id_parameters is None:
            _verify_signature(ticket, certificate.public_key)
        else:
            self._smart_id.verify(ticket, evidence.smart_id_parameters, certificate.public_key)
        return Principal(ticket.unverified_recipient_id, ticket.unverified_audience, certificate.chain)


def _verify_signature(ticket: UnverifiedTicket, key: CertificatePublicKeyTypes) -> None:
    algorithm = ticket.unverified_algorithm
    try:
        if algorithm in _RSA_PADDINGS and isinstance(key, rsa.RSAPublicKey):
            check_rsa_size(key)
            key.verify(ticket.signature, ticket.signing_input, _RSA_PADDINGS[algorithm], _SHA256)
        elif algorithm in _EC_ALGORITHMS and isinstance(key, ec.EllipticCurvePublicKey):
            _verify_ecdsa(ticket, key)
        else:
            raise TicketRefusedError(f"{algorithm} does not fit the certificate's key")
    except InvalidSignature as error:
        raise TicketRefusedError("the signature is not by the certificate's key") from error


def _verify_ecdsa(ticket: UnverifiedTicket, key: ec.EllipticCurvePublicKey) -> None:
    curve, hash_algorithm, length = _EC_ALGORITHMS[ticket.unverified_algorithm]
    if not isinstance(key.curve, curve) or len(ticket.signature) != 2 * length:
        raise TicketRefusedError(
            f"{ticket.unverified_algorithm} does not fit the key's curve or the signature"
        )
    r, s = (int.from_bytes(ticket.signature[part], "big") for part in (slice(length), slice(length, None)))
    key.verify(encode_dss_signature(r, s), ticket.signing_input, ec.ECDSA(hash_algorithm))


_: type[Authenticator] = SDJWTAuthenticator
