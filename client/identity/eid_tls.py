# SPDX-License-Identifier: MIT
"""TLS to eID services and what belongs to them: trusted like share servers, but not so new."""

import ssl

from osak.coordinator import TLSSettings
from osak.coordinator.transport.tls import make_context


def eid_context(trust: TLSSettings) -> ssl.SSLContext:
    """How such a service's certificate is checked.

    Raises:
        TransportError: the files of ``trust`` cannot be used.
    """
    context = make_context(trust)
    # Unlike share servers, whose authors we are, these services promise no more than 1.2.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
