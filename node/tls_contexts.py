# SPDX-License-Identifier: MIT
"""The server's side of TLS at a node's ports: version 1.3 only, with the certificate of the configuration.

When that certificate is looked at again is ``certificate_watch``'s matter.
"""

import ssl
from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.serialization import Encoding

from osak.node.config import TLSSettings
from osak.shares.certificates.anchors import AnchorSource, read_anchors
from osak.shares.errors import ConfigurationError


def create_tls_context(settings: TLSSettings) -> ssl.SSLContext:
    """Server side of TLS 1.3 with the node's certificate.

    Raises:
        ConfigurationError: the files are not a certificate and its key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    try:
        # An empty password: an encrypted key must end in an error, not in a prompt.
        context.load_cert_chain(settings.certificate_file, settings.key_file, password="")
    except (ssl.SSLError, ValueError) as error:
        raise ConfigurationError(
            "tls", [f"{settings.certificate_file} and {settings.key_file} are no certificate and its key"]
        ) from error
    return context


def create_mutual_tls_context(settings: TLSSettings, anchors: Sequence[AnchorSource]) -> ssl.SSLContext:
    """TLS 1.3 that also asks for the client's certificate (docs/adr/0010).

    OpenSSL checks its chain, its dates and that it is for clients, and the handshake fails if anything is
    wrong with it. A client without any gets through, so that it can be told in HTTP what is missing.

    Raises:
        ConfigurationError: the files are not certificates.
        OSError: one of them cannot be read.
    """
    context = create_tls_context(settings)
    context.verify_mode = ssl.CERT_OPTIONAL
    # An issuing CA, or one person's certificate, can be an anchor by itself.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    # No resumption: every connection proves the key anew.
    context.num_tickets = 0
    for certificate in read_anchors(anchors):
        context.load_verify_locations(cadata=certificate.public_bytes(Encoding.DER))
    return context


class RenewableContext:
    """A port's context whose certificate can be renewed while the port is open.

    Each handshake is given what was made last: OpenSSL then takes certificate, key and anchors from there,
    and all else from ``context``, which stays. Connections that are open keep what they began with.

    Attributes:
        context: what the port is opened with.
    """

    def __init__(self, make: Callable[[], ssl.SSLContext]) -> None:
        self._make = make
        self.context = make()
        self._latest = self.context
        self.context.sni_callback = self._take_latest

    def renew(self) -> None:
        """Read the files again; if they are of no use, all stays as it is.

        Raises:
            ConfigurationError: the files are not a certificate and its key.
            OSError: one of them cannot be read.
        """
        self._latest = self._make()

    def _take_latest(self, handshake: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        handshake.context = self._latest
