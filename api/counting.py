"""Counts requests by their route, and operations of GraphQL by their kind; the latter get their spans here too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from strawberry.extensions import SchemaExtension

from adapters import metrics
from api.spans import operation_span

CLIENT_LEFT: Final = 499


class Counted:
    """ASGI middleware that counts each HTTP request once it is answered, or its client has left."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and count it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        status, began = CLIENT_LEFT, time.perf_counter()

        async def send_and_look(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_look)
        finally:
            route = scope.get("route")
            metrics.request_served(
                # An address of no route is the client's own text.
                route=route.path if isinstance(route, Route) else metrics.OTHER,
                status=status,
                seconds=time.perf_counter() - began,
            )


class OperationCount(SchemaExtension):
    """Counts an operation that was found good and begins to run, and makes its span."""

    def on_execute(self) -> Iterator[None]:
        """Count it by its kind."""
        metrics.operation_begun(self.execution_context.operation_type.value.lower())
        with operation_span(self.execution_context):
            yield
