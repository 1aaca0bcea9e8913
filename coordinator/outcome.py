# SPDX-License-Identifier: MIT
"""What became of one server in one piece of work, told so that a person can act on it.

Every upload, collection or check ends with one ``Outcome`` for each server, whether the whole
succeeded or not. An outcome never carries a share, nonce, ticket or token, and text that came from
a server is printable and short before it gets here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How it went with one server."""

    OK = "ok"
    """Did its part."""
    SPARE = "spare"
    """Answered, but enough others had answered before; its share was not needed."""
    SLOW = "slow"
    """Had not answered in time, or only too late to be used."""
    UNREACHABLE = "unreachable"
    """No connection, or it broke off."""
    UNTRUSTED = "untrusted"
    """Its certificate is not the one the configuration asks for; nothing was sent to it."""
    REFUSED = "refused"
    """Answered with an error."""
    GONE = "gone"
    """Asked to delete a share, says that it has none: deleted before, expired, or never its sender's."""
    WRONG_SHARE = "wrong-share"
    """Returned a share that does not match the container."""
    DOUBTFUL = "doubtful"
    """Returned a share that may be wrong; with the shares at hand nothing can tell."""
    BAD_REPLY = "bad-reply"
    """Answered something that is not the protocol."""
    UNKNOWN = "unknown"
    """The container names it, the configuration does not; it was never contacted."""
    NOT_ASKED = "not-asked"
    """The work ended before it was this server's turn, or before it could answer."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One server's part.

    Attributes:
        server_id: short name from the configuration (or from the container, when unknown).
        organisation: who runs it; empty when unknown.
        status: what became of it.
        detail: the rest of a sentence that begins with the server: ``answered in 12 ms``.
        elapsed_seconds: time spent waiting for this server; never the time a person takes to sign.
    """

    server_id: str
    organisation: str
    status: Status
    detail: str
    elapsed_seconds: float

    def __str__(self) -> str:
        who = f"{self.server_id} ({self.organisation})" if self.organisation else self.server_id
        return f"{who} {self.detail}"


def describe_outcomes(outcomes: Iterable[Outcome]) -> str:
    """One line a server, for error texts: ``  ria (RIA): slow: …``."""
    return "\n".join(f"  {outcome.status.value}: {outcome}" for outcome in outcomes)
