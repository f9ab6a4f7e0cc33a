"""A world on the module's database, with the shipped price book and a real provider process."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from adapters import pricebooks
from adapters.gateway.sandbox import SandboxGateway
from tests.gateway.running_provider import API_KEY, WEBHOOK_SECRET, RunningProvider
from tests.services.world import World, moment


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(
    sessions: async_sessionmaker[AsyncSession], payment_provider: RunningProvider
) -> AsyncIterator[World]:
    """The module's world, on the first of September."""
    wall = moment("2026-09-01")
    async with sessions.begin() as session:
        await pricebooks.publish_shipped(session, now=wall)
    gateway = SandboxGateway(payment_provider.url, API_KEY, WEBHOOK_SECRET, timeout_seconds=2)
    yield World(sessions, gateway, wall)
    await gateway.aclose()
