# SPDX-License-Identifier: MIT
"""Everything a node can refuse or fail at, drawn as one tree, and how each is answered.

NodeError
├── BadRequestError             the request is not well formed; its text is shown to the client
├── MalformedHTTPError          what came is no request of HTTP/1.1
├── HeadTooLargeError           a line or field of the request's head, or all of it, is too long
├── BodyTooLargeError           the body is longer than limits.max_body_bytes
├── RequestTimeoutError         the request was not complete in time
├── TicketRefusedError          the ticket, or
│   └── CertificateRefusedError its certificate, does not prove who asks
│       └── CertificateRevokedError  its authority took it back
├── StatusUnavailableError      nobody could tell whether a certificate was revoked
├── ClientCertificateRevokedError  the certificate of a connection was
├── SessionRefusedError         a session token is missing, or proves no session here
├── ClientCertificateMissingError  the connection came without a client certificate
├── SenderRefusedError         only configured senders may store, and this is none of them
├── CapsuleNotFoundError        unknown, foreign or expired capsule
├── ShareNotFoundError          unknown, foreign, revoked or expired share, spent or stale nonce
├── RouteNotFoundError          no such path
├── MethodNotAllowedError       the path exists, the method does not
├── TooManyRequestsError        a rate of ``limits.rates`` is used up; it says for how long
├── OverloadedError             more requests are being worked on than ``limits`` allow
├── StorageError                the store cannot be reached, or did not keep what it was given
│   └── AuditError              the audit log cannot be written, or is not what a node wrote
├── SealingError                what is stored cannot be opened with this node's key
├── BackupError                 a backup is not whole, not of this node's key, or does not fit what is stored
└── InternalError               anything nobody thought of

``ANSWERS`` is the only place where an error becomes a status and a code; a test proves it total.
The text of an error is for the log (never a secret in it); only the table's text reaches a client.
"""

import math
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from osak.errors import OsakError
from osak.shares.protocol.codes import ProblemCode


class NodeError(OsakError):
    """Base of every error of this package.

    Attributes:
        retry_after_seconds: when it may be worth to try again, if that is known.
    """

    retry_after_seconds: int | None = None


class BadRequestError(NodeError):
    """The request is not well formed; the text is one of our own sentences and is public."""


class MalformedHTTPError(NodeError):
    """What came over a connection is no request that the node reads."""


class HeadTooLargeError(NodeError):
    """The request line, a header field or all of them together are longer than allowed."""


class BodyTooLargeError(NodeError):
    """The request's body is longer than allowed."""


class RequestTimeoutError(NodeError):
    """The request was not complete, or not answered, in time."""


class TicketRefusedError(NodeError):
    """The ticket does not prove that the recipient asks this node for this share now."""


class CertificateRefusedError(TicketRefusedError):
    """The ticket's certificate is malformed, not trusted, not valid now, or not for authentication."""


class CertificateRevokedError(CertificateRefusedError):
    """The ticket's certificate, or one of its issuers', was revoked."""


class StatusUnavailableError(NodeError):
    """Nobody could tell whether a certificate was revoked, and the node was told to refuse then."""

    retry_after_seconds = 15


class ClientCertificateRevokedError(NodeError):
    """A capsule was asked for with a certificate that was revoked."""


class SessionRefusedError(NodeError):
    """There is no session token, or it proves no session here."""


class ClientCertificateMissingError(NodeError):
    """A capsule was asked for over a connection without a client certificate."""


class SenderRefusedError(NodeError):
    """Only configured senders may store here."""


class CapsuleNotFoundError(NodeError):
    """There is no such capsule for this client; every reason gives the same answer."""


class ShareNotFoundError(NodeError):
    """There is nothing to release or revoke; every reason gives the same answer."""


class RouteNotFoundError(NodeError):
    """No such path."""


class MethodNotAllowedError(NodeError):
    """The path exists, the method does not."""


