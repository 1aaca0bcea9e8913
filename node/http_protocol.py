# SPDX-License-Identifier: MIT
"""What answers below the application: bytes that are no request, and what aiohttp would answer by itself.

aiohttp's own answers quote the client's bytes and name its version; its parser, and the check of ``Expect``,
come before every middleware. Here they become problem documents with a request id as all refusals are,
counted and logged by the kind of fault, never with the bytes. The connection is closed afterwards.

aiohttp bounds a head's fields and their number, not the head: half a megabyte, for each of a thousand
connections, would be more memory than a node has. Nor does it bound how long a client may leave answers
unread: who sends requests and never reads would keep a connection, and what is to be written to it, for
ever. Here both end.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import LineTooLong

from osak.node.errors import (
    HeadTooLargeError,
    InternalError,
    MalformedHTTPError,
    NodeError,
    RequestTimeoutError,
)
from osak.node.middleware import problem_response
from osak.node.telemetry import (
    REFUSAL_KEY,
    REQUEST_ID_KEY,
    UNKNOWN_ROUTE,
    Telemetry,
    new_request_id,
    place_of,
)
from osak.shares.protocol.headers import REQUEST_ID

MAX_HEADERS: Final = 64
MAX_FIELD_BYTES: Final = 8190
MAX_HEAD_BYTES: Final = 32 * 1024  # a ticket, a certificate and a session, each as long as a field may be
_UNKNOWN_METHOD: Final = "OTHER"
# How long a body that was refused is still read, so that its sender gets to see the answer.
_LINGER_SECONDS: Final = 2.0
_NO_HTTP: Final = b"\0\r\n"


class NodeProtocol(web.RequestHandler):
    """One connection's HTTP.

    Args:
        idle_seconds: until the head of a request must be there.
        answer_seconds: until the client must have taken answers that do not fit into buffers.
        on_lost: is called when the connection has ended.
    """

    __slots__ = ("_answer_seconds", "_head_bytes", "_is_refused", "_on_lost", "_stalled", "_telemetry")

    def __init__(
        self,
        server: web.Server,
        telemetry: Telemetry,
        *,
        idle_seconds: float,
        answer_seconds: float,
        on_lost: Callable[[], None],
    ) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # None is how aiohttp is told to write none
            logger=logging.getLogger("aiohttp.server"),
            keepalive_timeout=idle_seconds,
            max_headers=MAX_HEADERS,
            max_line_size=MAX_FIELD_BYTES,
            max_field_size=MAX_FIELD_BYTES,
            lingering_time=_LINGER_SECONDS,
            auto_decompress=False,  # no client compresses bodies of some hundred bytes
        )
        self._telemetry = telemetry
        self._answer_seconds = answer_seconds
        self._stalled: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._is_refused = False
        self._on_lost = on_lost

    def data_received(self, data: bytes) -> None:
        """Read on, unless what came is refused already."""
        if self._is_refused:
            return
        known = self._request_count
        is_head = self._waiter is not None or known == 0  # else a body, which has a bound of its own
        self._read_on(data)
        if self._request_count != known:
            self._head_bytes = 0
        elif is_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._read_on(_NO_HTTP)  # so that the parser refuses it, and it is answered

    def _read_on(self, data: bytes) -> None:
        known = self._request_count
        super().data_received(data)
        if self._request_count == known or not self._messages:
            return
        message, _ = self._messages[-1]
        if not isinstance(message, RawRequestMessage):
            # The parser would go on to refuse whatever comes. Its error has a traceback with what came, in a
            # circle that the collector of garbage comes to late.
            self._is_refused = True
            message.exc.__traceback__ = None

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give the connection's place back."""
        super().connection_lost(exc)
        self._flows_again()
        self._on_lost()

    def pause_writing(self) -> None:
        """Give the client some time to take what waits for it."""
        super().pause_writing()
        self._stalled = asyncio.get_running_loop().call_later(self._answer_seconds, self._cut)

    def resume_writing(self) -> None:
        """It did."""
        super().resume_writing()
        self._flows_again()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp's signature; the text quotes the request
    ) -> web.StreamResponse:
        """Answer what the parser refused, and what no middleware caught.

        Raises:
            ConnectionError: an answer had begun already; aiohttp then closes the connection.
        """
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was begun already")
        return self._refuse(request, self._error_of(status, exc))

    def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> Coroutine[Any, Any, tuple[web.StreamResponse, bool]]:
        """Send an answer. An exception is aiohttp's own: the application's middlewares let none out."""
        if isinstance(resp, web.HTTPException):
            resp = self._refuse(request, MalformedHTTPError(type(resp).__name__))
        return super().finish_response(request, resp, start_time)

    def _flows_again(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _cut(self) -> None:
        self._telemetry.refusals.labels(RequestTimeoutError.__name__).inc()
        if self.transport is not None:
            self.transport.abort()  # close() would wait until all is written

    def _error_of(self, status: int, cause: BaseException | None) -> NodeError:
        # Types and not texts: these quote the request.
        if isinstance(cause, LineTooLong):
            return HeadTooLargeError("a line or field of the head")
        if self._head_bytes > MAX_HEAD_BYTES:
            return HeadTooLargeError("the whole head")
        if status == HTTPStatus.BAD_REQUEST:
            return MalformedHTTPError(type(cause).__name__)
        kind, place = type(cause).__name__, "" if cause is None else place_of(cause)
        self._telemetry.log.error("unexpected", reason=kind, place=place)
        return InternalError("unexpected")

    def _refuse(self, request: web.BaseRequest, error: NodeError) -> web.Response:
        request_id = request[REQUEST_ID_KEY] = new_request_id()
        response = problem_response(request, error, {}, self._telemetry)
        response.headers.update({REQUEST_ID: request_id, "Server": "osak"})
        response.force_close()
        self._telemetry.requests.labels(_UNKNOWN_METHOD, UNKNOWN_ROUTE, response.status).inc()
        self._telemetry.request_lines.write(
            request[REFUSAL_KEY],
            is_request=False,
            request_id=request_id,
            method=_UNKNOWN_METHOD,
            route=UNKNOWN_ROUTE,
            status=response.status,
        )
        return response
