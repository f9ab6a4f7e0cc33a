"""A connection has the scope it is lent for, whoever had it before and however that ended."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from adapters.database import create_engine, read_one_moment, session_maker
from adapters.ids import new_id
from adapters.scopes import EVERYONE, NOBODY, Scope, scoped
from tests.adapters import rows

Sessions = async_sessionmaker[AsyncSession]

ACCOUNTS = text("SELECT account_id FROM accounts ORDER BY 1")
ROUNDS = 400


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def companies(sessions: Sessions) -> list[UUID]:
    """Two accounts."""
    made = [rows.account() for _ in range(2)]
    async with sessions.begin() as session:
        session.add_all(made)
    return [each.account_id for each in made]


@pytest_asyncio.fixture(loop_scope="session")
async def narrow(database_url: str) -> AsyncIterator[AsyncEngine]:
    """One connection for all, without a scope of its own."""
    engine = create_engine(database_url, pool_size=1)
    engine.pool._max_overflow = 0  # type: ignore[attr-defined]
    yield engine
    await engine.dispose()


def makers(engine: AsyncEngine) -> tuple[Sessions, Sessions]:
    """Makers of sessions with transactions and without, as the API has them."""
    return session_maker(engine), session_maker(engine.execution_options(isolation_level="AUTOCOMMIT"))


def of(*accounts: UUID) -> Scope:
    return Scope(frozenset(accounts))


async def accounts_seen(sessions: Sessions) -> list[UUID]:
    async with sessions() as session:
        return list(await session.scalars(ACCOUNTS))


@pytest.mark.parametrize("kind", [0, 1], ids=["transactions", "reads"])
async def test_a_session_sees_the_rows_of_its_scope(
    narrow: AsyncEngine, companies: list[UUID], kind: int
) -> None:
    sessions = makers(narrow)[kind]
    a, b = companies

    found = [
        await accounts_seen(scoped(sessions, scope)) for scope in (of(a), of(b), EVERYONE, of(b, a), NOBODY)
    ]

    assert found == [[a], [b], sorted([a, b]), sorted([a, b]), []]


@pytest.mark.parametrize("kind", [0, 1], ids=["transactions", "reads"])
async def test_a_session_without_a_scope_sees_nothing_after_one_that_had_one(
    narrow: AsyncEngine, companies: list[UUID], kind: int
) -> None:
    sessions = makers(narrow)[kind]
    before = await accounts_seen(scoped(sessions, EVERYONE))

    unscoped = await accounts_seen(sessions)
    async with narrow.connect() as connection:
        beside_sessions = (await connection.execute(ACCOUNTS)).all()

    assert (len(before), unscoped, beside_sessions) == (2, [], [])


async def test_an_engine_s_own_scope_is_there_from_the_first_and_comes_back(
    database_url: str, companies: list[UUID]
) -> None:
    engine = create_engine(database_url, pool_size=1, scope=of(companies[0]))
    sessions = session_maker(engine)

    found = [await accounts_seen(each) for each in (sessions, scoped(sessions, of(companies[1])), sessions)]
    await engine.dispose()

    assert found == [[companies[0]], [companies[1]], [companies[0]]]


async def test_the_same_scope_again_costs_nothing(narrow: AsyncEngine, companies: list[UUID]) -> None:
    transactions, reads = makers(narrow)
    sent: list[str] = []

    async with narrow.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        driver.add_query_logger(lambda record: sent.append(record.query))
    for _ in range(3):
        await accounts_seen(scoped(transactions, of(companies[0])))
        await accounts_seen(scoped(reads, of(companies[0])))
    same = [query for query in sent if query.startswith("SET")]
    await accounts_seen(scoped(reads, of(companies[1])))

    assert same == [f"SET app.accounts = '{companies[0]}'"]
    assert [query for query in sent if query.startswith("SET")][1:] == [
        f"SET app.accounts = '{companies[1]}'"
    ]


async def test_one_moment_is_read_within_the_scope(narrow: AsyncEngine, companies: list[UUID]) -> None:
    async with scoped(makers(narrow)[0], of(companies[1]))() as session:
        await read_one_moment(session)

        assert list(await session.scalars(ACCOUNTS)) == [companies[1]]


@pytest.mark.parametrize("end", ["commit", "rollback", "error"])
async def test_the_scope_outlasts_whatever_ends_a_transaction(
    narrow: AsyncEngine, companies: list[UUID], end: str
) -> None:
    async with scoped(makers(narrow)[0], of(companies[0]))() as session:
        before = list(await session.scalars(ACCOUNTS))
        if end == "commit":
            await session.commit()
        else:
            if end == "error":
                with pytest.raises(DBAPIError, match="division by zero"):
                    await session.execute(text("SELECT 1 / 0"))
            await session.rollback()

        assert before == list(await session.scalars(ACCOUNTS)) == [companies[0]]


async def test_a_connection_that_is_replaced_begins_anew(
    narrow: AsyncEngine, engine: AsyncEngine, companies: list[UUID]
) -> None:
    sessions = scoped(makers(narrow)[0], of(companies[0]))
    async with sessions() as session:
        victim = await session.scalar(text("SELECT pg_backend_pid()"))
    async with engine.connect() as killer:
        await killer.execute(text("SELECT pg_terminate_backend(:pid, 1000)"), {"pid": victim})

    assert await accounts_seen(sessions) == [companies[0]]


async def test_a_connection_that_cannot_be_told_its_scope_is_not_lent(
    narrow: AsyncEngine, companies: list[UUID]
) -> None:
    sessions = makers(narrow)[0]
    await accounts_seen(scoped(sessions, of(companies[0])))

    @event.listens_for(narrow.sync_engine, "checkout")
    def break_off(lent: Any, _record: object, _proxy: object) -> None:
        # As when the server's machine is lost at that very moment.
        lent.driver_connection.terminate()

    with pytest.raises(OperationalError, match=r"SET app\.accounts"):
        await accounts_seen(scoped(sessions, of(companies[1])))
    event.remove(narrow.sync_engine, "checkout", break_off)

    assert await accounts_seen(scoped(sessions, of(companies[1]))) == [companies[1]]


async def test_hundreds_of_borrowers_of_one_connection_never_see_anothers_rows(
    narrow: AsyncEngine, companies: list[UUID]
) -> None:
    chance = random.Random(2026)
    kinds = makers(narrow)
    scopes = {of(each): [each] for each in companies} | {EVERYONE: sorted(companies), NOBODY: []}
    wrong: list[tuple[Scope, list[UUID]]] = []
    ends: dict[str, int] = {}

    async def borrow(scope: Scope, sessions: Sessions, how: str) -> None:
        async with sessions() as session:
            found = list(await session.scalars(ACCOUNTS))
            if found != scopes[scope]:
                wrong.append((scope, found))
            if how == "fails":
                await session.execute(text("SELECT 1 / 0"))
            if how == "is cancelled":
                await session.execute(text("SELECT pg_sleep(1)"))
            if how == "commits":
                await session.execute(text("UPDATE accounts SET name = name"))
                await session.commit()

    for _ in range(ROUNDS):
        scope, how = chance.choice(list(scopes)), chance.choice(["reads", "commits", "fails", "is cancelled"])
        task = asyncio.create_task(borrow(scope, scoped(chance.choice(kinds), scope), how))
        if how == "is cancelled":
            # At any moment: while it waits for the connection, is told its scope, reads or sleeps.
            await asyncio.sleep(chance.uniform(0, 0.006))
            task.cancel()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        name = type(outcome).__name__
        ends[name] = ends.get(name, 0) + 1

    assert wrong == []
    assert min(ends[name] for name in ("NoneType", "DBAPIError", "CancelledError")) > ROUNDS / 8, ends
    assert set(ends) == {"NoneType", "DBAPIError", "CancelledError"}


def test_a_scope_is_written_as_the_policies_read_it() -> None:
    first, second = sorted(new_id() for _ in range(2))

    assert (EVERYONE.setting, NOBODY.setting, of(second, first).setting) == ("*", "", f"{first},{second}")
