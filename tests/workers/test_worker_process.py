"""A real worker: it does what is due within seconds, and comes through whatever happens to Redis and to itself."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from adapters.embedded.valkey import EmbeddedValkey
from adapters.queue import Bell
from tests.gateway.running_provider import RunningProvider
from tests.services.books import check_settled
from tests.services.world import Company, World
from tests.workers.running_worker import Workshop, until

SWEEP_SECONDS = 2


@pytest.fixture
def past(world: World) -> World:
    """The world a month and a half ago: a company that starts then has a period to close now."""
    return replace(world, wall=datetime.now(UTC) - timedelta(days=45))


@pytest.fixture
def today(world: World) -> World:
    """The world as the worker sees it."""
    return replace(world, wall=datetime.now(UTC))


def settled(world: World, companies: list[Company], *, invoices: int) -> Callable[[], Awaitable[bool]]:
    """Tell whether all invoices of companies are there and paid."""

    async def are_settled() -> bool:
        issued = [await world.invoices(company) for company in companies]
        return all(len(found) == invoices for found in issued) and all(
            row.status == "PAID" for found in issued for row in found
        )

    return are_settled


async def test_a_worker_does_what_is_due_within_seconds(
    past: World, workshop: Workshop, payment_provider: RunningProvider
) -> None:
    await workshop.start(past)

    companies = [await past.customer() for _ in range(3)]

    await until(settled(past, companies, invoices=2), within=10)
    for company in companies:
        await check_settled(past, company, provider=payment_provider)


async def test_a_worker_comes_through_a_flush_of_redis(
    today: World, workshop: Workshop, valkey: EmbeddedValkey
) -> None:
    worker = await workshop.start(today)
    async with Redis.from_url(valkey.url) as client:
        for _ in range(2):
            company = await today.customer()
            await client.flushall()
            await until(settled(today, [company], invoices=1), within=10)

    assert worker.poll() is None


async def test_a_worker_comes_through_a_kill_and_restart_of_redis(
    today: World, workshop: Workshop, valkey: EmbeddedValkey
) -> None:
    worker = await workshop.start(today)
    assert valkey._process
    valkey._process.kill()
    valkey._process.wait()
    company = await today.customer()
    await asyncio.sleep(SWEEP_SECONDS)

    valkey._launch()

    seconds = await until(settled(today, [company], invoices=1))
    assert seconds < 10
    assert worker.poll() is None


async def test_the_bell_is_faster_than_the_sweep(
    today: World, workshop: Workshop, valkey: EmbeddedValkey
) -> None:
    await workshop.start(today)
    bell = Bell(valkey.url)
    await bell.ring()
    waits = []
    for _ in range(3):
        # Right after a sweep, so that the next one is far.
        await asyncio.sleep(SWEEP_SECONDS + 0.2 - datetime.now(UTC).timestamp() % SWEEP_SECONDS)
        company = await today.customer()
        await bell.ring()
        waits.append(await until(settled(today, [company], invoices=1)))
    await bell.close()

    assert sorted(waits)[1] < 1


async def test_a_bell_without_redis_is_silent_and_short() -> None:
    bell = Bell("redis://127.0.0.1:1/0")

    async with asyncio.timeout(2):
        await bell.ring()
    await bell.close()


async def test_a_worker_asked_to_stop_stops_and_leaves_nothing_half_done(
    past: World, workshop: Workshop, payment_provider: RunningProvider
) -> None:
    companies = [await past.customer() for _ in range(10)]
    worker = await workshop.start(past)
    await until(settled(past, companies[:1], invoices=2))

    worker.send_signal(signal.SIGTERM)
    status = await asyncio.to_thread(worker.wait, 10)

    assert status in {0, -signal.SIGTERM}, workshop.said(worker)
    await past.expire_leases()
    await replace(past, wall=datetime.now(UTC)).work()
    for company in companies:
        await check_settled(past, company, provider=payment_provider)


async def test_two_workers_do_nothing_twice(
    past: World, workshop: Workshop, valkey: EmbeddedValkey, payment_provider: RunningProvider
) -> None:
    for _ in range(2):
        await workshop.start(past)
    bell = Bell(valkey.url)

    companies = []
    for _ in range(8):
        companies.append(await past.customer())
        await bell.ring()

    await until(settled(past, companies, invoices=2))
    await bell.close()
    for company in companies:
        await check_settled(past, company, provider=payment_provider)


async def test_workers_killed_again_and_again_charge_and_close_once(
    past: World, workshop: Workshop, payment_provider: RunningProvider
) -> None:
    companies = [await past.customer() for _ in range(12)]
    for number in range(3):
        worker = await workshop.start(past)
        await asyncio.sleep(0.2 * number)
        worker.kill()
        await asyncio.to_thread(worker.wait)
        await past.expire_leases()

    await workshop.start(past)

    await until(settled(past, companies, invoices=2))
    for company in companies:
        await check_settled(past, company, provider=payment_provider)
