"""The API and the worker as they are deployed: what happens reaches an endpoint within seconds, by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from standardwebhooks import Webhook
from starlette.applications import Starlette

from adapters.settings import Settings
from api.app import create_app
from tests.application import Api
from tests.scenarios.player import new_player
from tests.services.world import World
from tests.webhooks.conftest import NOW
from tests.webhooks.receiving import Reply
from tests.webhooks.telling import told
from tests.workers.conftest import valkey, workshop, world
from tests.workers.running_worker import Workshop, until

__all__ = ["valkey", "workshop", "world"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def deployed(settings: Settings, operator: Api) -> AsyncIterator[Api]:
    """An operator's client of an application that makes bodies by itself."""
    other = create_app(settings)
    transport = httpx.ASGITransport(other)
    async with (
        other.router.lifespan_context(other),
        httpx.AsyncClient(transport=transport, base_url="http://prorata") as client,
    ):
        yield Api(client, operator.key)


async def test_a_message_arrives_within_seconds_once_though_two_workers_run(
    deployed: Api,
    app: Starlette,
    sessions: async_sessionmaker[AsyncSession],
    world: World,
    workshop: Workshop,
) -> None:
    workers = [await workshop.start(world) for _ in range(2)]
    player = await new_player(deployed, now=NOW)
    async with told(player, app, sessions) as customer:
        for number in range(5):
            await player.seat(f"p{number}")

        async def have_arrived() -> bool:
            return len(customer.receiver.got) >= 5

        seconds = await until(have_arrived)
        for got in customer.receiver.got:
            assert Webhook(customer.secret).verify(got.body, got.headers)["type"] == "seat.changed"
        said = "".join(workshop.said(worker) for worker in workers)
        secret = customer.secret

    assert seconds < 15
    assert len({got.message_id for got in customer.receiver.got}) == len(customer.receiver.got) == 5
    assert secret not in said


async def test_a_worker_killed_in_the_middle_is_followed_by_another_that_repeats_the_id(
    deployed: Api,
    app: Starlette,
    sessions: async_sessionmaker[AsyncSession],
    world: World,
    workshop: Workshop,
) -> None:
    first = await workshop.start(world)
    player = await new_player(deployed, now=NOW)
    async with told(player, app, sessions) as customer:
        customer.receiver.replies.append(Reply(after_seconds=20))
        await customer.ping()
        await customer.receiver.has_some.wait()
        first.kill()
        first.wait()
        await customer.expire_leases()
        await workshop.start(world)

        async def was_delivered() -> bool:
            return [entry["status"] for entry in await customer.log()] == ["DELIVERED"]

        await until(was_delivered)

    assert len({got.message_id for got in customer.receiver.got}) == 1
    assert len({got.body for got in customer.receiver.got}) == 1
