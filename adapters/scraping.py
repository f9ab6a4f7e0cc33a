"""`GET /metrics`: what the process counted and what waits in PostgreSQL, for those who may see it.

With a token only its bearer may; without one, only callers on this machine.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from ipaddress import ip_address
from typing import Final

import uvicorn
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters import metrics
from adapters.database import Engine
from adapters.queries.backlog import Waiting, waiting
from adapters.stopping import within
from adapters.tables.duework import DUE_KINDS

log = logging.getLogger("prorata.metrics")

LOOK_SECONDS: Final = 2.0
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def metrics_route(engine: Engine, *, token: str | None) -> Route:
    """Make the route that shows the metrics; the engine reads what waits."""

    async def show(request: Request) -> Response:
        _refuse_strangers(request, token=token)
        return Response(await _exposition(engine), headers={"content-type": CONTENT_TYPE})

    return Route("/metrics", show, methods=["GET"])


@asynccontextmanager
async def listening(engine: Engine, *, host: str, port: int, token: str | None) -> AsyncIterator[None]:
    """Serve the metrics over HTTP while the block runs, in a process that serves nothing else."""
    config = uvicorn.Config(
        Starlette(routes=[metrics_route(engine, token=token)]),
        host=host,
        port=port,
        lifespan="off",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = _Listener(config)
    serving = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        await serving


class _Listener(uvicorn.Server):
    """A server that leaves the signals to its process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _refuse_strangers(request: Request, *, token: str | None) -> None:
    if token is None:
        if not _is_loopback(request.client.host if request.client else ""):
            raise HTTPException(403, "Metrics are for callers on this machine: set PRORATA_METRICS_TOKEN.")
        return
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    is_right = hmac.compare_digest(given.strip().encode(errors="surrogatepass"), token.encode())
    if scheme.lower() != "bearer" or not is_right:
        raise HTTPException(401, "Send the metrics token.", {"www-authenticate": "Bearer"})


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


async def _exposition(engine: Engine) -> bytes:
    try:
        found = await within(LOOK_SECONDS, _look(engine))
    except Exception as failure:  # noqa: BLE001  the metrics of a process are wanted most where something is amiss
        log.warning("what waits could not be counted: %s", type(failure).__name__)
        found = None
    backlog = CollectorRegistry()
    backlog.register(_Backlog(found))
    return metrics.exposition() + generate_latest(backlog)


async def _look(engine: Engine) -> list[Waiting]:
    async with engine.connect() as connection:
        return await waiting(connection)


class _Backlog(Collector):
    """What waited at one moment; of a database that is away, only that it is."""

    def __init__(self, found: list[Waiting] | None) -> None:
        self._found = found

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Give the families."""
        yield _plain("prorata_database_up", "Whether PostgreSQL told what waits.", self._found is not None)
        if self._found is None:
            return
        kinds = {(each.what, each.kind): each for each in self._found}

        def by_kind(name: str, told: str, what: str, read: Callable[[Waiting], float]) -> GaugeMetricFamily:
            family = GaugeMetricFamily(name, told, labels=["kind"])
            for kind in DUE_KINDS:
                family.add_metric([kind], read(kinds.get((what, kind), Waiting(what, kind, 0, 0.0))))
            return family

        yield by_kind("prorata_due_work", "Work whose time has come.", "due", _number)
        yield by_kind(
            "prorata_due_work_oldest_seconds", "How late the oldest is; of CLOSE, the close lag.", "due", _age
        )
        yield by_kind("prorata_parked_work", "Work put aside after failures.", "parked", _number)
        for name, what in (("mails", "mail"), ("webhook_deliveries", "webhook")):
            each = kinds[what, ""]
            yield _plain(f"prorata_{name}_waiting", "How many wait to be sent.", each.number)
            yield _plain(
                f"prorata_{name}_oldest_seconds", "How late the oldest of them is.", each.oldest_seconds
            )


def _number(each: Waiting) -> float:
    return each.number


def _age(each: Waiting) -> float:
    return each.oldest_seconds


def _plain(name: str, told: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, told, value=value)
