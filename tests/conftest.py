"""Real servers for the tests that ask for them: nothing starts for a test of the domain.

Each pytest process has a PostgreSQL and a Valkey of its own, each test module a database of its own, cloned from
one that the migrations built. They work in it as the application does: as a role that owns nothing, under row security.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
import pytest_asyncio
from hypothesis import settings
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from adapters.database import create_engine, session_maker
from adapters.embedded.databases import as_role, create_database, drop_database, drop_role
from adapters.embedded.postgres import EmbeddedPostgres
from adapters.embedded.valkey import EmbeddedValkey
from adapters.roles import prepare_application
from adapters.scopes import EVERYONE
from adapters.upgrade import upgrade

# The same stories on every run, so that a red run is about the change; `--hypothesis-profile=search` looks for new ones.
settings.register_profile("same", derandomize=True)
settings.register_profile("search", derandomize=False)
settings.load_profile("same")


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A PostgreSQL server on which tests make their databases: PRORATA_TEST_DATABASE_URL, or one of our own."""
    if given := os.environ.get("PRORATA_TEST_DATABASE_URL"):
        yield given
        return
    with EmbeddedPostgres() as postgres:
        yield postgres.url()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """An empty Valkey for the whole run; a test that needs it empty flushes it."""
    with EmbeddedValkey() as valkey:
        yield valkey.url


@pytest.fixture(scope="session")
def application() -> str:
    """The name of the application's role, which is its password too."""
    return f"application_{uuid4().hex}"


@pytest.fixture(scope="session")
def template(server_url: str, application: str) -> Iterator[str]:
    """The name of a database that the migrations built; nobody stays connected to it, so that it can be cloned."""
    name = f"template_{uuid4().hex}"
    owner_url = asyncio.run(create_database(server_url, name))
    upgrade(owner_url)
    asyncio.run(prepare_application(owner_url, as_role(owner_url, application, password=application)))
    yield name
    asyncio.run(drop_database(server_url, name))
    asyncio.run(drop_role(server_url, application))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def owner_url(server_url: str, template: str) -> AsyncIterator[str]:
    """The address of the module's database for the owner of its tables, who may do everything."""
    name = f"test_{uuid4().hex}"
    yield await create_database(server_url, name, template=template)
    await drop_database(server_url, name)


@pytest.fixture(scope="module")
def database_url(owner_url: str, application: str) -> str:
    """A fresh database for the test module, with the schema and nothing in it, as the application reaches it."""
    return as_role(owner_url, application, password=application)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """The module's connections; they see all accounts."""
    engine = create_engine(database_url, scope=EVERYONE)
    yield engine
    await engine.dispose()


@pytest.fixture(scope="module")
def sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """Makes sessions on the module's database that see all accounts."""
    return session_maker(engine)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def owner(owner_url: str) -> AsyncIterator[AsyncEngine]:
    """Connections of the tables' owner, for what the application may not do."""
    engine = create_engine(owner_url, pool_size=1)
    yield engine
    await engine.dispose()


pytest_plugins = ["tests.application"]
