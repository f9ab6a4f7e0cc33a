"""The ASGI application: GraphQL over HTTP and WebSocket, usage in bulk, files, the provider's webhooks, probes, metrics, GraphiQL."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from adapters.database import Engine, create_engine, session_maker
from adapters.feed import Feed
from adapters.gateway.chosen import gateway
from adapters.gateway.protocol import Gateway, WebhookRefused
from adapters.live import Outlet
from adapters.oidc.keys import KeySet
from adapters.oidc.tokens import Issuer
from adapters.queue import Bell
from adapters.readiness import readiness
from adapters.scraping import metrics_route
from adapters.settings import Settings, load_settings
from adapters.stopping import stop
from api import usage_door
from api.auth import Keys
from api.bodies import BodyLimits
from api.context import Context, Sessions
from api.counting import Counted
from api.documents import document_routes
from api.errors import JsonErrors, bad_request, handle_error
from api.exports import Exports
from api.graphiql import graphiql_routes
from api.lastuses import LastUses
from api.loaders import Loaders
from api.rendering import Renderer
from api.schema import schema
from api.sockets import Sockets
from api.view import ProrataGraphQL
from services import providerevents
from services.callers import Caller, caller_for_webhooks
from services.invoicepages import Seller
from services.webhooks import EndpointRules

log = logging.getLogger("prorata.api")


@dataclass(frozen=True, slots=True)
class LiveSessions:
    """What WebSockets read and write through: connections of their own, so that they never make requests wait."""

    engine: Engine
    sessions: Sessions
    reads: Sessions


@dataclass(frozen=True, slots=True)
class Edge:
    """What the application holds open while it runs."""

    settings: Settings
    sessions: Sessions
    reads: Sessions
    live: LiveSessions
    feed: Feed
    outlet: Outlet
    gateway: Gateway
    keys: Keys
    bell: Bell
    clock: Callable[[], datetime]

    async def context(self, request: Request) -> Context:
        """Make the context of a request; raises UNAUTHENTICATED for one without a good key or token."""
        said = request.headers.get("authorization", "")
        return self._context(
            await self.identify(said), partial(self.identify, said), self.sessions, self.reads
        )

    def context_of(self, account_id: UUID) -> Context:
        """Make the context in which the webhooks of an account are written."""
        caller = caller_for_webhooks(account_id)

        async def same() -> Caller:
            return caller

        return self._context(caller, same, self.sessions, self.reads)

    async def identify(self, authorization: str) -> Caller:
        """Give the caller that an authorization names now; raises UNAUTHENTICATED if it names none."""
        return await self.keys.bearer(authorization, wall=self.clock())

    async def live_context(self, authorization: str) -> Context:
        """Make the context of an operation on a WebSocket; raises UNAUTHENTICATED."""
        recall = partial(self.identify, authorization)
        return self._context(await recall(), recall, self.live.sessions, self.live.reads)

    def _context(
        self, caller: Caller, recall: Callable[[], Awaitable[Caller]], sessions: Sessions, reads: Sessions
    ) -> Context:
        wall = self.clock()
        settings = self.settings
        return Context(
            sessions=sessions,
            reads=reads,
            gateway=self.gateway,
            caller=caller,
            recall=recall,
            wall=wall,
            loaders=Loaders(reads, wall=wall),
            pepper=settings.key_pepper,
            ring=self.bell.ring,
            feed=self.feed,
            clock=self.clock,
            updates_per_second=settings.live_updates_per_second,
            webhooks=EndpointRules(
                most=settings.webhook_endpoints,
                overlap=timedelta(hours=settings.webhook_overlap_hours),
                allows_loopback=settings.webhook_private_hosts,
            ),
        )


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
    engine = create_engine(
        chosen.database_url, pool_size=chosen.api_pool_size, application_name="prorata-api"
    )
    # Of its own, so that a process whose connections are all at work is not taken for one without a database.
    probe = create_engine(chosen.database_url, pool_size=1, application_name="prorata-probe")
    outlet = Outlet(chosen.redis_url)
    sessions = session_maker(engine, outlet=outlet)
    edge = Edge(
        settings=chosen,
        sessions=sessions,
        reads=_reads(engine),
        live=_live_sessions(chosen, outlet),
        feed=Feed(chosen.redis_url),
        outlet=outlet,
        gateway=gateway(chosen),
        keys=Keys(sessions, chosen.key_pepper, LastUses(sessions), _issuer(chosen)),
        bell=Bell(chosen.redis_url),
        clock=clock or _wall,
    )

    renderer = Renderer(schema, sessions, edge.context_of)

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
            await edge.keys.close()
            await edge.feed.close()
            await edge.outlet.close()
            await edge.bell.close()
            await edge.gateway.aclose()
            await edge.live.engine.dispose()
            await probe.dispose()
            await engine.dispose()

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
        await providerevents.receive(sessions, event, wall=wall)
        return Response(status_code=204)

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_request: Request) -> Response:
        found = await readiness(probe, redis_url=chosen.redis_url)
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
        metrics_route(probe, token=chosen.metrics_token),
    ]
    if chosen.graphiql:
        routes += [*graphiql_routes(), Route("/", _to_graphiql)]
    app = Starlette(
        routes=routes,
        middleware=[
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


def _reads(engine: Engine) -> Sessions:
    # A read is one statement or a few that each see what is committed: a transaction around it would only cost.
    return session_maker(engine.execution_options(isolation_level="AUTOCOMMIT"))


def _live_sessions(settings: Settings, outlet: Outlet) -> LiveSessions:
    engine = create_engine(
        settings.database_url, pool_size=settings.live_pool_size, application_name="prorata-live"
    )
    return LiveSessions(engine, session_maker(engine, outlet=outlet), _reads(engine))


def _issuer(settings: Settings) -> Issuer | None:
    if settings.oidc_issuer is None or settings.oidc_audience is None:
        return None
    keys = KeySet(settings.oidc_issuer, settings.oidc_jwks_url)
    return Issuer(settings.oidc_issuer, settings.oidc_audience, keys)


async def _to_graphiql(_request: Request) -> Response:
    return RedirectResponse("/graphiql")


def _wall() -> datetime:
    return datetime.now(UTC)
