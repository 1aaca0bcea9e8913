# SPDX-License-Identifier: MIT
"""Times on the wire: RFC 3339 (section 5.6), always with a zone."""

import re
from datetime import UTC, datetime

from osak.shares.errors import MessageError

# datetime.fromisoformat alone would also take week dates, bare dates and times without a zone.
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def parse_time(text: str) -> datetime:
    """Read a time with its zone, as UTC; what is finer than a microsecond is dropped.

    Raises:
        MessageError: it is anything else, or no time at all.
    """
    problem = "a time is of RFC 3339 with a zone, such as 2030-01-31T00:00:00Z"
    if not _RFC3339.fullmatch(text):
        raise MessageError(problem)
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise MessageError(problem) from error


def time_text(time: datetime) -> str:
    """Write a time in whole seconds and in UTC, ``2030-01-31T00:00:00Z``: the one form that libcdoc reads."""
    return time.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
