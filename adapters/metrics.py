"""What a process counts of its own work, for Prometheus. No label names an account, a workspace or anything of theirs."""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
OTHER: Final = "other"

registry = CollectorRegistry()
ProcessCollector(registry=registry)
PlatformCollector(registry=registry)

_requests = Counter("prorata_http_requests", "HTTP requests.", ("route", "status"), registry=registry)
_request_seconds = Histogram(
    "prorata_http_request_seconds", "How long requests took.", ("route",), buckets=SECONDS, registry=registry
)
_operations = Counter("prorata_graphql_operations", "GraphQL operations begun.", ("kind",), registry=registry)
_events = Counter("prorata_usage_events", "Usage events that were sent.", ("outcome",), registry=registry)
_refusals = Counter("prorata_rate_refusals", "Requests refused for their rate.", ("kind",), registry=registry)
_sockets = Gauge("prorata_websockets_open", "WebSockets open now.", registry=registry)
_work = Counter("prorata_work", "Pieces of due work, done or failed.", ("kind", "outcome"), registry=registry)
_attempts = Counter(
    "prorata_payment_attempts", "Answers to payment attempts.", ("outcome",), registry=registry
)
_sweep_seconds = Histogram(
    "prorata_sweep_seconds", "How long sweeps took.", buckets=(*SECONDS, 60.0), registry=registry
)


class _Sweeps:
    """When the last sweep of this process ended; until there is one, when the process began to wait for it."""

    ended: float = time.monotonic()


def show_sweep_age() -> None:
    """Show how long ago the last sweep ended: for a process that sweeps."""
    _Sweeps.ended = time.monotonic()
    Gauge(
        "prorata_sweep_age_seconds", "Seconds since this worker finished a sweep.", registry=registry
    ).set_function(lambda: time.monotonic() - _Sweeps.ended)


def request_served(*, route: str, status: int, seconds: float) -> None:
    """Count a request by the path of its route, not of its address."""
    _requests.labels(route, str(status)).inc()
    _request_seconds.labels(route).observe(seconds)


def operation_begun(kind: str) -> None:
    """Count a GraphQL operation: a query, a mutation or a subscription."""
    _operations.labels(kind).inc()


def events_recorded(outcomes: Iterable[str]) -> None:
    """Count a batch of usage events by what became of each."""
    for outcome, number in Tally(outcomes).items():
        _events.labels(outcome).inc(number)


def rate_refused(kind: str) -> None:
    """Count a request that was refused for want of `points`, or an address for failures to sign in: `sign_in`."""
    _refusals.labels(kind).inc()


@contextmanager
def open_socket() -> Iterator[None]:
    """Count a WebSocket as open while the block runs."""
    with _sockets.track_inprogress():
        yield


def work_ended(kind: str, *, is_done: bool, pieces: int = 1) -> None:
    """Count due work that was done, or that failed and is tried again."""
    _work.labels(kind, "done" if is_done else "failed").inc(pieces)


def attempt_answered(outcome: str) -> None:
    """Count what a payment provider answered."""
    _attempts.labels(outcome).inc()


@contextmanager
def sweeping() -> Iterator[None]:
    """Time a sweep; one that raises did not finish."""
    with _sweep_seconds.time():
        yield
    _Sweeps.ended = time.monotonic()


def exposition() -> bytes:
    """Write all of it in Prometheus's text format."""
    return generate_latest(registry)
