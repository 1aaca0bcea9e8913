# SPDX-License-Identifier: MIT
"""Create and release a key capsule over HTTP (upstream's key-capsules API, OpenAPI 3.1.1).

Whose key the client holds was proved in the TLS handshake; the certificate is taken from the connection
and from nowhere else. A request that came to the wrong one of the two ports is told so by a 405.
"""

from aiohttp import web

from osak.node.errors import BadRequestError, ClientCertificateMissingError
from osak.node.handlers.keys import CAPSULES, SENDERS
from osak.node.handlers.request_headers import client_certificate, expiry_time, seconds_text, sender_evidence
from osak.shares.errors import MessageError
from osak.shares.protocol import headers
from osak.shares.protocol.capsule import CapsuleMessage, capsule_path, check_transaction_id


async def create_capsule(request: web.Request) -> web.Response:
    """POST /key-capsules, at the public port."""
    await request.app[SENDERS].admit(*sender_evidence(request))
    try:
        message = CapsuleMessage.from_request(await request.read())
    except MessageError as error:
        raise BadRequestError(str(error)) from error
    created = await request.app[CAPSULES].create(message, expiry_time(request))
    return web.Response(
        status=201,
        headers={
            "Location": capsule_path(created.transaction_id),
            headers.EXPIRY_TIME: seconds_text(created.expires_at),
            headers.EXPIRY_TIME_ADJUSTED: str(created.is_expiry_adjusted).lower(),
        },
    )


async def release_capsule(request: web.Request) -> web.Response:
    """GET /key-capsules/{transaction_id}, at the port with client certificates."""
    try:
        transaction_id = check_transaction_id(request.match_info["transaction_id"])
    except MessageError as error:
        raise BadRequestError(str(error)) from error
    certificate = client_certificate(request)
    if certificate is None:
        raise ClientCertificateMissingError("the connection has no client certificate")
    released = await request.app[CAPSULES].release(transaction_id, certificate)
    return web.Response(
        body=released.message.to_json(),
        content_type="application/json",
        headers={headers.EXPIRY_TIME: seconds_text(released.expires_at), "Cache-Control": "no-store"},
    )


async def refuse_port(request: web.Request) -> web.Response:
    """Any capsule request at the port that does not serve it."""
    raise web.HTTPMethodNotAllowed(request.method, [])
