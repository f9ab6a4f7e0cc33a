"""The whole application in process, on a real database and a real provider, called the way a client calls it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from starlette.applications import Starlette

from adapters import pricebooks
from adapters.gateway.sandbox import SandboxGateway
from adapters.settings import Settings
from api.app import create_app
from services.apikeys import create_key
from tests.gateway.running_provider import API_KEY, WEBHOOK_SECRET, RunningProvider, running_provider
from workers.sweep import sweep
from workers.tools import Tools

PEPPER = "a pepper for the tests"
ROOM = {"rate_points": 200_000, "rate_restore": 50_000, "sign_in_failures": 300}
"""The rates that tests are held to: a test asks for more in a second than a person does."""


@dataclass(frozen=True, slots=True)
class Api:
    """A client of the application with one key."""

    http: httpx.AsyncClient
    key: str

    async def post(self, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a document and give the whole answer."""
        response = await self.http.post(
            "/graphql",
            json={"query": query, "variables": variables or {}},
            headers={"authorization": f"Bearer {self.key}"},
        )
        answer: dict[str, Any] = response.json()
        return answer

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Send a document that must succeed and give its data."""
        answer = await self.post(query, variables)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    async def do(self, mutation: str, fields: str, **given: Any) -> dict[str, Any]:
        """Run a mutation and give its payload, or the refusal with `__typename` and `message`."""
        name = mutation[0].upper() + mutation[1:]
        document = f"""
            mutation ($input: {name}Input!) {{
              {mutation}(input: $input) {{
                __typename
                ... on {name}Payload {{ {fields} }}
                ... on UserError {{ message }}
              }}
            }}"""
        result: dict[str, Any] = (await self.ask(document, input=given))[mutation]
        return result

    def with_key(self, key: str) -> Api:
        """Give a client with another key."""
        return Api(self.http, key)


@pytest.fixture(scope="session")
def payment_provider() -> Iterator[RunningProvider]:
    """A sandbox provider for the whole run, in a process of its own."""
    with running_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def settings(database_url: str, redis_url: str, payment_provider: RunningProvider) -> Settings:
    """Settings of an installation on the module's database."""
    settings = Settings(
        database_url=database_url,
        redis_url=redis_url,
        sandbox_url=payment_provider.url,
        sandbox_key=API_KEY,
        webhook_secret=WEBHOOK_SECRET,
        key_pepper=PEPPER,
        graphiql=True,
        webhook_private_hosts=True,
    )
    return settings.model_copy(update=ROOM)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app(settings: Settings, sessions: async_sessionmaker[AsyncSession]) -> AsyncIterator[Starlette]:
    """The application, started, with the shipped price book in the store."""
    async with sessions.begin() as session:
        await pricebooks.publish_shipped(session, now=datetime.now(UTC))
    app = create_app(settings, is_rendering=False)
    async with app.router.lifespan_context(app):
        yield app


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def http(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """HTTP to the application, without a network."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://prorata", timeout=60) as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def operator(http: httpx.AsyncClient, sessions: async_sessionmaker[AsyncSession]) -> Api:
    """A client with an operator's key."""
    async with sessions.begin() as session:
        key = await create_key(session, name="tests", account_id=None, now=datetime.now(UTC), pepper=PEPPER)
    return Api(http, key)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tools(settings: Settings, sessions: async_sessionmaker[AsyncSession]) -> AsyncIterator[Tools]:
    """What the worker's jobs are given."""
    gateway = SandboxGateway(
        settings.sandbox_url, settings.sandbox_key, settings.webhook_secret, timeout_seconds=1.0
    )
    yield Tools(sessions, gateway)
    await gateway.aclose()


async def work(tools: Tools) -> None:
    """Do what a worker does in one tick."""
    await sweep({"tools": tools})
