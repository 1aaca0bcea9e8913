# SPDX-License-Identifier: MIT
"""Which server certificates are good enough, settled before a byte of HTTP is sent.

TLS 1.3 only, as upstream's servers and ours are. A pin is checked inside the handshake: a connection
whose key is another one never comes to be, so no request can leave on it. With a pin alone the key is
the identity; name, issuer and dates of the certificate then say nothing and are not looked at.
"""

import hashlib
import hmac
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from osak.coordinator.errors import Untrusted
from osak.coordinator.group import TLSSettings
from osak.shares.certificates.malformed import MALFORMED
from osak.shares.protocol.strict_json import encode_base64


def make_context(trust: TLSSettings) -> ssl.SSLContext:
    """The TLS client settings for a server that is trusted so.

    Raises:
        Untrusted: ``ca_file`` cannot be read or holds no certificate.
    """
    context = unverified_context()
    if trust.ca_file is not None or trust.pin_sha256 is None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.check_hostname = True
        if trust.ca_file is None:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        else:
            try:
                context.load_verify_locations(cafile=trust.ca_file)
            except OSError as error:  # ssl.SSLError is one
                raise Untrusted(
                    f"could not be asked: {trust.ca_file} holds no readable certificates"
                ) from error
    if trust.pin_sha256 is not None:
        context.sslobject_class = _pinned(trust.pin_sha256)
    return context


def unverified_context() -> ssl.SSLContext:
    """TLS 1.3 that believes every certificate: a start to build on, or to read a stranger's pin."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def certificate_pin(certificate_der: bytes) -> str:
    """Base64 SHA-256 of a certificate's SubjectPublicKeyInfo (RFC 7469, section 2.4).

    Raises:
        Untrusted: the certificate or its key cannot be read.
    """
    try:
        key = x509.load_der_x509_certificate(certificate_der).public_key()
    except MALFORMED as error:
        raise Untrusted("showed a certificate that cannot be read") from error
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return encode_base64(hashlib.sha256(spki).digest())


def _pinned(pin: str) -> type[ssl.SSLObject]:
    """A TLS connection class that ends its handshake only with the pinned key."""

    class PinnedSSLObject(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            certificate = self.getpeercert(binary_form=True)
            try:
                shown = "" if certificate is None else certificate_pin(certificate)
            except Untrusted:
                shown = ""
            if not hmac.compare_digest(shown, pin):
                raise ssl.SSLCertVerificationError("the server's key is not the pinned one")

    return PinnedSSLObject
