# SPDX-License-Identifier: MIT
"""What people are told to do next, by what became of the servers."""

import pytest

from osak.client.cli.failures import describe_failure
from osak.coordinator.errors import NoAnswerError
from osak.coordinator.outcome import Outcome, Status


@pytest.mark.parametrize(
    ("status", "detail", "step"),
    [
        (Status.REFUSED, "answered 401: ticket-refused", "what was refused will be again"),
        (Status.REFUSED, "answered 503: certificate-status-unavailable", "try again later"),
        (Status.REFUSED, "answered 403: session-refused", "a server wants you to have logged in"),
        (Status.SLOW, "did not answer in time", "try again when more servers answer"),
    ],
)
def test_the_next_step(status: Status, detail: str, step: str) -> None:
    """Who was refused for good is not told to wait, nor who has to wait to ask the operators."""
    failure = describe_failure(NoAnswerError([Outcome("ria", "RIA", status, detail, 0.1)]))
    assert failure is not None
    assert (failure.exit_code, failure.hint.startswith(step)) == (6, True)
