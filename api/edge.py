"""What the application holds open while it runs, and the context that it gives each request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from starlette.requests import Request

from adapters.buckets import Buckets, Rate
from adapters.database import Engine, create_engine, session_maker
from adapters.feed import Feed
from adapters.gateway.chosen import gateway
from adapters.gateway.protocol import Gateway
from adapters.live import Outlet
from adapters.oidc.keys import KeySet
from adapters.oidc.tokens import Issuer
from adapters.queue import Bell
from adapters.scopes import EVERYONE, Sessions, scoped
from adapters.settings import Settings
from adapters.spans import Tracing, current
from adapters.tracing import begin_tracing
from api.auth import Keys
from api.context import Context
from api.lastuses import LastUses
from api.loaders import Loaders
from api.rates import Allowance, Rates, address_of
from services.callers import Caller, caller_for_webhooks
from services.webhooks import EndpointRules


@dataclass(frozen=True, slots=True)
class LiveSessions:
    """What WebSockets read and write through: connections of their own, so that they never make requests wait.

    As those of the edge, they see nothing until they are given the scope of a caller.
    """

    engine: Engine
    sessions: Sessions
    reads: Sessions


@dataclass(frozen=True, slots=True)
class Edge:
    """What the application holds open while it runs. Its sessions see nothing until they are given a caller's scope."""

    settings: Settings
    engine: Engine
    probe: Engine
    sessions: Sessions
    of_everyone: Sessions
    reads: Sessions
    live: LiveSessions
    feed: Feed
    outlet: Outlet
    gateway: Gateway
    keys: Keys
    rates: Rates
    bell: Bell
    tracing: Tracing
    clock: Callable[[], datetime]

    async def context(self, request: Request) -> Context:
        """Make the context of a request; raises UNAUTHENTICATED for one without a good key."""
        said = request.headers.get("authorization", "")
        recall = partial(self.identify, said, address_of(request))
        caller = await recall()
        if caller.account_id is not None:
            current().note(account_id=caller.account_id)
        return self._context(caller, recall, self.sessions, self.reads)

    def context_of(self, account_id: UUID) -> Context:
        """Make the context in which the webhooks of an account are written; nobody pays for it."""
        caller = caller_for_webhooks(account_id)

        async def same() -> Caller:
            return caller

        context = self._context(caller, same, self.sessions, self.reads)
        context.allowance = Allowance()
        return context

    async def identify(self, authorization: str, address: str) -> Caller:
        """Give the caller that an authorization names now; raises UNAUTHENTICATED if it names none."""
        return await self.keys.bearer(authorization, wall=self.clock(), address=address)

    async def live_context(self, authorization: str, address: str) -> Context:
        """Make the context of an operation on a WebSocket; raises UNAUTHENTICATED."""
        recall = partial(self.identify, authorization, address)
        return self._context(await recall(), recall, self.live.sessions, self.live.reads)

    def _context(
        self, caller: Caller, recall: Callable[[], Awaitable[Caller]], sessions: Sessions, reads: Sessions
    ) -> Context:
        wall = self.clock()
        settings = self.settings
        sessions, reads = scoped(sessions, caller.scope), scoped(reads, caller.scope)
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
            allowance=self.rates.allowance(caller),
        )

    async def close(self) -> None:
        """Let go of everything."""
        await self.keys.close()
        await self.feed.close()
        await self.outlet.close()
        await self.bell.close()
        await self.rates.buckets.close()
        await self.gateway.aclose()
        for engine in (self.live.engine, self.probe, self.engine):
            await engine.dispose()
        await self.tracing.aclose()


def open_edge(settings: Settings, *, clock: Callable[[], datetime]) -> Edge:
    """Open what the application needs; nothing is connected before it is used."""
    engine = create_engine(
        settings.database_url, pool_size=settings.api_pool_size, application_name="prorata-api"
    )
    tracing = begin_tracing(settings, service="prorata-api")
    outlet = Outlet(settings.redis_url)
    sessions = session_maker(engine, outlet=outlet)
    of_everyone = scoped(sessions, EVERYONE)
    rates = _rates(settings)
    live = _live_sessions(settings, outlet)
    for each in (engine, live.engine):
        tracing.watch(each)
    return Edge(
        settings=settings,
        engine=engine,
        probe=create_engine(
            settings.database_url, pool_size=1, application_name="prorata-probe", scope=EVERYONE
        ),
        sessions=sessions,
        of_everyone=of_everyone,
        reads=_reads(engine),
        live=live,
        feed=Feed(settings.redis_url),
        outlet=outlet,
        gateway=gateway(settings),
        keys=Keys(of_everyone, settings.key_pepper, rates, LastUses(of_everyone), _issuer(settings)),
        rates=rates,
        bell=Bell(settings.redis_url),
        tracing=tracing,
        clock=clock,
    )


def _reads(engine: Engine) -> Sessions:
    # A read is one statement or a few that each see what is committed: a transaction around it would only cost.
    return session_maker(engine.execution_options(isolation_level="AUTOCOMMIT"))


def _rates(settings: Settings) -> Rates:
    points = Rate(settings.rate_points, settings.rate_restore)
    sign_ins = Rate(settings.sign_in_failures, 1 / settings.sign_in_restore_seconds)
    return Rates(
        Buckets(settings.redis_url),
        points=points if points.capacity else None,
        sign_ins=sign_ins if sign_ins.capacity else None,
    )


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
