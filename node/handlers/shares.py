# SPDX-License-Identifier: MIT
"""Create, release and revoke a share over HTTP (upstream's key-shares API, OpenAPI 1.0.1); tell its releases.

The ticket may come under the header name of either dialect, but not under both with different values:
two readers must never see two tickets.
"""

from hashlib import sha256

from aiohttp import web

from osak.node.auth.base import Evidence
from osak.node.errors import BadRequestError
from osak.node.handlers.keys import SENDERS, SERVICE
from osak.node.handlers.request_headers import (
    expiry_time,
    seconds_text,
    sender_evidence,
    single_header,
)
from osak.node.handlers.sessions import session_evidence
from osak.shares.errors import MessageError
from osak.shares.protocol import headers
from osak.shares.protocol.messages import ShareMessage
from osak.shares.protocol.share_set import ShareSetMember
from osak.shares.protocol.strict_json import decode_base64, decode_base64url
from osak.shares.protocol.urls import check_share_id, share_path

REVOCATION_TOKEN_BYTES = 32


async def create_share(request: web.Request) -> web.Response:
    """POST /key-shares."""
    sender = await request.app[SENDERS].admit(*sender_evidence(request))
    try:
        message = ShareMessage.from_request(await request.read())
        share_set = single_header(request, headers.SHARE_SET)
        member = None if share_set is None else ShareSetMember.parse(share_set)
    except MessageError as error:
        raise BadRequestError(str(error)) from error
    created = await request.app[SERVICE].create(
        message,
        expires_at=expiry_time(request),
        revocation_hash=_revocation_hash(request),
        share_set=member,
        sender=sender,
    )
    return web.Response(
        status=201,
        headers={
            "Location": share_path(created.share_id),
            headers.EXPIRY_TIME: seconds_text(created.expires_at),
        },
    )


async def release_share(request: web.Request) -> web.Response:
    """GET /key-shares/{share_id}."""
    message = await request.app[SERVICE].release(share_id_of(request), _evidence(request))
    return _private(message.to_json())


async def tell_releases(request: web.Request) -> web.Response:
    """GET /key-shares/{share_id}/releases."""
    reply = await request.app[SERVICE].tell_releases(share_id_of(request), _evidence(request))
    return _private(reply.to_json())


async def revoke_share(request: web.Request) -> web.Response:
    """DELETE /key-shares/{share_id}."""
    share_id = share_id_of(request)
    token = single_header(request, headers.REVOCATION_TOKEN)
    if token is None:
        raise BadRequestError(f"{headers.REVOCATION_TOKEN} is needed")
    await request.app[SERVICE].revoke(share_id, _revocation_token(token))
    return web.Response(status=204)


def share_id_of(request: web.Request) -> str:
    """The share id in the path.

    Raises:
        BadRequestError: it has not the form of one.
    """
    try:
        return check_share_id(request.match_info["share_id"])
    except MessageError as error:
        raise BadRequestError(str(error)) from error


def _evidence(request: web.Request) -> Evidence:
    ticket = _ticket(request)
    certificate = single_header(request, headers.AUTH_CERTIFICATE)
    if not ticket or not certificate:
        raise BadRequestError(f"{headers.AUTH_TICKET} and {headers.AUTH_CERTIFICATE} are needed")
    parameters = single_header(request, headers.SMART_ID_PARAMETERS)
    return Evidence(ticket, certificate, parameters, session_evidence(request))


def _private(body: bytes) -> web.Response:
    """An answer for one person."""
    return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-store"})


def _ticket(request: web.Request) -> str | None:
    names = (headers.AUTH_TICKET, headers.AUTH_TICKET_DIALECT_B)
    tickets = {ticket for name in names if (ticket := single_header(request, name)) is not None}
    if len(tickets) > 1:
        raise BadRequestError(f"{' and '.join(names)} differ")
    return next(iter(tickets), None)


def _revocation_hash(request: web.Request) -> bytes | None:
    text = single_header(request, headers.REVOCATION_HASH)
    if text is None:
        return None
    problem = f"{headers.REVOCATION_HASH} is the base64 of a SHA-256"
    try:
        digest = decode_base64(text)
    except MessageError as error:
        raise BadRequestError(problem) from error
    if len(digest) != sha256().digest_size:
        raise BadRequestError(problem)
    return digest


def _revocation_token(text: str) -> bytes:
    problem = f"{headers.REVOCATION_TOKEN} is the base64 of 32 bytes"
    try:
        token = decode_base64(text) if len(text) % 4 == 0 else decode_base64url(text)
    except MessageError as error:
        raise BadRequestError(problem) from error
    if len(token) != REVOCATION_TOKEN_BYTES:
        raise BadRequestError(problem)
    return token
