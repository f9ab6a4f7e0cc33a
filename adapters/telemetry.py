"""Spans sent by OpenTelemetry's SDK over OTLP, in the background. A collector that is away costs the spans, nothing else.

The standard's own variables set the sampler, the exporter's headers and time limits and the size of batches. Every
word that leaves is redacted like a line of the log, and nothing of an exception leaves but its class.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any, Final
from uuid import UUID

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters import spans
from adapters.logs import longest_first, redact
from adapters.spans import NO_FACTS, Fact, Kind, told
from adapters.statements import summary
from adapters.stopping import in_thread
from domain.refusal import Refusal

CLOSE_SECONDS: Final = 3.0
"""How long a process that stops waits for its last spans to be sent."""
LONGEST_TEXT: Final = 200
KEPT_TEXTS: Final = 4096

_KINDS: Final = {each: SpanKind[each.value] for each in Kind}


class Open:
    """A span that has begun."""

    __slots__ = ("_clean", "_span")

    def __init__(self, span: Span, clean: Callable[[Fact], Any]) -> None:
        self._span = span
        self._clean = clean

    def rename(self, name: str) -> None:
        """See `spans.Span.rename`."""
        self._span.update_name(self._clean(name))

    def note(self, facts: Mapping[str, Fact] = NO_FACTS, /, **own: Fact) -> None:
        """See `spans.Span.note`."""
        for name, value in told(facts, own).items():
            self._span.set_attribute(name, self._clean(value))

    def fail(self, reason: str) -> None:
        """See `spans.Span.fail`."""
        self._span.set_attribute("error.type", self._clean(reason))
        self._span.set_status(StatusCode.ERROR)


class Telemetry:
    """The tracing of this process; see `spans.Tracing`."""

    def __init__(self, endpoint: str, *, service: str, secrets: tuple[str, ...]) -> None:
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        named = {} if os.environ.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: service}
        # The SDK's own end at exit would wait for a collector that is away.
        self._provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("prorata")
        self._clean_text = lru_cache(KEPT_TEXTS)(partial(_clean_text, secrets=longest_first(secrets)))

    @contextmanager
    def begin(
        self, name: str, *, kind: Kind, parent: str | None, facts: Mapping[str, Fact]
    ) -> Iterator[Open]:
        """See `spans.Tracing.begin`."""
        # Only the ids are taken from a caller: `tracestate` is any text, and would be sent on.
        carrier = {"traceparent": parent} if parent else {}
        with self._tracer.start_as_current_span(
            self._clean(name),
            context=TraceContextTextMapPropagator().extract(carrier) if carrier else None,
            kind=_KINDS[kind],
            attributes={key: self._clean(value) for key, value in facts.items()},
            record_exception=False,  # its text and its traceback may hold anything
            set_status_on_exception=False,
        ) as span:
            opened = Open(span, self._clean)
            try:
                yield opened
            except Refusal as refusal:
                opened.note(refusal=type(refusal).__name__)
                raise
            except Exception as error:
                opened.fail(type(error).__name__)
                raise

    def current(self) -> Open:
        """See `spans.Tracing.current`."""
        return Open(trace.get_current_span(), self._clean)

    def trace_id(self) -> str | None:
        """See `spans.Tracing.trace_id`."""
        context = trace.get_current_span().get_span_context()
        return trace.format_trace_id(context.trace_id) if context.is_valid else None

    def watch(self, engine: AsyncEngine) -> None:
        """See `spans.Tracing.watch`."""
        event.listen(engine.sync_engine, "before_cursor_execute", self._begin_statement)
        event.listen(engine.sync_engine, "after_cursor_execute", _end_statement)
        event.listen(engine.sync_engine, "handle_error", _fail_statement)

    async def aclose(self) -> None:
        """See `spans.Tracing.aclose`."""
        spans.use(None)
        await in_thread(self._provider.shutdown, within_seconds=CLOSE_SECONDS)

    def _clean(self, value: Fact) -> Any:
        if isinstance(value, str):
            return self._clean_text(value)
        if isinstance(value, list):
            return [self._clean_text(each) for each in value]
        return str(value) if isinstance(value, UUID) else value

    def _begin_statement(
        self, _conn: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: Any
    ) -> None:
        # A statement outside any trace, such as a feed's look for what is new, would be a trace of its own.
        if trace.get_current_span().is_recording():
            name = summary(statement)
            facts = {"db.system.name": "postgresql", "db.query.summary": name}
            context.prorata_span = self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=facts)


def _end_statement(_conn: Any, _cursor: Any, _text: Any, _values: Any, context: Any, _many: Any) -> None:
    span = getattr(context, "prorata_span", None)
    if span is not None:
        span.end()
        context.prorata_span = None


def _fail_statement(failed: Any) -> None:
    span = getattr(failed.execution_context, "prorata_span", None)
    if span is not None:
        error = failed.original_exception
        span.set_attribute("error.type", type(error).__name__)
        if state := getattr(error, "sqlstate", None):
            span.set_attribute("db.response.status_code", str(state))
        span.set_status(StatusCode.ERROR)
        span.end()
        failed.execution_context.prorata_span = None


def _clean_text(text: str, *, secrets: tuple[str, ...]) -> str:
    return redact(text, secrets)[:LONGEST_TEXT]
