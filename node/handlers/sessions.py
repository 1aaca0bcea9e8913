# SPDX-License-Identifier: MIT
"""Sessions over HTTP (dialect B): a nonce for one, and the two headers that prove one."""

from aiohttp import web

from osak.node.auth.base import SessionEvidence
from osak.node.errors import BadRequestError
from osak.node.handlers.keys import SERVICE
from osak.node.handlers.request_headers import single_header
from osak.shares.protocol import headers
from osak.shares.protocol.messages import NonceReply


async def issue_session_nonce(request: web.Request) -> web.Response:
    """POST /session_nonce; the body is ignored."""
    reply: NonceReply = request.app[SERVICE].issue_session_nonce()
    return web.Response(
        body=reply.to_json(), content_type="application/json", headers={"Cache-Control": "no-store"}
    )


def session_evidence(request: web.Request) -> SessionEvidence | None:
    """The session that a request shows; None if it shows none.

    Raises:
        BadRequestError: one of the headers without the other, or one twice.
    """
    token = single_header(request, headers.SESSION_TOKEN)
    certificate = single_header(request, headers.SESSION_CERTIFICATE)
    if not token and not certificate:
        return None
    if not token or not certificate:
        raise BadRequestError(f"{headers.SESSION_TOKEN} and {headers.SESSION_CERTIFICATE} go together")
    return SessionEvidence(token, certificate)
