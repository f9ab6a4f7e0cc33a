"""Every connection has the same manners, however its address was written."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import make_url, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlmodel import col

from adapters.database import create_engine, read_one_moment, session_maker
from adapters.ids import new_id
from adapters.tables.pricebooks import PriceBook
from tests.adapters import rows


@pytest.mark.parametrize("driver", ["postgres", "postgresql", "postgresql+asyncpg"])
async def test_takes_the_address_in_every_usual_form(database_url: str, driver: str) -> None:
    address = make_url(database_url).set(drivername=driver).update_query_dict({"sslmode": "prefer"})
    engine = create_engine(address.render_as_string(hide_password=False), application_name="prorata-test")

    async with engine.connect() as connection:
        name = await connection.scalar(text("SHOW application_name"))
    await engine.dispose()

    assert name == "prorata-test"


@pytest.mark.parametrize("url", ["sqlite+aiosqlite:///x", "postgresql+psycopg://x", "mysql://x"])
def test_refuses_another_database_or_driver(url: str) -> None:
    with pytest.raises(ValueError, match="not a PostgreSQL address"):
        create_engine(url)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("timezone", "UTC"),
        ("statement_timeout", "30s"),
        ("lock_timeout", "5s"),
        ("idle_in_transaction_session_timeout", "30s"),
        ("application_name", "prorata"),
        ("transaction_isolation", "read committed"),
    ],
)
async def test_every_connection_has_its_limits(engine: AsyncEngine, setting: str, value: str) -> None:
    async with engine.connect() as connection:
        assert await connection.scalar(text(f"SHOW {setting}")) == value


async def test_replaces_a_connection_that_died_in_the_pool(database_url: str) -> None:
    engine = create_engine(database_url, pool_size=1)
    async with engine.connect() as connection:
        victim = await connection.scalar(text("SELECT pg_backend_pid()"))
    killer = create_engine(database_url)
    async with killer.connect() as connection:
        await connection.execute(text("SELECT pg_terminate_backend(:pid, 1000)"), {"pid": victim})
    await killer.dispose()

    async with engine.connect() as connection:
        replacement = await connection.scalar(text("SELECT pg_backend_pid()"))
    await engine.dispose()

    assert replacement != victim


async def test_json_comes_back_as_it_went_in(sessions: async_sessionmaker[AsyncSession]) -> None:
    content = {"€": ["\u4f60", {"nested": None, "big": 2**62, "yes": True}]}

    async with sessions.begin() as session:
        session.add(rows.price_book(content=content))

    async with sessions() as session:
        assert await session.scalar(select(col(PriceBook.content))) == content


async def test_rows_stay_readable_after_the_commit(sessions: async_sessionmaker[AsyncSession]) -> None:
    async with sessions() as session:
        owner = rows.account()
        session.add(owner)
        await session.commit()

    assert owner.name == "Acme"


async def test_gives_up_a_statement_that_waits_for_a_lock(sessions: async_sessionmaker[AsyncSession]) -> None:
    async with sessions.begin() as holder, sessions() as waiter:
        await holder.execute(text("LOCK TABLE provider_events"))
        await waiter.execute(text("SET LOCAL lock_timeout = '10ms'"))

        with pytest.raises(DBAPIError, match="lock timeout"):
            await asyncio.wait_for(waiter.execute(text("SELECT FROM provider_events")), timeout=5)


async def test_one_moment_is_read_without_writing_and_the_connection_writes_again_after(
    owner_url: str,
) -> None:
    engine = create_engine(owner_url, pool_size=1)
    sessions = session_maker(engine)
    async with sessions() as reader:
        await read_one_moment(reader)

        with pytest.raises(DBAPIError, match="read-only transaction"):
            await reader.execute(text("CREATE TABLE planted ()"))

    async with sessions() as writer:
        await writer.execute(text("CREATE TABLE planted ()"))
        level = await writer.scalar(text("SHOW transaction_isolation"))
    await engine.dispose()

    assert level == "read committed"


def test_new_ids_sort_by_the_order_they_were_made_in() -> None:
    ids = [new_id() for _ in range(1000)]

    assert ids == sorted(set(ids))
    assert {(type(each), each.version) for each in ids} == {(UUID, 7)}
