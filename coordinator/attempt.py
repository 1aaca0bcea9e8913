# SPDX-License-Identifier: MIT
"""Calling one server: what may be repeated, how long to pause, and what an error means to people.

A call is repeated only when that is harmless: any call whose request certainly never left, and
calls that change nothing (nonce, identity) or end in the same state (revocation) also when the
server was briefly away. Pauses grow and carry jitter, so that many clients do not return in step.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import TypeVar

from osak.coordinator.errors import BadReply, Refused, TimedOut, TransportError, Unreachable, Untrusted
from osak.coordinator.group import Server
from osak.coordinator.outcome import Outcome, Status

MAX_ATTEMPTS = 3
FIRST_PAUSE_SECONDS = 0.1

_PASSING_STATUSES = frozenset({429, 502, 503, 504})
_Result = TypeVar("_Result")
_uniform = secrets.SystemRandom().uniform


def was_never_sent(error: TransportError) -> bool:
    """Whether even a call that must happen only once may be repeated after this error."""
    return isinstance(error, Unreachable) and not error.request_sent


def may_pass(error: TransportError) -> bool:
    """Whether a call that is safe to repeat has a chance the next time."""
    if isinstance(error, Refused):
        return error.problem.status in _PASSING_STATUSES
    return isinstance(error, Unreachable)


async def attempt(
    call: Callable[[], Awaitable[_Result]],
    *,
    repeat_if: Callable[[TransportError], bool],
    on_stumble: Callable[[TransportError], None] = lambda _: None,
) -> _Result:
    """Make a call, and again after a pause while ``repeat_if`` says so; three times at most.

    Args:
        call: makes one attempt.
        repeat_if: ``was_never_sent`` or ``may_pass``.
        on_stumble: told of the first failure that is repeated, so that nobody need wait for it.

    Raises:
        TransportError: of the last attempt.
    """
    for number in range(MAX_ATTEMPTS - 1):
        try:
            return await call()
        except TransportError as error:
            if not repeat_if(error):
                raise
            if number == 0:
                on_stumble(error)
        await asyncio.sleep(FIRST_PAUSE_SECONDS * 2**number * _uniform(0.5, 1.5))
    return await call()


def failure_outcome(server: Server, error: TransportError, elapsed_seconds: float) -> Outcome:
    """What a failed call means, told as an outcome."""
    match error:
        case Unreachable():
            status = Status.UNREACHABLE
        case TimedOut():
            status = Status.SLOW
        case Untrusted():
            status = Status.UNTRUSTED
        case Refused():
            status = Status.REFUSED
        case BadReply():
            status = Status.BAD_REPLY
        case _:
            raise AssertionError("every transport error has a status") from error
    return outcome_of(server, status, str(error), elapsed_seconds)


def outcome_of(server: Server, status: Status, detail: str, elapsed_seconds: float) -> Outcome:
    """An outcome of a configured server."""
    return Outcome(server.id, server.organisation, status, detail, elapsed_seconds)
