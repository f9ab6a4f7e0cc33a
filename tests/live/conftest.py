"""An installation of real processes on the module's database, on a Valkey that may be stopped."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from adapters import pricebooks
from adapters.embedded.valkey import EmbeddedValkey
from services.apikeys import create_key
from tests.application import PEPPER, Api
from tests.gateway.running_provider import RunningProvider
from tests.live.running_api import environment, running_api
from tests.services.conftest import world

__all__ = ["api_url", "client", "env", "operator_key", "valkey", "world"]


@pytest.fixture(scope="module")
def valkey() -> Iterator[EmbeddedValkey]:
    """A Valkey that may be flushed and stopped."""
    with EmbeddedValkey() as server:
        yield server


@pytest.fixture(scope="module")
def env(database_url: str, valkey: EmbeddedValkey, payment_provider: RunningProvider) -> dict[str, str]:
    """The installation's variables."""
    return environment(database_url=database_url, redis_url=valkey.url, sandbox_url=payment_provider.url)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def operator_key(sessions: async_sessionmaker[AsyncSession]) -> str:
    """An operator's key, on a database with the shipped price book."""
    now = datetime.now(UTC)
    async with sessions.begin() as session:
        await pricebooks.publish_shipped(session, now=now)
        return await create_key(session, name="tests", account_id=None, now=now, pepper=PEPPER)


@pytest.fixture(scope="module")
def api_url(env: dict[str, str], operator_key: str) -> Iterator[str]:
    """The address of an API process."""
    with running_api(env, live_init_seconds=1, live_sockets_per_key=400, live_message_bytes=4096) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client(api_url: str, operator_key: str) -> AsyncIterator[Api]:
    """An operator's client of that process."""
    async with httpx.AsyncClient(base_url=api_url, timeout=60, trust_env=False) as http:
        yield Api(http, operator_key)
