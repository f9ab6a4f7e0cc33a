"""The ASGI application: GraphQL over HTTP and WebSocket, usage in bulk, files, the provider's webhooks, probes, metrics, GraphiQL."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from adapters.gateway.protocol import WebhookRefused
from adapters.readiness import readiness
from adapters.scraping import metrics_route
from adapters.settings import Settings, load_settings
from adapters.stopping import stop
from api import usage_door
from api.bodies import BodyLimits
from api.counting import Counted
from api.docs import docs_routes
from api.documents import document_routes
from api.edge import open_edge
from api.errors import JsonErrors, bad_request, handle_error
from api.exports import Exports
from api.graphiql import graphiql_routes
from api.rendering import Renderer
from api.schema import schema
from api.sockets import Sockets
from api.spans import Traced
from api.view import ProrataGraphQL
from services import providerevents
from services.invoicepages import Seller

log = logging.getLogger("prorata.api")


def create_app(
    settings: Settings | None = None,
    *,
    clock: Callable[[], datetime] | None = None,
    is_rendering: bool = True,
) -> Starlette:
    """Make the application from the environment's settings, or from given ones.

    The bodies of webhooks are made beside, unless somebody else sees to it with `app.state.renderer`.
    """
    chosen = settings or load_settings()
    edge = open_edge(chosen, clock=clock or _wall)
    renderer = Renderer(schema, edge.of_everyone, edge.context_of)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        # Schema and modules live as long as the process: the collector need not look through them again and again.
        gc.freeze()
        edge.feed.open()
        work = [edge.keys.uses.run(), *([renderer.run()] if is_rendering else [])]
        beside = [asyncio.create_task(each) for each in work]
        try:
            yield
        finally:
            await stop(beside)
            await edge.close()

    async def record_usage(request: Request) -> Response:
        context = await edge.context(request)
        return await usage_door.record(request, context, limit=chosen.usage_batch)

    async def take_webhook(request: Request) -> Response:
        wall = edge.clock()
        try:
            event = edge.gateway.verify_webhook(
                body=await request.body(), headers=request.headers, now=datetime.now(UTC)
            )
        except WebhookRefused as refused:
            log.info("a webhook was refused: %s", refused.reason)
            raise bad_request("The message is not signed by the payment provider, or is too old.") from None
        await providerevents.receive(edge.of_everyone, event, wall=wall)
        return Response(status_code=204)

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> Response:
        found = await readiness(edge.probe, redis_url=chosen.redis_url)
        return JSONResponse(found.shown(), status_code=503 if found.reason else 200)

    sockets = Sockets(schema, chosen, identify=edge.identify, context=edge.live_context)

    async def follow(websocket: WebSocket) -> None:
        await sockets.serve(websocket)

    routes: list[BaseRoute] = [
        WebSocketRoute("/graphql", follow),
        Route("/graphql", ProrataGraphQL(schema, context_factory=edge.context)),
        Route("/usage", record_usage, methods=["POST"]),
        Route("/webhooks/payments", take_webhook, methods=["POST"]),
        *document_routes(
            edge.context,
            seller=Seller(chosen.seller_name, chosen.seller_lines),
            # Half of the connections at most, so that reading a long export keeps nobody from paying.
            exports=Exports(most=max(1, chosen.api_pool_size // 2)),
        ),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        metrics_route(edge.probe, token=chosen.metrics_token),
    ]
    if chosen.graphiql:
        routes += [*graphiql_routes(), *docs_routes(schema), Route("/", _to_graphiql)]
    app = Starlette(
        routes=routes,
        middleware=[
            *([Middleware(Traced)] if chosen.tracing_endpoint else []),
            Middleware(Counted),
            Middleware(JsonErrors),
            Middleware(
                BodyLimits,
                limit_bytes=chosen.max_body_bytes,
                limits_by_path={"/usage": chosen.usage_body_bytes},
            ),
        ],
        exception_handlers={HTTPException: handle_error},
        lifespan=lifespan,
    )
    app.state.renderer = renderer
    return app


async def _to_graphiql(_request: Request) -> Response:
    return RedirectResponse("/graphiql")


def _wall() -> datetime:
    return datetime.now(UTC)
