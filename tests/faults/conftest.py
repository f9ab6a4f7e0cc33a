"""The same world as the tests of the services have, and processes in it that may die."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.faults.mortal import Nursery, nursery_of
from tests.gateway.running_provider import RunningProvider
from tests.services.conftest import world
from tests.services.world import World

__all__ = ["nursery", "world"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def nursery(
    world: World,
    database_url: str,
    payment_provider: RunningProvider,
) -> AsyncIterator[Nursery]:
    """Starts processes on the module's database."""
    async with nursery_of(world, database_url=database_url, provider_url=payment_provider.url) as nursery:
        yield nursery
