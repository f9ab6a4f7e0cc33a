"""A collector of spans: a real little server that takes OTLP over HTTP and decodes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True, slots=True)
class Seen:
    """A span as it came."""

    name: str
    kind: str
    trace_id: str
    id: str
    parent_id: str
    is_failed: bool
    facts: dict[str, object]


@dataclass(slots=True)
class Collector:
    """What was sent to `url`: `bodies` as bytes, `spans` decoded, `services` by name."""

    url: str
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def spans(self) -> list[Seen]:
        """All spans, in the order in which they came."""
        return [
            _seen(span)
            for request in self._requests()
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def services(self) -> set[str]:
        """The names of the services that sent spans."""
        return {
            each.value.string_value
            for request in self._requests()
            for resource in request.resource_spans
            for each in resource.resource.attributes
            if each.key == "service.name"
        }

    def named(self, name: str) -> list[Seen]:
        """The spans of a name."""
        return [span for span in self.spans if span.name == name]

    def under(self, parent: Seen) -> list[Seen]:
        """The spans right below one."""
        return [span for span in self.spans if span.parent_id == parent.id]

    def _requests(self) -> Iterator[ExportTraceServiceRequest]:
        for body in list(self.bodies):
            yield ExportTraceServiceRequest.FromString(body)


@contextmanager
def collecting() -> Iterator[Collector]:
    """Collect spans while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.path == "/v1/traces":
                found.headers.append({name.lower(): value for name, value in self.headers.items()})
                found.bodies.append(body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _seen(span: Span) -> Seen:
    return Seen(
        name=span.name,
        kind=Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace_id=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        is_failed=span.status.code == span.status.STATUS_CODE_ERROR,
        facts={each.key: _value(each.value) for each in span.attributes},
    )


def _value(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind) if kind else None
