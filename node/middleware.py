# SPDX-License-Identifier: MIT
"""Everything that stands between a socket and a handler: limits, and how errors are answered.

Every error ends here, once: ours through ``errors.ANSWERS``, aiohttp's own by its status, anything else
as "internal". A client never sees a stack trace or an error's inner text. No ``X-Forwarded-*`` header is
read here: a node knows its public URL from its configuration, and ``limits.addresses`` whom to believe.
"""

import asyncio
from contextlib import AbstractContextManager
from http import HTTPStatus
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from osak.node.errors import (
    BadRequestError,
    BodyTooLargeError,
    InternalError,
    MethodNotAllowedError,
    NodeError,
    RequestTimeoutError,
    RouteNotFoundError,
    answer_for,
)
from osak.node.telemetry import REFUSAL_KEY, REQUEST_ID_KEY, Telemetry, place_of
from osak.shares.protocol.codes import ProblemCode
from osak.shares.protocol.headers import AUTH_TICKET
from osak.shares.protocol.messages import Problem

_BY_STATUS: dict[int, type[NodeError]] = {
    HTTPStatus.NOT_FOUND: RouteNotFoundError,
    HTTPStatus.METHOD_NOT_ALLOWED: MethodNotAllowedError,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: BodyTooLargeError,
}
_CHALLENGES = {
    ProblemCode.TICKET_REFUSED: AUTH_TICKET,
    ProblemCode.CERTIFICATE_NEEDED: "client-certificate",
    ProblemCode.SENDER_REFUSED: "Bearer",
}


class Limits(Protocol):
    """What decides whether a request is let in, and worked on; see ``limits.gate``."""

    async def admit(self, request: web.Request) -> None:
        """Return if the client may come now, else raise."""
        ...

    def work(self) -> AbstractContextManager[None]:
        """A slot for the work on one request."""
        ...


def answer_errors(telemetry: Telemetry, limits: Limits, *, timeout_seconds: float) -> Middleware:
    """Middleware that bounds a request in rate, time and size; every error becomes a problem document."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        headers: dict[str, str] = {}
        try:
            async with asyncio.timeout(timeout_seconds):
                await limits.admit(request)
                # Read here for every method, so that no body stays unbounded because nobody looks at it.
                try:
                    await request.read()
                except ConnectionError as error:  # no fault of the node's, so never "internal"
                    raise BadRequestError("the client left before its request was there") from error
                with limits.work():
                    return await handler(request)
        except NodeError as error:
            failure = error
        except web.HTTPException as error:
            kind = _BY_STATUS.get(error.status, BadRequestError)
            public = kind is BadRequestError
            failure = kind("the request is not well formed" if public else HTTPStatus(error.status).phrase)
            headers = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
        except TimeoutError:
            failure = RequestTimeoutError("not complete in time")
        except (web.PayloadAccessError, web.RequestPayloadError):
            failure = BadRequestError("the request body is broken")
        except Exception as error:  # noqa: BLE001 - the last line of defence: anything else is "internal"
            # Not .exception(): the text and the values in a traceback may be secrets.
            telemetry.log.error(  # noqa: TRY400 - see above
                "unexpected", reason=type(error).__name__, place=place_of(error)
            )
            failure = InternalError("unexpected")
        return problem_response(request, failure, headers, telemetry)

    return middleware


def problem_response(
    request: web.BaseRequest, error: NodeError, headers: dict[str, str], telemetry: Telemetry
) -> web.Response:
    """The answer to a request, which has its id already, that ends in ``error``; counted, not yet logged."""
    status, code, text = answer_for(error)
    request_id = request[REQUEST_ID_KEY]
    request[REFUSAL_KEY] = {"code": code.value, "reason": f"{type(error).__name__}: {error}"}
    telemetry.refusals.labels(type(error).__name__).inc()
    if status == HTTPStatus.UNAUTHORIZED:  # RFC 9110 15.5.2: a 401 names what would help
        headers = {**headers, "WWW-Authenticate": _CHALLENGES[code]}
    if error.retry_after_seconds is not None:
        headers = {**headers, "Retry-After": str(error.retry_after_seconds)}
    return web.Response(
        status=status,
        body=Problem(status, code, text, request_id).to_json(),
        content_type="application/problem+json",
        headers=headers,
    )
