"""Spans of requests and of GraphQL operations: told by routes and by the schema's own words, never by a document."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from graphql import FieldNode, OperationDefinitionNode
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from strawberry.types import ExecutionContext
from strawberry.types.graphql import OperationType

from adapters.spans import Fact, Kind, Span, is_tracing, span

PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
MOST_FIELDS: Final = 10
FAILED: Final = 500

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER: Final = "_OTHER"


class Traced:
    """ASGI middleware, the outermost where there is tracing: a span of each HTTP request but those of probes.

    It continues the trace that the header `traceparent` names.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self.app(scope, receive, send)
            return

        method = scope["method"] if scope["method"] in _METHODS else _OTHER
        with span(
            method, {"http.request.method": method}, kind=Kind.SERVER, parent=_parent(scope)
        ) as request:

            async def send_and_look(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _tell_answer(request, scope, method, message["status"])
                await send(message)

            await self.app(scope, receive, send_and_look)


@contextmanager
def operation_span(execution: ExecutionContext) -> Iterator[None]:
    """Make a span of a query or mutation that begins to run; a subscription has none, for it lasts."""
    if not is_tracing() or execution.operation_type is OperationType.SUBSCRIPTION:
        yield
        return

    kind, fields = execution.operation_type.value.lower(), _root_fields(execution)
    facts: dict[str, Fact] = {"graphql.operation.type": kind, "prorata.fields": fields}
    if execution.operation_name:
        facts["graphql.operation.name"] = execution.operation_name
    with span(" ".join([kind, *fields[:1]]), facts) as operation:
        yield
        if execution.result is not None and (errors := getattr(execution.result, "errors", None)):
            operation.note(errors=len(errors))


def _root_fields(execution: ExecutionContext) -> list[str]:
    """Name the schema's fields that an operation begins with; aliases are the client's own words."""
    document = execution.graphql_document
    for node in document.definitions if document else ():
        if isinstance(node, OperationDefinitionNode) and (
            execution.operation_name is None or (node.name and node.name.value == execution.operation_name)
        ):
            fields = [
                each.name.value for each in node.selection_set.selections if isinstance(each, FieldNode)
            ]
            return list(dict.fromkeys(fields))[:MOST_FIELDS]
    return []


def _tell_answer(request: Span, scope: Scope, method: str, status: int) -> None:
    route = scope.get("route")
    # An address of no route is the client's own text.
    if isinstance(route, Route):
        request.rename(f"{method} {route.path}")
        request.note({"http.route": route.path})
    request.note({"http.response.status_code": status})
    if status >= FAILED:
        request.fail(str(status))


def _parent(scope: Scope) -> str | None:
    found = next((value for name, value in scope["headers"] if name == b"traceparent"), None)
    return found.decode("latin-1") if found else None
