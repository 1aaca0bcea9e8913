# SPDX-License-Identifier: MIT
"""``Tracing`` by the OpenTelemetry SDK, to a collector by OTLP over HTTP (OpenTelemetry 1.x)."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from osak.node.trace_settings import TraceSettings
from osak.node.tracing.base import Span, Tracing
from osak.shares.errors import ConfigurationError


class _OTLPSpan:
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def tell(self, name: str, value: str | int) -> None:
        self._span.set_attribute(name, value)


class _HurriedExporter(OTLPSpanExporter):
    """Once told to hurry it sends no further batch after that time or a failure.

    The SDK would try each batch that waits, and a collector that hangs would hold up the node's end.
    """

    _ends: float | None = None
    _failed = False

    def hurry(self, seconds: float) -> None:
        """Begin no further batch later than this from now."""
        self._ends = time.monotonic() + seconds

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._ends is not None and (self._failed or time.monotonic() >= self._ends):
            return SpanExportResult.FAILURE
        result = super().export(spans)
        self._failed = result is not SpanExportResult.SUCCESS
        return result


class OTLPTracing:
    """Spans that a thread sends in batches."""

    def __init__(self, settings: TraceSettings, node_id: str, version: str) -> None:
        self._timeout_seconds = settings.timeout_seconds
        self._exporter = _HurriedExporter(
            endpoint=settings.endpoint,
            headers=_headers(settings),
            certificate_file=None if settings.ca_file is None else str(settings.ca_file),
            timeout=settings.timeout_seconds,
        )
        # Resource(), not Resource.create(): that one would add what it finds in the environment.
        self._provider = TracerProvider(
            resource=Resource(
                {"service.name": "osak-node", "service.version": version, "service.instance.id": node_id}
            ),
            sampler=ParentBased(TraceIdRatioBased(settings.sample)),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("osak.node", version)

    @contextmanager
    def span(self, name: str) -> Iterator[Span]:
        """A span inside the one that is open; an exception ends it and is not recorded: its text may tell."""
        with self._tracer.start_as_current_span(
            name, record_exception=False, set_status_on_exception=False
        ) as span:
            yield _OTLPSpan(span)

    def close(self) -> None:
        """Send what waits; blocks for at most twice as long as the collector may take to answer."""
        self._exporter.hurry(self._timeout_seconds)
        self._provider.shutdown()


def _headers(settings: TraceSettings) -> dict[str, str] | None:
    if settings.token_file is None:
        return None
    token = settings.token_file.read_text(encoding="utf-8", errors="replace").strip()
    if not token or not token.isascii() or not token.isprintable():
        raise ConfigurationError("traces", [f"{settings.token_file}: expected one line with a token"])
    return {"Authorization": f"Bearer {token}"}


_: type[Tracing] = OTLPTracing
