# SPDX-License-Identifier: MIT
"""Meeting a server for the first time: which key does it show?

The one place where a certificate is looked at without being trusted. Only a handshake takes place:
nothing is sent and nothing is believed. The caller shows the pin to a person, and every later word
goes over a connection that is bound to it.
"""

import asyncio

from osak.coordinator.errors import TimedOut, Unreachable
from osak.coordinator.transport.tls import certificate_pin, unverified_context
from osak.shares.protocol.urls import ServerURL


async def read_pin(url: ServerURL, connect_seconds: float) -> str:
    """Pin of the key that answers at ``url``: base64 SHA-256 of its SubjectPublicKeyInfo (RFC 7469).

    Raises:
        TimedOut: no TLS handshake in time.
        Unreachable: nobody answers, or not in TLS 1.3.
        Untrusted: it showed a certificate that cannot be read.
    """
    try:
        async with asyncio.timeout(connect_seconds):
            _, writer = await asyncio.open_connection(
                url.host, url.port, ssl=unverified_context(), server_hostname=url.host
            )
    except TimeoutError as error:
        raise TimedOut(f"did not answer in {connect_seconds:g} s", request_sent=False) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise Unreachable(f"cannot be reached: {reason}", request_sent=False) from error
    try:
        return certificate_pin(writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
    finally:
        writer.transport.abort()
