"""The worker: a tick every few seconds looks in PostgreSQL for what is due and does it; a bell makes it look at once."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from datetime import UTC, timedelta
from typing import Any

from arq import cron, func
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters import metrics
from adapters.database import AWAY, create_engine, session_maker
from adapters.gateway.chosen import gateway
from adapters.live import Outlet
from adapters.mail import Mailer
from adapters.queue import from_json, redis_settings, to_json
from adapters.scopes import EVERYONE
from adapters.scraping import listening
from adapters.settings import Settings, load_settings
from adapters.tracing import begin_tracing
from adapters.webhooks_out import WebhookClient
from workers.sweep import sweep
from workers.tools import Tools
from workers.webhooks import Courier, deliver

SWEEP_SECONDS = 2
JOB_SECONDS = 30

log = logging.getLogger(__name__)


async def start(ctx: dict[str, Any]) -> None:
    """Open what the jobs share."""
    settings = load_settings()
    engine = create_engine(
        settings.database_url,
        pool_size=settings.worker_pool_size,
        application_name="prorata-worker",
        scope=EVERYONE,
    )
    ctx["tracing"] = begin_tracing(settings, service="prorata-worker")
    ctx["tracing"].watch(engine)
    ctx["engine"], ctx["outlet"] = engine, Outlet(settings.redis_url)
    ctx["tools"] = Tools(
        sessions=session_maker(engine, outlet=ctx["outlet"]),
        gateway=gateway(settings),
        mailer=_mailer(settings),
        keys_last=timedelta(days=settings.idempotency_days),
    )
    poster = WebhookClient(allows_loopback=settings.webhook_private_hosts)
    ctx["courier"] = Courier(ctx["tools"].sessions, poster)
    ctx["shown"] = await _show_metrics(settings)
    await _greet(engine)


async def _greet(engine: AsyncEngine) -> None:
    """Connect at the start, so that a wrong address is told then and not with the first job."""
    try:
        async with engine.connect():
            log.info("the worker has begun")
    except AWAY as error:
        log.warning("the database is away, and is asked again with every job: %s", type(error).__name__)


async def stop(ctx: dict[str, Any]) -> None:
    """Let go of what the jobs shared."""
    await ctx["courier"].stop()
    await ctx["tools"].gateway.aclose()
    await ctx["outlet"].close()
    await ctx["engine"].dispose()
    await ctx["shown"].aclose()
    await ctx["tracing"].aclose()


async def _show_metrics(settings: Settings) -> AsyncExitStack:
    """Serve the metrics where a port is set for them, until what is given is closed."""
    shown = AsyncExitStack()
    if settings.worker_metrics_port is not None:
        metrics.show_sweep_age()
        probe = create_engine(
            settings.database_url, pool_size=1, application_name="prorata-probe", scope=EVERYONE
        )
        shown.push_async_callback(probe.dispose)
        await shown.enter_async_context(
            listening(
                probe, host=settings.host, port=settings.worker_metrics_port, token=settings.metrics_token
            )
        )
    return shown


def _mailer(settings: Settings) -> Mailer | None:
    if settings.smtp_url is None or settings.mail_from is None:
        log.warning("PRORATA_SMTP_URL is not set: mail waits in the outbox")
        return None
    return Mailer(settings.smtp_url, sender=settings.mail_from, app_url=settings.app_url)


class WorkerSettings:
    """What ARQ runs. Jobs mean "do what is due by now", so a lost one costs seconds and a repeated one nothing."""

    functions = (func(sweep, keep_result=0, timeout=JOB_SECONDS, max_tries=1),)
    cron_jobs = (
        cron(
            sweep,
            name="tick",  # a name of its own: ARQ holds back for a minute the next job of a cron job's name
            second=set(range(0, 60, SWEEP_SECONDS)),
            unique=True,
            keep_result=0,
            timeout=JOB_SECONDS,
            max_tries=1,
        ),
        cron(
            deliver,
            name="deliver",
            second=set(range(1, 60, SWEEP_SECONDS)),
            unique=True,
            keep_result=0,
            timeout=JOB_SECONDS,
            max_tries=1,
        ),
    )
    redis_settings = redis_settings(load_settings().redis_url)
    on_startup = start
    on_shutdown = stop
    timezone = UTC
    poll_delay = 0.1
    keep_result = 0
    max_jobs = 4
    job_serializer = to_json
    job_deserializer = from_json
