# SPDX-License-Identifier: MIT
"""What a node tells its operator: JSON log lines on stderr and Prometheus metrics. Never a secret.

Redaction is by permission, not by search: a log line keeps only the fields in ``LOGGED_FIELDS``,
whatever a caller passes. Requests are named by their route, so no share id, nonce or header value
reaches a log, and an unexpected exception is logged by its type and place, without its text.
Nothing here is global: each node has its own logger and registry. aiohttp's own log is taken over,
since its messages quote the bytes they complain about.
"""

import asyncio
import json
import logging
import random
import time
import traceback
from collections import deque
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TextIO, cast

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from osak.node.errors import ANSWERS
from osak.node.request_lines import RequestLines
from osak.node.tracing.base import SpanMaker, no_span
from osak.shares.protocol.headers import REQUEST_ID

LOGGED_FIELDS: Final = frozenset(
    {
        "admin",
        "code",
        "count",
        "damaged",
        "event",
        "fetch_listen",
        "id",
        "kind",
        "level",
        "listen",
        "method",
        "organisation",
        "pin_sha256",
        "place",
        "port",
        "public_url",
        "reason",
        "removed",
        "request_id",
        "route",
        "seconds",
        "seen",
        "status",
        "storage",
        "time",
        "version",
    }
)
UNKNOWN_ROUTE = "(unknown)"
_KNOWN_METHODS: Final = frozenset({"GET", "POST", "DELETE", "HEAD", "PUT", "PATCH", "OPTIONS"})

REQUEST_ID_KEY = web.RequestKey("osak-request-id", str)
REFUSAL_KEY = web.RequestKey("osak-refusal", dict)


@dataclass(frozen=True, slots=True)
class Telemetry:
    """A node's logger and metrics."""

    log: structlog.typing.FilteringBoundLogger
    request_lines: RequestLines
    registry: CollectorRegistry
    requests: Counter
    request_seconds: Histogram
    refusals: Counter
    uploads: Counter
    expired_shares: Counter
    expired_capsules: Counter
    span: SpanMaker


def create_telemetry(stream: TextIO, version: str, span: SpanMaker = no_span) -> Telemetry:
    """Logger and metrics of one node; log lines go to ``stream``, spans to ``span``."""
    registry = CollectorRegistry()
    Gauge("osak_node_info", "Version of the node's software.", ["version"], registry=registry).labels(
        version
    ).set(1)
    lost = Counter("osak_node_log_lines_lost", "Log lines that could not be written.", registry=registry)
    log = _create_logger(_Lines(stream, lost))
    return Telemetry(
        log=log,
        request_lines=RequestLines(log),
        registry=registry,
        requests=Counter(
            "osak_node_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        ),
        request_seconds=Histogram(
            "osak_node_request_seconds",
            "Time to answer, in seconds.",
            ["route"],
            registry=registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
        ),
        refusals=_count_refusals(registry),
        uploads=Counter("osak_node_uploads", "Uploads by configured senders.", ["sender"], registry=registry),
        expired_shares=Counter("osak_node_expired_shares", "Shares erased after expiry.", registry=registry),
        expired_capsules=Counter(
            "osak_node_expired_capsules", "Capsules erased after expiry.", registry=registry
        ),
        span=span,
    )


def _count_refusals(registry: CollectorRegistry) -> Counter:
    refusals = Counter("osak_node_refusals", "Requests refused, by error.", ["error"], registry=registry)
    for error in ANSWERS:
        refusals.labels(error.__name__)  # there with 0: else Prometheus would see no rise in a first one
    return refusals


def observe_requests(telemetry: Telemetry) -> Middleware:
    """Outermost middleware: gives each request an id, counts, times and logs it."""
    # Methods, routes and statuses are few; to find their counters by labels takes longer than to count.
    count_request = lru_cache(telemetry.requests.labels)
    time_request = lru_cache(telemetry.request_seconds.labels)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        request_id = request[REQUEST_ID_KEY] = new_request_id()
        resource = request.match_info.route.resource
        route = UNKNOWN_ROUTE if resource is None else resource.canonical
        method = request.method if request.method in _KNOWN_METHODS else "OTHER"
        with telemetry.span(f"{method} {route}") as span:
            response = await handler(request)
            span.tell("http.request.method", method)
            span.tell("http.route", route)
            span.tell("http.response.status_code", response.status)
            span.tell("osak.request_id", request_id)
            if refusal := request.get(REFUSAL_KEY):
                span.tell("osak.code", refusal["code"])
        response.headers.update({REQUEST_ID: request_id, "Server": "osak"})
        seconds = time.perf_counter() - started
        count_request(method, route, response.status).inc()
        time_request(route).observe(seconds)
        telemetry.request_lines.write(
            request.get(REFUSAL_KEY, {}),
            request_id=request_id,
            method=method,
            route=route,
            status=response.status,
            seconds=round(seconds, 6),
        )
        return response

    return middleware


def new_request_id() -> str:
    """By which a client's error and the node's log name the same request; no secret."""
    return f"{random.getrandbits(64):016x}"


def place_of(error: BaseException) -> str:
    """Where an exception was raised, as ``file:line function``; never its text."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno} {frames[-1].name}" if frames else ""


class ForeignLogHandler(logging.Handler):
    """Passes on that a library logged something, not what: its text may quote a request."""

    def __init__(self, log: structlog.typing.FilteringBoundLogger) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Log the exception's type, or the place of the message."""
        error = record.exc_info[1] if record.exc_info else None
        reason = record.name if error is None else f"{record.name} {type(error).__name__}"
        self._log.warning("library", reason=reason, place=f"{record.pathname}:{record.lineno}")


def take_over_library_logs(telemetry: Telemetry) -> None:
    """Send libraries' log records through ours; for a process that is one node."""
    for name in ("aiohttp", "asyncio", "opentelemetry", "urllib3"):
        logger = logging.getLogger(name)
        logger.handlers = [ForeignLogHandler(telemetry.log)]
        logger.propagate = False


class _Lines:
    """The log's stream, whose failures are counted: a full disk or a closed pipe must stop no request.

    On an event loop, lines that come in one turn of it are written together: a write costs more than a line.
    """

    def __init__(self, stream: TextIO, lost: Counter) -> None:
        self._stream = stream
        self._lost = lost
        self._waiting: deque[str] = deque()  # a thread may add to it at any time
        self._turn: asyncio.AbstractEventLoop | None = None

    def write(self, line: str) -> None:
        """Write one line, now or at the end of this turn of the loop."""
        self._waiting.append(line)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # none in this thread
            self._write_out()
            return
        if loop is not self._turn:  # nor one that ended before it came to write
            self._turn = loop
            loop.call_soon(self._write_out)

    def flush(self) -> None:
        """Done with each turn's lines."""

    def _write_out(self) -> None:
        self._turn = None
        lines: list[str] = []
        with suppress(IndexError):
            while True:
                lines.append(self._waiting.popleft())
        try:
            self._stream.write("".join(lines))
            self._stream.flush()
        except (OSError, ValueError):  # full, broken, or closed
            self._lost.inc(len(lines))


_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, default=repr)


def _create_logger(lines: _Lines) -> structlog.typing.FilteringBoundLogger:
    logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(cast("TextIO", lines)),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            _keep_permitted,
            lambda _logger, _method, event: _ENCODER.encode(event),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    return logger.bind()


def _keep_permitted(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: value for name, value in event.items() if name in LOGGED_FIELDS}
