"""Usage recorded, late or taken back while periods close: each unit is billed once, on its own month."""

from __future__ import annotations

import asyncio
import random
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.queries import usage as usage_queries
from services import accounts, due, usage
from tests.services.bills import lines, units_billed
from tests.services.books import check_books
from tests.services.world import Company, World, moment, sms


async def units_recorded(world: World, company: Company, start: date, end: date) -> int:
    return int(
        await world.value(
            "SELECT coalesce(sum(e.units), 0) FROM usage_events e "
            "LEFT JOIN usage_takebacks t USING (account_id, workspace_id, event_id) "
            "WHERE e.account_id = :a AND e.day >= :start AND e.day < :end AND t.event_id IS NULL",
            a=company.account_id,
            start=start,
            end=end,
        )
    )


async def test_usage_recorded_while_its_period_closes_is_billed_once(world: World) -> None:
    dice = random.Random(9)
    midnight = moment("2026-10-01", 0)
    at_close = world.at(midnight + timedelta(minutes=1))
    for _ in range(8):
        company = await world.customer(token=None)

        async def write(to: Company = company) -> None:
            for _ in range(4):
                moments = [midnight + timedelta(seconds=dice.randint(-5 * 86400, 59)) for _ in range(3)]
                await at_close.send(to, [sms(dice.randint(1, 3), at=at) for at in moments])

        async def close(after: float = dice.random() / 20) -> None:
            await asyncio.sleep(after)
            await due.close_chunk(world.sessions, world.gateway, wall=at_close.wall)

        await asyncio.gather(*(write() for _ in range(6)), close())

        september = await units_recorded(world, company, date(2026, 9, 1), date(2026, 10, 1))
        october = await units_recorded(world, company, date(2026, 10, 1), date(2026, 11, 1))
        assert min(september, october) >= 0
        assert september + october == await units_recorded(world, company, date.min, date.max)
        await world.at(moment("2026-11-01")).work()
        assert await units_billed(world, company, date(2026, 9, 1)) == september
        assert await units_billed(world, company, date(2026, 10, 1)) == october
        await check_books(world, company)


async def test_the_same_events_sent_by_four_senders_while_the_period_closes_are_billed_once(
    world: World,
) -> None:
    company = await world.customer(token=None)
    at_close = world.at(moment("2026-10-01", 0) + timedelta(minutes=1))
    batch = [sms(1, at=moment("2026-09-30", hour)) for hour in range(24)]

    async def send() -> None:
        for first in range(0, len(batch), 6):
            await at_close.send(company, batch[first : first + 6])

    await asyncio.gather(
        *(send() for _ in range(4)), due.close_chunk(world.sessions, world.gateway, wall=at_close.wall)
    )

    await world.at(moment("2026-11-01")).work()
    assert await units_billed(world, company, date(2026, 9, 1)) == len(batch)
    await check_books(world, company)


async def test_a_late_event_is_an_adjustment_on_the_next_invoice_with_its_own_months_dates(
    world: World,
) -> None:
    company = await world.customer(token=None)
    await world.at(moment("2026-09-28")).use(company, 100, at=moment("2026-09-28"))
    await world.at(moment("2026-10-01")).work()

    await world.at(moment("2026-10-03")).use(company, 50, at=moment("2026-09-28"))
    await world.at(moment("2026-11-01")).work()

    assert ("usage:SMS_SEGMENT:2026-09-01", 600) in await lines(world, company, 2)
    assert ("usage:SMS_SEGMENT:2026-09-01", 300) in await lines(world, company, 3)
    await check_books(world, company)


async def test_a_take_back_of_an_event_of_four_periods_ago_is_adjusted_by_the_next_close_alone(
    world: World,
) -> None:
    company = await world.customer(token=None)
    event_id = await world.at(moment("2026-09-10")).use(company, 100, at=moment("2026-09-10"))
    for month in (10, 11, 12):
        await world.at(moment(f"2026-{month}-01")).work()
    in_january = world.at(moment("2027-01-15"))
    await in_january.work()

    await in_january.take_back(company, event_id)

    marked = await world.value(
        "SELECT dirty_from FROM subscriptions WHERE account_id = :a", a=company.account_id
    )
    assert marked == date(2026, 9, 10)
    await world.at(moment("2027-02-01")).work()
    assert ("usage:SMS_SEGMENT:2026-09-01", -600) in await lines(world, company, 6)
    await world.at(moment("2027-03-01")).work()
    assert [key for key, _ in await lines(world, company, 7)] == ["seats:2027-03-01"]
    assert await units_billed(world, company, date(2026, 9, 1)) == 0
    await check_books(world, company)


async def test_the_checks_see_a_mark_that_was_not_made(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def forget(session: AsyncSession, *, account_id: UUID, day: date, is_reopened: bool) -> None:
        """Make no mark."""

    monkeypatch.setattr(usage_queries, "mark_late", forget)
    company = await world.customer(token=None)
    event_id = await world.at(moment("2026-09-10")).use(company, 100, at=moment("2026-09-10"))
    in_january = world.at(moment("2027-01-15"))
    await in_january.work()

    await in_january.take_back(company, event_id)
    await world.at(moment("2027-02-01")).work()

    assert await units_billed(world, company, date(2026, 9, 1)) == 100


async def test_late_usage_is_not_forgotten_when_periods_close_before_anybody_looks(world: World) -> None:
    company = await world.customer(token=None)
    await world.at(moment("2026-10-01")).work()
    await world.at(moment("2026-10-20")).use(company, 10, at=moment("2026-09-30"))

    await world.at(moment("2027-01-15")).work()

    assert ("usage:SMS_SEGMENT:2026-09-01", 60) in await lines(world, company, 3)
    assert len(await world.invoices(company)) == 5
    await check_books(world, company)


async def test_a_take_back_that_commits_while_a_close_waits_for_it_is_in_that_invoice_or_the_next(
    world: World,
) -> None:
    company = await world.customer(token=None)
    old = await world.at(moment("2026-09-10")).use(company, 30, at=moment("2026-09-10"))
    newer = await world.at(moment("2026-10-10")).use(company, 20, at=moment("2026-10-10"))
    in_december = world.at(moment("2026-12-15"))
    await in_december.work()
    await in_december.take_back(company, newer)
    at_close = world.at(moment("2027-01-01"))

    async with world.sessions.begin() as session:
        account = await accounts.read_account(session, account_id=company.account_id, wall=at_close.wall)
        await usage.take_back(
            session, account, workspace_id=company.workspace_id, event_id=old, reason="wrong too"
        )
        closing = asyncio.create_task(at_close.work())
        await until_somebody_waits(world)
    await closing

    await world.at(moment("2027-02-01")).work()
    assert await units_billed(world, company, date(2026, 9, 1)) == 0
    assert await units_billed(world, company, date(2026, 10, 1)) == 0
    await check_books(world, company)


async def until_somebody_waits(world: World, *, give_up_after: timedelta = timedelta(seconds=5)) -> None:
    """Wait until a transaction stands in line for the lock between usage and a close."""
    give_up_at = datetime.now().astimezone() + give_up_after
    while not await world.value(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    ):
        assert datetime.now().astimezone() < give_up_at
        await asyncio.sleep(0.01)
