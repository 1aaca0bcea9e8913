# SPDX-License-Identifier: MIT
"""What people are told of servers when the work is done."""

import pytest

from osak.client.cli.reports import note_outcomes
from osak.client.cli.terminal import Terminal
from osak.coordinator import Outcome, Status


def test_who_did_nothing_wrong_is_not_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    """Servers that were quick, spare, or not late yet are no news; all others are, with the file's name."""
    outcomes = [Outcome(status.value, "", status, "so it went", 0.1) for status in Status]
    note_outcomes(Terminal(), outcomes, "kiri.cdoc2: ")
    said = capsys.readouterr().err.splitlines()
    quiet = {Status.OK, Status.SPARE, Status.NOT_ASKED}
    assert len(said) == len(set(Status) - quiet)
    assert all(line.startswith("warning: kiri.cdoc2: ") for line in said)
    assert not [status for status in quiet if any(f": {status.value} " in line for line in said)]
