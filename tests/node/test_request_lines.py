# SPDX-License-Identifier: MIT
"""A flood of refused requests must not fill the disk by its log, nor go unseen in it."""

import io
import json
from typing import Any

import pytest

from osak.node.request_lines import RequestLines
from osak.node.telemetry import create_telemetry

FLOOD = {"code": "too-many-requests", "reason": "TooManyRequestsError: too many requests of this address"}


class Lines:
    """A log at a time that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._stream = io.StringIO()
        self._lines = RequestLines(create_telemetry(self._stream, "test").log, lambda: self.now)

    def write(self, refusal: dict[str, Any], count: int = 1, *, is_request: bool = True) -> None:
        """So many requests."""
        for number in range(count):
            self._lines.write(refusal, is_request=is_request, request_id=str(number), route="/", status=0)

    def read(self) -> list[dict[str, Any]]:
        """What was written since the last time."""
        text = self._stream.getvalue()
        self._stream.seek(0)
        self._stream.truncate()
        return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("code", ["too-many-requests", "overloaded"])
def test_a_flood(code: str) -> None:
    """A hundred lines at once and ten a second are written of it; the next line says how many were not."""
    lines = Lines()
    lines.write(FLOOD | {"code": code}, 5000)
    written = lines.read()
    assert [line["event"] for line in written] == ["request"] * 100
    assert {line["reason"] for line in written} == {FLOOD["reason"]}
    lines.now += 0.5
    lines.write(FLOOD, 5000)
    first, *others = lines.read()
    assert (first["event"], first["count"], first["level"]) == ("requests not logged", 4900, "warning")
    assert len(others) == 5
    lines.now += 3600
    lines.write(FLOOD, 5000)
    assert len(lines.read()) == 101


def test_bytes_that_are_no_request() -> None:
    """No rate bounds them, so their lines are bounded as a flood's are, whatever they were refused with."""
    lines = Lines()
    lines.write({"code": "bad-request", "reason": "MalformedHTTPError"}, 500, is_request=False)
    assert len(lines.read()) == 100


def test_everything_else_has_its_line() -> None:
    """Answers, and refusals that rates bound, are logged each, also in the middle of a flood."""
    lines = Lines()
    lines.write(FLOOD, 5000)
    lines.read()
    lines.write({}, 300)
    assert [line.get("count") for line in lines.read()] == [4900] + [None] * 300
    lines.write({"code": "not-found", "reason": "ShareNotFoundError"}, 300)
    assert len(lines.read()) == 300
