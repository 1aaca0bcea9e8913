# SPDX-License-Identifier: MIT
"""What authorities said is remembered for its time, and of so many certificates at most."""

from datetime import UTC, datetime, timedelta

from osak.client.recipient_status import StatusMemory
from osak.shares.certificates.status import Status

NOW = datetime.now(UTC)
END = NOW + timedelta(hours=1)
GOOD = Status(is_revoked=False, valid_until=END, source="ocsp", as_of=NOW)


def test_an_answer_has_its_time() -> None:
    """It holds until its end; and not before it was given, as it seems when a clock was ahead."""
    memory = StatusMemory()
    memory.put((b"ca", 1), NOW, END, GOOD)
    assert memory.get((b"ca", 1), NOW) is GOOD
    assert memory.get((b"ca", 1), END) is None
    assert memory.get((b"ca", 1), NOW - timedelta(seconds=1)) is None
    assert memory.get((b"another", 1), NOW) is None


def test_the_oldest_goes_when_there_are_too_many() -> None:
    """Memory is bounded; an answer that was renewed counts as new."""
    memory = StatusMemory(max_certificates=2)
    for serial in (1, 2, 1, 3):
        memory.put((b"ca", serial), NOW, END, GOOD)
    assert [memory.get((b"ca", serial), NOW) for serial in (1, 2, 3)] == [GOOD, None, GOOD]
