# SPDX-License-Identifier: MIT
"""What commands say of work that is done: warnings for people, members of JSON for programs."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from osak.client.cli.terminal import Terminal

if TYPE_CHECKING:
    from osak.client import Outcome, UploadedCapsule

# Nor is there of a server that was not late yet when enough others had done their part.
_NOTHING_TO_SAY = frozenset(("ok", "spare", "not-asked"))


def note_outcomes(terminal: Terminal, outcomes: "Iterable[Outcome]", about: str = "") -> None:
    """Tell of servers that did not do their part, though enough others did; ``about`` names the file."""
    for outcome in outcomes:
        if outcome.status.value not in _NOTHING_TO_SAY:
            terminal.note(f"warning: {about}{outcome}")


def warn_of_java_ratio(terminal: Terminal) -> None:
    """Tell that a container which was just written is not for everybody."""
    terminal.warning(
        "the official Java client will not open this file: it refuses what shrinks more than ten times."
        " If a recipient uses that client, write the file with --compress none"
    )


def capsule_facts(capsules: "Collection[UploadedCapsule]") -> list[dict[str, str | None]]:
    """What capsule servers took, as JSON members."""
    if not capsules:
        return []
    # Imported here: most files have no such capsule.
    from osak.shares.protocol.times import time_text  # noqa: PLC0415 - see the line above

    return [
        {
            "server": capsule.server_id,
            "transaction_id": capsule.transaction_id,
            "expires_at": None if capsule.expires_at is None else time_text(capsule.expires_at),
        }
        for capsule in capsules
    ]
