# SPDX-License-Identifier: MIT
"""Meeting a server for the first time: which key does it show?

The one place where a certificate is looked at without being trusted. Nothing is sent and nothing is
believed: the caller shows the pin to a person, and every later word goes over a connection that is
bound to it.
"""

import asyncio
import base64
import contextlib
import hashlib
import ssl

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from osak.coordinator.errors import TimedOut, Unreachable
from osak.shares.protocol.urls import ServerURL


async def read_pin(url: ServerURL, connect_seconds: float) -> str:
    """Pin of the key that answers at ``url``: base64 SHA-256 of its SubjectPublicKeyInfo (RFC 7469).

    Raises:
        TimedOut: no TLS handshake in time.
        Unreachable: nobody answers, or not in TLS 1.3.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(connect_seconds):
            _, writer = await asyncio.open_connection(
                url.host, url.port, ssl=context, server_hostname=url.host
            )
    except TimeoutError as error:
        raise TimedOut(f"{url} did not answer in {connect_seconds:g} s", request_sent=False) from error
    except OSError as error:
        raise Unreachable(
            f"{url} cannot be reached: {error.strerror or error}", request_sent=False
        ) from error
    certificate: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    key = x509.load_der_x509_certificate(certificate).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(spki).digest()).decode("ascii")
