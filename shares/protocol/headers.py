# SPDX-License-Identifier: MIT
"""Names of the HTTP headers on the wire, and the two spellings upstream has for some.

Dialect A is OpenAPI 1.0.1 (the released server and clients), dialect B its 1.2.1 draft. We send A, and B
where only B can say it, and accept both. The ``x-osak-``, ``x-expiry-time`` and ``x-revocation-`` headers
are additions that a foreign client need not know; for capsules ``x-expiry-time`` is upstream's own.
"""

AUTH_TICKET = "x-cdoc2-auth-ticket"
AUTH_TICKET_DIALECT_B = "x-cdoc2-auth-token"
AUTH_CERTIFICATE = "x-cdoc2-auth-x5c"
SESSION_TOKEN = "x-cdoc2-session-token"  # noqa: S105 - a header's name, not a secret
SESSION_CERTIFICATE = "x-cdoc2-session-x5c"
SMART_ID_PARAMETERS = "x-cdoc2-sid-rpv3-signature-parameters"

EXPIRY_TIME = "x-expiry-time"
EXPIRY_TIME_ADJUSTED = "x-expiry-time-adjusted"
REVOCATION_HASH = "x-revocation-hash"
REVOCATION_TOKEN = "x-revocation-token"  # noqa: S105 - a header's name, not a secret
SHARE_SET = "x-osak-share-set"
REQUEST_ID = "x-request-id"
