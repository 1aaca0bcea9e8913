# SPDX-License-Identifier: MIT
"""Everything that can go wrong between one client and n servers, drawn as one tree.

CoordinatorError
├── NotEnoughSharesError      fewer good shares than needed; one outcome a server
│   └── WrongSecretError      enough shares came, but together they do not open the container
├── DistributionError         too few servers took their share; what was stored is revoked again
├── NoAnswerError             servers were asked, and none told it; one outcome a server
├── UnknownServerError        a container names servers that no configured group has
├── InvalidPlacementError     placements that cannot belong to one sharing (a hostile container)
├── CredentialError           the signature was refused, cancelled or failed
└── TransportError            one call to one server failed; the only errors that leave a transport
    ├── Unreachable           no connection, or it broke off
    ├── TimedOut              no answer in time
    ├── Untrusted             the certificate is not the one the configuration asks for
    ├── Refused               an error answer, with its problem document
    └── BadReply              an answer that is not the protocol

No text ever carries a share, a nonce, a ticket, a token or a key.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from osak.coordinator.outcome import Outcome, describe_outcomes
from osak.coordinator.placement import Receipt
from osak.errors import OsakError
from osak.shares.protocol.messages import Problem


class CoordinatorError(OsakError):
    """Base of every error of this package."""


class NotEnoughSharesError(CoordinatorError):
    """Fewer good shares could be had than the container needs.

    Attributes:
        outcomes: one a server, in the container's order.
        needed: how many good shares open the container.
        got: how many good shares came.
    """

    def __init__(self, outcomes: Sequence[Outcome], needed: int, got: int) -> None:
        self.outcomes = tuple(outcomes)
        self.needed = needed
        self.got = got
        super().__init__(f"{self._summary()}\n{describe_outcomes(outcomes)}")

    def _summary(self) -> str:
        return (
            f"not enough shares: {self.needed} needed, {self.got} to be had from {len(self.outcomes)} servers"
        )


class WrongSecretError(NotEnoughSharesError):
    """Enough shares came, but the secret they give does not open the container.

    Either the container was changed, or (n-of-n, which carries no commitments) at least one server
    returned a wrong share and nothing can tell which.
    """

    def _summary(self) -> str:
        return f"{self.got} shares came, but together they do not open the container"


class DistributionError(CoordinatorError):
    """Too few servers took their share. Everything that was stored has been revoked again.

    Attributes:
        outcomes: one a server, in the group's order.
        orphans: receipts of shares that were stored and could not be revoked. Fewer than the
            threshold of them are harmless; they fall away when they expire.
    """

    def __init__(
        self, outcomes: Sequence[Outcome], orphans: Sequence[Receipt], needed: int, got: int
    ) -> None:
        self.outcomes = tuple(outcomes)
        self.orphans = tuple(orphans)
        self.needed = needed
        self.got = got
        text = f"{got} of {len(self.outcomes)} servers took their share, {needed} are needed"
        if orphans:
            named = ", ".join(receipt.server_id for receipt in orphans)
            text += f"; could not be revoked at: {named}"
        super().__init__(f"{text}\n{describe_outcomes(outcomes)}")


class NoAnswerError(CoordinatorError):
    """None of the servers that were asked told what was asked.

    Attributes:
        outcomes: one a server, in the container's order.
    """

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        self.outcomes = tuple(outcomes)
        super().__init__(f"none of the servers gave an answer of use\n{describe_outcomes(outcomes)}")


class UnknownServerError(CoordinatorError):
    """A container names servers that are in no configured group; they were not contacted.

    Attributes:
        servers: ``id (url)`` of each, as the container spells them, made printable.
    """

    def __init__(self, servers: Sequence[str]) -> None:
        self.servers = tuple(servers)
        super().__init__(f"not in any configured group: {', '.join(self.servers)}")


class InvalidPlacementError(CoordinatorError, ValueError):
    """Placements that cannot belong to one sharing that a single ticket opens.

    Too few or too many are needed, indices repeat or are out of range, or two are at the same server.
    """


class CredentialError(CoordinatorError):
    """The recipient's signature was refused, cancelled or failed."""


class TransportError(CoordinatorError):
    """One call to one server failed.

    Attributes:
        request_sent: False only when it is certain that the server never saw the request, so that
            even a call that must not be repeated may be.
    """

    def __init__(self, message: str, *, request_sent: bool = True) -> None:
        self.request_sent = request_sent
        super().__init__(message)


class Unreachable(TransportError):  # noqa: N818 - reads as what happened; the base carries the suffix
    """No connection could be made, or it broke off."""


class TimedOut(TransportError):  # noqa: N818 - as above
    """No connection or no answer in time."""


class Untrusted(TransportError):  # noqa: N818 - as above
    """The server's certificate is not the one the configuration asks for; nothing was sent."""

    def __init__(self, message: str) -> None:
        super().__init__(message, request_sent=False)


class Refused(TransportError):  # noqa: N818 - as above
    """The server answered with an error.

    Attributes:
        problem: its status and, when it sent one, its problem document. The request's id is part of the
            text: by it the server's operator finds the request in the log.
        headers: of the answer; their names match in any case.
    """

    def __init__(self, problem: Problem, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        self.problem = problem
        self.headers = headers
        said = ", ".join(part for part in (problem.code, problem.title) if part)
        number = f" (request {problem.request_id})" if problem.request_id else ""
        super().__init__(f"answered {problem.status}" + (f": {said}" if said else "") + number)


class BadReply(TransportError):  # noqa: N818 - as above
    """The server answered something that is not the protocol."""
