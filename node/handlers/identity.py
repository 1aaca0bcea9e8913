# SPDX-License-Identifier: MIT
"""What a node says of itself: a claim for people to confirm, proved by nothing but the TLS certificate."""

from aiohttp import web

from osak.node.handlers.keys import IDENTITY


async def describe_node(request: web.Request) -> web.Response:
    """GET /.well-known/osak-node."""
    return web.Response(body=request.app[IDENTITY].to_json(), content_type="application/json")