class TooManyRequestsError(NodeError):
    """Somebody comes too often."""

    def __init__(self, message: str, wait_seconds: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = max(1, math.ceil(wait_seconds))


class OverloadedError(NodeError):
    """The node has all the work that it may take on at once."""

    retry_after_seconds = 1


class StorageError(NodeError):
    """The store failed; nothing may be taken as stored, spent or deleted."""

    retry_after_seconds = 5


class AuditError(StorageError):
    """The audit log cannot be written, so nothing is released; or it was changed."""


class SealingError(NodeError):
    """A stored share was sealed under another key, or its row was tampered with."""


class BackupError(NodeError):
    """A file is no whole backup under this node's key, or may not be put back; no client sees it."""


class InternalError(NodeError):
    """An unexpected failure."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How one class of errors looks to a client.

    Attributes:
        status: HTTP status.
        code: stable code of the problem document.
        text: one public sentence; empty means that the error's own text is public.
    """

    status: HTTPStatus
    code: ProblemCode
    text: str


ANSWERS: Final[dict[type[NodeError], Answer]] = {
    BadRequestError: Answer(HTTPStatus.BAD_REQUEST, ProblemCode.BAD_REQUEST, ""),
    MalformedHTTPError: Answer(
        HTTPStatus.BAD_REQUEST,
        ProblemCode.BAD_REQUEST,
        "not well-formed HTTP/1.1, or more than the node reads of it",
    ),
    HeadTooLargeError: Answer(
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        ProblemCode.HEAD_TOO_LARGE,
        "the request line, a header field or all of them together are too long",
    ),
    BodyTooLargeError: Answer(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, ProblemCode.BODY_TOO_LARGE, "the request body is too large"
    ),
    RequestTimeoutError: Answer(
        HTTPStatus.REQUEST_TIMEOUT, ProblemCode.BAD_REQUEST, "the request took too long"
    ),
    TicketRefusedError: Answer(
        HTTPStatus.UNAUTHORIZED, ProblemCode.TICKET_REFUSED, "the authentication ticket was refused"
    ),
    CertificateRefusedError: Answer(
        HTTPStatus.UNAUTHORIZED, ProblemCode.TICKET_REFUSED, "the authentication certificate was refused"
    ),
    CertificateRevokedError: Answer(
        HTTPStatus.UNAUTHORIZED, ProblemCode.TICKET_REFUSED, "the authentication certificate was refused"
    ),
    StatusUnavailableError: Answer(
        HTTPStatus.SERVICE_UNAVAILABLE,
        ProblemCode.STATUS_UNAVAILABLE,
        "the node cannot learn whether the certificate was revoked; try again later",
    ),
    ClientCertificateRevokedError: Answer(
        HTTPStatus.UNAUTHORIZED, ProblemCode.CERTIFICATE_NEEDED, "the client certificate was refused"
    ),
    SessionRefusedError: Answer(
        HTTPStatus.FORBIDDEN, ProblemCode.SESSION_REFUSED, "a session of a known auth server is needed"
    ),
    ClientCertificateMissingError: Answer(
        HTTPStatus.UNAUTHORIZED, ProblemCode.CERTIFICATE_NEEDED, "a client certificate is needed"
    ),
    SenderRefusedError: Answer(
        HTTPStatus.UNAUTHORIZED,
        ProblemCode.SENDER_REFUSED,
        "only organisations that this node knows may store here; ask its operator for a token",
    ),
    CapsuleNotFoundError: Answer(
        HTTPStatus.NOT_FOUND, ProblemCode.NOT_FOUND, "no such capsule, or not for this certificate"
    ),
    ShareNotFoundError: Answer(
        HTTPStatus.NOT_FOUND, ProblemCode.NOT_FOUND, "no such share, or not for this ticket"
    ),
    RouteNotFoundError: Answer(HTTPStatus.NOT_FOUND, ProblemCode.NOT_FOUND, "no such path"),
    MethodNotAllowedError: Answer(
        HTTPStatus.METHOD_NOT_ALLOWED, ProblemCode.METHOD_NOT_ALLOWED, "this path does not take this method"
    ),
    TooManyRequestsError: Answer(
        HTTPStatus.TOO_MANY_REQUESTS, ProblemCode.TOO_MANY_REQUESTS, "too many requests; try again later"
    ),
    OverloadedError: Answer(
        HTTPStatus.SERVICE_UNAVAILABLE, ProblemCode.OVERLOADED, "the node is busy; try again later"
    ),
    StorageError: Answer(
        HTTPStatus.SERVICE_UNAVAILABLE,
        ProblemCode.STORAGE_UNAVAILABLE,
        "the node cannot reach its storage; try again later",
    ),
    AuditError: Answer(
        HTTPStatus.SERVICE_UNAVAILABLE,
        ProblemCode.STORAGE_UNAVAILABLE,
        "the node cannot write its audit log; try again later",
    ),
    SealingError: Answer(
        HTTPStatus.INTERNAL_SERVER_ERROR, ProblemCode.INTERNAL, "the node could not answer; tell its operator"
    ),
    BackupError: Answer(
        HTTPStatus.INTERNAL_SERVER_ERROR, ProblemCode.INTERNAL, "the node could not answer; tell its operator"
    ),
    InternalError: Answer(
        HTTPStatus.INTERNAL_SERVER_ERROR, ProblemCode.INTERNAL, "the node could not answer; tell its operator"
    ),
}


def answer_for(error: NodeError) -> tuple[HTTPStatus, ProblemCode, str]:
    """Status, code and public text of ``error``."""
    answer = ANSWERS[type(error)]
    return answer.status, answer.code, answer.text or str(error)
