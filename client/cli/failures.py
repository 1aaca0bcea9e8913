# SPDX-License-Identifier: MIT
"""What an error means to the person at the terminal: exit code, sentence, next step.

The one table from error classes to exit codes (design of the commands). Errors that are not in it are
faults of ours and keep their traceback.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from osak.coordinator.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed command, told to people and programs.

    Attributes:
        exit_code: of the process.
        kind: short stable name, for programs.
        text: one sentence or a few lines.
        hint: the next step; empty when the text says it.
        details: more for programs, e.g. each server's outcome.
    """

    exit_code: int
    kind: str
    text: str
    hint: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """The failure as JSON members."""
        known = {"exit_code": self.exit_code, "kind": self.kind, "message": self.text, "hint": self.hint}
        return {**known, **self.details}


def outcome_facts(outcome: "Outcome") -> dict[str, Any]:
    """One server's outcome as JSON members."""
    return {
        "server": outcome.server_id,
        "organisation": outcome.organisation,
        "status": outcome.status.value,
        "detail": outcome.detail,
        "elapsed_seconds": round(outcome.elapsed_seconds, 4),
    }


def describe_failure(error: Exception) -> Failure | None:
    """Say what ``error`` means, or None if it is a fault of ours."""
    # Imported here: only a failing command needs to know every kind of error.
    from osak.client.container.errors import ContainerError  # noqa: PLC0415 - see the docstring
    from osak.client.errors import ClientError  # noqa: PLC0415 - see the docstring
    from osak.coordinator.errors import CoordinatorError  # noqa: PLC0415 - see the docstring
    from osak.shares.errors import SharesError  # noqa: PLC0415 - see the docstring

    if isinstance(error, ContainerError):
        return _container_failure(error)
    if isinstance(error, CoordinatorError):
        return _coordinator_failure(error)
    if isinstance(error, ClientError):
        return _client_failure(error)
    if isinstance(error, SharesError):
        return Failure(2, "configuration", str(error))
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return Failure(6, "system", f"{place}{error.strerror or error}")
    return None


def _container_failure(error: Exception) -> Failure:
    from osak.client.container import errors  # noqa: PLC0415 - see describe_failure

    text = str(error)
    match error:
        case errors.InvalidInputError():
            return Failure(2, "input", text)
        case errors.NoRecipientError():
            return Failure(3, "no-recipient", text, "osak inspect shows who can open the file")
        case errors.WrongKeyError():
            return Failure(3, "wrong-key", text, "check the password, key or certificate you gave")
        case errors.LimitExceededError():
            hint = f"if you trust the sender, raise limits.{error.limit} in the configuration"
            return Failure(5, "limit", text, hint)
        case errors.UnsupportedError():
            return Failure(5, "unsupported", text)
        case _:
            return Failure(5, "damaged", text, "ask the sender for a fresh copy; nothing was written")


def _coordinator_failure(error: Exception) -> Failure:
    from osak.coordinator import errors  # noqa: PLC0415 - see describe_failure

    outcomes = [outcome_facts(outcome) for outcome in getattr(error, "outcomes", ())]
    details = {"outcomes": outcomes} if outcomes else {}
    match error:
        case errors.NotEnoughSharesError():
            hint = f"{_next_step(error.outcomes)}; nothing was written"
            return Failure(4, "not-enough-shares", str(error), hint, details)
        case errors.NoAnswerError():
            return Failure(6, "servers", str(error), _next_step(error.outcomes), details)
        case errors.UnknownServerError():
            hint = "add it with: osak group add URL, or trust this file once with --trust-container-servers"
            return Failure(2, "unknown-server", str(error), hint)
        case errors.InvalidPlacementError():
            return Failure(5, "damaged", str(error), "ask the sender for a fresh copy; nothing was written")
        case errors.CredentialError():
            return _credential_failure(error)
        case _:
            return Failure(6, "servers", str(error), "osak group check shows which servers answer", details)


def _next_step(outcomes: "Sequence[Outcome]") -> str:
    """What to do when too few servers did what was asked: wait, log in, or ask."""
    from osak.coordinator.outcome import Status  # noqa: PLC0415 - see describe_failure
    from osak.shares.protocol.codes import TEMPORARY, ProblemCode  # noqa: PLC0415 - see describe_failure

    if any(ProblemCode.SESSION_REFUSED in outcome.detail for outcome in outcomes):
        return (
            "a server wants you to have logged in with Smart-ID or Mobile-ID: name its auth server in the"
            " configuration, credentials.auth_server"
        )
    if any(outcome.status in {Status.SLOW, Status.UNREACHABLE} for outcome in outcomes):
        return "try again when more servers answer"
    if any(code in outcome.detail for outcome in outcomes for code in TEMPORARY):
        return "try again later: some servers cannot now, and say why"
    return "what was refused will be again: ask the servers' operators, with the requests' numbers"


def _credential_failure(error: Exception) -> Failure:
    from osak.client.identity import errors  # noqa: PLC0415 - see describe_failure

    match error:
        case errors.IdentityServiceError():
            return Failure(6, "identity-service", str(error), error.hint)
        case errors.RefusedSignatureError():
            return Failure(3, "credential", str(error), error.hint, {"reason": error.reason})
        case errors.IdentityError():
            return Failure(3, "credential", str(error), error.hint)
        case _:
            return Failure(3, "credential", str(error))


def _client_failure(error: Exception) -> Failure:
    from osak.client import errors  # noqa: PLC0415 - see describe_failure

    match error:
        case errors.OutputExistsError():
            return Failure(6, "output-exists", str(error), "choose another place, or use --overwrite")
        case errors.OutputError():
            return Failure(6, "output", str(error))
        case errors.RecipientFileError():
            return Failure(2, "input", str(error))
        case errors.CredentialFileError():
            return Failure(3, "credential", str(error))
        case errors.CapsuleServerError() | errors.DirectoryError() | errors.CertificateStatusError():
            return _service_failure(error)
        case _:
            return _usage_failure(error)


def _usage_failure(error: Exception) -> Failure:
    from osak.client import errors  # noqa: PLC0415 - see describe_failure

    match error:
        case errors.UntrustedCertificateError():
            hint = "ask its owner for another, or your administrator whom `trust` in the configuration names"
            return Failure(2, "untrusted-certificate", str(error), hint)
        case errors.UnknownCapsuleServerError():
            hint = "ask your administrator where it is, and add it under capsule_servers"
            return Failure(2, "unknown-server", str(error), hint)
        case _:
            return Failure(2, "usage", str(error))


def _service_failure(error: Exception) -> Failure:
    from osak.client import errors  # noqa: PLC0415 - see describe_failure

    if isinstance(error, errors.DirectoryError):
        hint = "try again later, or encrypt over the group's servers alone with --cards none"
        return Failure(6, "directory", str(error), hint)
    if isinstance(error, errors.CertificateStatusError):
        return Failure(6, "certificate-status", str(error), "try again later; nothing was written")
    return Failure(6, "capsule-server", str(error))
