"""An account with nothing but a workspace, and one endpoint that is told everything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from starlette.applications import Starlette

from tests.application import Api
from tests.scenarios.player import Player, new_player
from tests.webhooks.telling import Told, told

NOW = datetime(2026, 9, 1, 9, tzinfo=UTC)


@pytest.fixture
async def player(operator: Api) -> Player:
    return await new_player(operator, now=NOW)


@pytest.fixture
async def customer(
    player: Player, app: Starlette, sessions: async_sessionmaker[AsyncSession]
) -> AsyncIterator[Told]:
    async with told(player, app, sessions) as found:
        yield found
