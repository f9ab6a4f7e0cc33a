"""A process is ready where PostgreSQL answers and has a schema it knows; it says so in time, whatever hangs."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.database import create_engine
from adapters.embedded.ports import free_port
from adapters.readiness import Readiness, State, readiness
from adapters.upgrade import revisions


@pytest_asyncio.fixture(loop_scope="session")
async def stamped(owner: AsyncEngine) -> AsyncIterator[AsyncEngine]:
    """The module's database, whose revision a test may change."""
    yield owner
    await stamp(owner, revisions()[0])


async def stamp(engine: AsyncEngine, revision: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = :it"), {"it": revision})


async def test_all_is_well(engine: AsyncEngine, redis_url: str) -> None:
    found = await readiness(engine, redis_url=redis_url)

    assert found == Readiness(State.OK, State.OK, State.OK)
    assert found.shown() == {"status": "ok", "database": "ok", "schema": "ok", "redis": "ok"}


async def test_a_schema_that_is_behind_is_not_ready(
    stamped: AsyncEngine, engine: AsyncEngine, redis_url: str
) -> None:
    await stamp(stamped, revisions()[1])

    found = await readiness(engine, redis_url=redis_url)

    assert found.schema is State.BEHIND
    assert "prorata migrate" in (found.reason or "")


async def test_a_schema_of_a_later_release_is_ready(
    stamped: AsyncEngine, engine: AsyncEngine, redis_url: str
) -> None:
    await stamp(stamped, "9999")

    found = await readiness(engine, redis_url=redis_url)

    assert (found.schema, found.reason) == (State.NEWER, None)


async def test_a_database_without_a_schema_is_not_ready(server_url: str, redis_url: str) -> None:
    bare = create_engine(server_url, pool_size=1)

    found = await readiness(bare, redis_url=redis_url)
    await bare.dispose()

    assert (found.database, found.schema) == (State.OK, State.MISSING)
    assert found.reason


@pytest.mark.parametrize("place", ["127.0.0.1:{port}/prorata", "{server}/there_is_none"])
async def test_a_database_that_is_not_there_is_told(server_url: str, redis_url: str, place: str) -> None:
    server = server_url.partition("://")[2].rpartition("/")[0]
    engine = create_engine("postgresql://" + place.format(port=free_port(), server=server), pool_size=1)

    found = await readiness(engine, redis_url=redis_url)
    await engine.dispose()

    assert (found.database, found.schema, found.redis) == (State.AWAY, State.UNKNOWN, State.OK)
    assert found.shown()["status"] == "unready"


async def test_without_redis_it_is_ready_and_says_so(engine: AsyncEngine) -> None:
    found = await readiness(engine, redis_url=f"redis://127.0.0.1:{free_port()}/0")

    assert (found.redis, found.reason) == (State.AWAY, None)


async def test_servers_that_hang_are_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it lets others connect, and says nothing
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        engine = create_engine(f"postgresql://prorata:x@{place}/prorata", pool_size=1)
        began = time.monotonic()

        found = await readiness(engine, redis_url=f"redis://{place}/0")

        took = time.monotonic() - began
    await engine.dispose()
    assert (found.database, found.redis) == (State.AWAY, State.AWAY)
    assert took < 2.0


async def test_a_database_that_hangs_is_away_and_then_back(
    engine: AsyncEngine, owner: AsyncEngine, redis_url: str
) -> None:
    probe = create_engine(engine.url.render_as_string(hide_password=False), pool_size=1)
    await readiness(probe, redis_url=redis_url)  # from now on it has a connection
    async with owner.begin() as connection:
        await connection.execute(text("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"))
        began = time.monotonic()

        hanging = await readiness(probe, redis_url=redis_url)

        took = time.monotonic() - began
    back = await readiness(probe, redis_url=redis_url)
    await probe.dispose()

    assert (hanging.database, back.database) == (State.AWAY, State.OK)
    assert took < 2.0
