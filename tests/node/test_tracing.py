# SPDX-License-Identifier: MIT
"""Spans that a node sends to a collector: what is in them, what is not, and that nobody waits for it."""

import asyncio
import gzip
import json
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from aiohttp.test_utils import TestClient, TestServer
from factories.node_processes import make_node, started
from factories.nodes import LocalNode
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from osak.node.app import create_admin_app, create_app, create_service
from osak.node.telemetry import create_telemetry
from osak.node.trace_settings import TraceSettings
from osak.node.tracing import open_tracing
from osak.shares.errors import ConfigurationError
from osak.shares.protocol.strict_json import encode_base64


@dataclass
class Collector:
    """An OTLP collector on loopback that keeps what it is sent."""

    bodies: list[bytes] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    url: str = ""

    @property
    def spans(self) -> list[Span]:
        """All spans so far."""
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [
            span
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def attributes(self, name: str) -> list[dict[str, str | int]]:
        """What was told of each span of that name."""
        return [
            {each.key: each.value.string_value or each.value.int_value for each in span.attributes}
            for span in self.spans
            if span.name == name
        ]


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector that runs."""
    kept = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.bodies.append(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            kept.tokens.append(self.headers["Authorization"] or "")
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    kept.url = f"http://127.0.0.1:{server.server_address[1]}/v1/traces"
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


class TracedNode(LocalNode):
    """A local node that sends spans to ``collector``."""

    settings: TraceSettings

    async def start(self) -> None:
        """Open both ports."""
        self.tracing = open_tracing(self.settings, self.config.id, "1.2.3")
        telemetry = create_telemetry(self.log, "test", self.tracing.span)
        service = create_service(self.config, self.store, clock=lambda: self.now, span=telemetry.span)
        self.client = TestClient(TestServer(create_app(self.config, service, telemetry)))
        self.admin = TestClient(TestServer(create_admin_app([service], telemetry)))
        await self.client.start_server()
        await self.admin.start_server()

    async def stop(self) -> None:
        """Close both, and send what waits."""
        await super().stop()
        await asyncio.to_thread(self.tracing.close)


@pytest.fixture
async def traced(node: LocalNode, collector: Collector, tmp_path: Path) -> AsyncIterator[TracedNode]:
    """A node that is traced, with a token."""
    (tmp_path / "token").write_text("let-me-in\n", encoding="utf-8")
    found = TracedNode(node.config, node.person, node.log)
    found.settings = TraceSettings.model_validate(
        {"endpoint": collector.url, "token_file": "token"}, context={"folder": tmp_path}
    )
    await found.start()
    yield found
    await found.stop()


async def test_a_request_and_its_steps(traced: TracedNode, collector: Collector) -> None:
    """A fetch is one span by its route, the steps are inside it, and no secret is in any of it."""
    share = secrets.token_bytes(32)
    path = (await traced.upload(share)).headers["Location"]
    ticket = await traced.ticket(path)
    headers = {"x-cdoc2-auth-ticket": ticket, "x-cdoc2-auth-x5c": traced.person.x5c}
    assert (await traced.client.get(path, headers=headers)).status == 200
    refused = await traced.client.get(path, headers=headers)
    assert refused.status == 404
    request_id = (await refused.json())["request_id"]
    await traced.stop()
    fetches = collector.attributes("GET /key-shares/{share_id}")
    assert [fetch["http.response.status_code"] for fetch in fetches] == [200, 404]
    assert fetches[1]["osak.code"] == "not-found"
    assert fetches[1]["osak.request_id"] == request_id
    whole = next(span for span in collector.spans if span.name == "GET /key-shares/{share_id}")
    steps = [span.name for span in collector.spans if span.parent_span_id == whole.span_id]
    assert steps == ["check ticket", "store get", "check revocation", "store spend"]
    everything = b"".join(collector.bodies).decode("latin-1")
    known = [encode_base64(share), path.rpartition("/")[2], traced.person.serial_number, ticket[:40]]
    assert [secret for secret in known if secret in everything] == []
    assert set(collector.tokens) == {"Bearer let-me-in"}


async def test_what_a_client_says_of_traces_is_not_read(traced: TracedNode, collector: Collector) -> None:
    """A stranger's ``traceparent`` neither names our traces nor decides whether they are kept."""
    given = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-00"}
    assert (await traced.client.get("/.well-known/osak-node", headers=given)).status == 200
    await traced.stop()
    (span,) = [span for span in collector.spans if "well-known" in span.name]
    assert span.trace_id.hex() != "ab" * 16
    assert span.parent_span_id == b""


async def test_a_missing_collector_costs_nothing(tmp_path: Path) -> None:
    """Without its collector a node serves and stops as ever; its log tells that something failed."""
    node = make_node(tmp_path)
    with node.config_file.open("a", encoding="utf-8") as stream:
        stream.write("\ntraces: {endpoint: 'http://127.0.0.1:1/v1/traces', timeout_seconds: 0.2}\n")
    async with started(node):
        status, path, _ = await node.upload(b"s" * 32)
        assert (status, await node.fetch(path, await node.ticket(path))) == (201, (200, b"s" * 32))
        assert node.process is not None
        node.process.terminate()
        assert await asyncio.wait_for(node.process.wait(), 20) == 0
    log = node.config_file.with_suffix(".log").read_text(encoding="utf-8")
    events = [json.loads(line) for line in log.splitlines()]
    assert any(line["event"] == "library" and "opentelemetry" in line["reason"] for line in events)


def test_a_collector_that_hangs_does_not_hold_up_the_end() -> None:
    """Of many batches that wait at the end, none is tried after one that got no answer."""
    asked: list[socket.socket] = []

    def accept_for_ever(server: socket.socket) -> None:
        with suppress(OSError):  # closed
            while True:
                asked.append(server.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=accept_for_ever, args=[server], daemon=True)
        thread.start()
        endpoint = f"http://127.0.0.1:{server.getsockname()[1]}/v1/traces"
        settings = TraceSettings(endpoint=endpoint, timeout_seconds=0.5)
        tracing = open_tracing(settings, "ria", "1")
        for _ in range(2048):  # as many as wait at most, in four batches
            with tracing.span("step"):
                pass
        tracing.close()
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)
    for connection in asked:
        connection.close()
    # One that was under way when the end came, and one after it.
    assert 1 <= len(asked) <= 2


