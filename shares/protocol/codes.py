# SPDX-License-Identifier: MIT
"""Stable error codes of the node's RFC 9457 problem documents.

A code never changes its meaning; people and programs may depend on it. Unknown share, foreign
recipient, spent nonce and revoked share share one code on purpose: nobody can learn from an answer
whether a share exists.
"""

from enum import StrEnum
from typing import Final


class ProblemCode(StrEnum):
    """The ``code`` member of a problem document."""

    BAD_REQUEST = "bad-request"
    HEAD_TOO_LARGE = "head-too-large"
    BODY_TOO_LARGE = "body-too-large"
    TICKET_REFUSED = "ticket-refused"
    SESSION_REFUSED = "session-refused"
    CERTIFICATE_NEEDED = "certificate-needed"
    SENDER_REFUSED = "sender-refused"
    STATUS_UNAVAILABLE = "certificate-status-unavailable"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    TOO_MANY_REQUESTS = "too-many-requests"
    OVERLOADED = "overloaded"
    STORAGE_UNAVAILABLE = "storage-unavailable"
    INTERNAL = "internal"


TEMPORARY: Final = frozenset(
    {
        ProblemCode.STATUS_UNAVAILABLE,
        ProblemCode.TOO_MANY_REQUESTS,
        ProblemCode.OVERLOADED,
        ProblemCode.STORAGE_UNAVAILABLE,
    }
)
"""What another try some time later may not meet again."""
