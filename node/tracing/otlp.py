# SPDX-License-Identifier: MIT
"""``Tracing`` by the OpenTelemetry SDK, to a collector by OTLP over HTTP (OpenTelemetry 1.x)."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from osak.node.trace_settings import TraceSettings
from osak.node.tracing.base import Span, Tracing
from osak.shares.errors import ConfigurationError


class _OTLPSpan:
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def tell(self, name: str, value: str | int) -> None:
        self._span.set_attribute(name, value)


class OTLPTracing:
    """Spans that a thread sends in batches."""

    def __init__(self, settings: TraceSettings, node_id: str, version: str) -> None:
        exporter = OTLPSpanExporter(
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
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("osak.node", version)

    @contextmanager
    def span(self, name: str) -> Iterator[Span]:
        """A span inside the one that is open; an exception ends it and is not recorded: its text may tell."""
        with self._tracer.start_as_current_span(
            name, record_exception=False, set_status_on_exception=False
        ) as span:
            yield _OTLPSpan(span)

    def close(self) -> None:
        """Send what waits; blocks for as long as the collector may take."""
        self._provider.shutdown()


def _headers(settings: TraceSettings) -> dict[str, str] | None:
    if settings.token_file is None:
        return None
    token = settings.token_file.read_text(encoding="utf-8", errors="replace").strip()
    if not token or not token.isascii() or not token.isprintable():
        raise ConfigurationError("traces", [f"{settings.token_file}: expected one line with a token"])
    return {"Authorization": f"Bearer {token}"}


_: type[Tracing] = OTLPTracing
