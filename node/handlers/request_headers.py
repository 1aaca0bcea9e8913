# SPDX-License-Identifier: MIT
"""What handlers take beside the body: headers, once or not at all, and the client's certificate."""

import ssl
from datetime import UTC, datetime

from aiohttp import hdrs, web

from osak.node.errors import BadRequestError
from osak.shares.errors import MessageError
from osak.shares.protocol import headers
from osak.shares.protocol.times import parse_time, time_text


def single_header(request: web.Request, name: str) -> str | None:
    """The value of a header, or None if it is not there.

    Raises:
        BadRequestError: it stands more than once.
    """
    values = request.headers.getall(name, [])
    if len(values) > 1:
        raise BadRequestError(f"{name} stands more than once")
    return values[0] if values else None


def expiry_time(request: web.Request) -> datetime | None:
    """``x-expiry-time``: RFC 3339 with a time zone, or None if it is not there.

    Raises:
        BadRequestError: it is anything else.
    """
    text = single_header(request, headers.EXPIRY_TIME)
    if text is None:
        return None
    try:
        return parse_time(text)
    except MessageError as error:
        raise BadRequestError(f"{headers.EXPIRY_TIME}: {error}") from error


def sender_evidence(request: web.Request) -> tuple[str | None, bytes | None]:
    """By what a sender may be known: the header ``Authorization``, and the certificate it showed.

    Raises:
        BadRequestError: the header stands more than once.
    """
    return single_header(request, hdrs.AUTHORIZATION), client_certificate(request)


def client_certificate(request: web.Request) -> bytes | None:
    """The certificate whose key the client proved in the TLS handshake, in DER; taken from nowhere else."""
    tls: ssl.SSLObject | None = request.get_extra_info("ssl_object")
    return None if tls is None else tls.getpeercert(binary_form=True)


def seconds_text(seconds: int) -> str:
    """Seconds since 1970 as a time on the wire."""
    return time_text(datetime.fromtimestamp(seconds, UTC))
