# SPDX-License-Identifier: MIT
"""Request headers as handlers take them: once or not at all, and times with a zone."""

import re
from datetime import UTC, datetime

from aiohttp import web

from osak.node.errors import BadRequestError
from osak.shares.protocol import headers

# RFC 3339 5.6; fromisoformat alone would also take week dates, bare dates and times without a zone.
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


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
    problem = f"{headers.EXPIRY_TIME} is an RFC 3339 time with a zone, such as 2030-01-31T00:00:00Z"
    if not _RFC3339.fullmatch(text):
        raise BadRequestError(problem)
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadRequestError(problem) from error


def time_text(seconds: int) -> str:
    """Seconds since 1970 as RFC 3339 in UTC, as every client reads it: ``2030-01-31T00:00:00Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
