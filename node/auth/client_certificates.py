# SPDX-License-Identifier: MIT
"""Whether the certificate that a client showed in the TLS handshake was revoked since.

OpenSSL checked its chain, but does not tell it; so its issuer is looked for among the anchors again. A client
may have sent certificates between the two, which are not known here: then nobody can tell. A certificate that
is an anchor itself is the operator's own word, and nobody is asked.
"""

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509

from osak.node.auth.revocation import StatusChecker
from osak.node.errors import CertificateRevokedError, ClientCertificateRevokedError
from osak.shares.certificates.malformed import MALFORMED
from osak.shares.certificates.path import verify_chain
from osak.shares.errors import CertificateError


class ClientCertificates:
    """Certificates of connections, after their handshake."""

    def __init__(self, anchors: Sequence[x509.Certificate], checker: StatusChecker) -> None:
        self._anchors = list(anchors)
        self._checker = checker

    async def check(self, certificate_der: bytes, now: datetime) -> None:
        """Check a certificate whose key was proved.

        Raises:
            ClientCertificateRevokedError: it was revoked.
            StatusUnavailableError: mode hard, and nobody could tell.
        """
        try:
            certificate = x509.load_der_x509_certificate(certificate_der)
            if certificate in self._anchors:
                return
            chain = verify_chain(certificate, self._anchors, (), now)
        except (CertificateError, *MALFORMED):
            self._checker.cannot_tell("the issuer of a client's certificate is none of capsules.anchors")
            return
        try:
            await self._checker.check(chain, now)
        except CertificateRevokedError as error:
            raise ClientCertificateRevokedError(str(error)) from error