@pytest.mark.parametrize(
    "mistake",
    [
        {"endpoint": "ftp://127.0.0.1/v1"},
        {"endpoint": "http:///v1/traces"},
        {"endpoint": "http://me:secret@127.0.0.1/v1/traces"},
        {"endpoint": "http://127.0.0.1/v1/traces?token=x"},
        {"endpoint": 7},
        {"endpoint": "http://127.0.0.1/v1/traces", "sample": 0},
        {"endpoint": "http://127.0.0.1/v1/traces", "sample": 1.1},
        {"endpoint": "http://127.0.0.1/v1/traces", "token_file": "missing"},
        {},
    ],
)
def test_mistakes_in_the_yaml(tmp_path: Path, mistake: dict[str, object]) -> None:
    """What cannot be a collector, or would put a secret into the YAML, is refused."""
    with pytest.raises(ValueError, match=r"endpoint|sample|token_file"):
        TraceSettings.model_validate(mistake, context={"folder": tmp_path})


@pytest.mark.parametrize("token", ["", "two\nlines", "põhi"])
def test_a_token_that_is_none(tmp_path: Path, token: str) -> None:
    """A token that could not stand in a header stops the start."""
    (tmp_path / "token").write_text(token, encoding="utf-8")
    settings = TraceSettings.model_validate(
        {"endpoint": "http://127.0.0.1:1/v1/traces", "token_file": "token"}, context={"folder": tmp_path}
    )
    with pytest.raises(ConfigurationError, match="expected one line with a token"):
        open_tracing(settings, "ria", "1")
