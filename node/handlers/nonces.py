# SPDX-License-Identifier: MIT
"""Issue a nonce over HTTP. The body is ignored: libcdoc sends none, but calls it JSON."""

from aiohttp import web

from osak.node.handlers.keys import SERVICE
from osak.node.handlers.sessions import session_evidence
from osak.node.handlers.shares import share_id_of


async def issue_nonce(request: web.Request) -> web.Response:
    """POST /key-shares/{share_id}/nonce."""
    reply = await request.app[SERVICE].issue_nonce(share_id_of(request), session_evidence(request))
    return web.Response(
        body=reply.to_json(), content_type="application/json", headers={"Cache-Control": "no-store"}
    )
