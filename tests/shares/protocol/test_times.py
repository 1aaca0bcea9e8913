# SPDX-License-Identifier: MIT
"""Times on the wire: always with a zone, written in one form."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osak.shares.errors import MessageError
from osak.shares.protocol.times import parse_time, time_text


@given(time=st.datetimes(timezones=st.just(UTC)), minutes=st.integers(-600, 600))
def test_round_trip(time: datetime, minutes: int) -> None:
    """A time in any zone is written in UTC and whole seconds, and reads back as the same second."""
    if not datetime(2, 1, 1, tzinfo=UTC) < time < datetime(9999, 12, 1, tzinfo=UTC):
        time = datetime(2030, 1, 31, tzinfo=UTC)
    elsewhere = time.astimezone(timezone(timedelta(minutes=minutes)))
    assert parse_time(time_text(elsewhere)) == time.replace(microsecond=0)
    assert time_text(elsewhere).endswith("Z")
    assert len(time_text(elsewhere)) == len("2030-01-31T00:00:00Z")


@pytest.mark.parametrize(
    "text",
    [
        "2030-01-31T00:00:00Z",
        "2030-01-31t02:00:00.5+02:00",
        "2030-01-30T22:00:00-02:00",
        "2030-01-31T00:00:00.363864402Z",
    ],
)
def test_forms(text: str) -> None:
    """Zones, lower case and fractions are read; those of official programs, to the nanosecond, too."""
    assert parse_time(text).replace(microsecond=0) == datetime(2030, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2030-01-31",
        "2030-01-31T00:00:00",
        "2030-02-31T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "2030-W05-4",
        "now",
    ],
)
def test_what_is_no_time(text: str) -> None:
    """A time without a zone, a date, or no time is refused."""
    with pytest.raises(MessageError):
        parse_time(text)
