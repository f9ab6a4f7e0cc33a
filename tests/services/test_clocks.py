"""Test clocks: a jump does what single steps do, in order, and never touches those who live by the wall."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.pricebook import Plan
from services import accounts, testclocks
from services.testclocks import AdvanceRunning
from tests.gateway.running_provider import RunningProvider
from tests.services.books import check_books, check_settled
from tests.services.world import Company, World, moment, sms

WITHOUT_IDS = """
    SELECT i.number, i.invoice_on, i.made_at, i.period_start, i.period_end, i.status, i.total_cents,
           i.credit_applied_cents, i.due_cents, i.paid_at, i.ladder_on, i.ladder_step, i.failure,
           l.position, l.key, l.section, l.description, l.quantity, l.unit_price, l.tiers, l.service_start,
           l.service_end, l.amount_cents, l.explanation, l.is_adjustment, l.change_key, l.causes
    FROM invoices i JOIN invoice_lines l ON l.account_id = i.account_id AND l.invoice_id = i.id
    WHERE i.account_id = :account ORDER BY i.number, l.position
"""


async def bill(world: World, company: Company) -> Sequence[Any]:
    return await world.run(WITHOUT_IDS, account=company.account_id)


async def on_a_clock(world: World, clock_id: UUID, *, token: str = "tok_visa") -> Company:
    company = await world.company(clock_id=clock_id, token=token, zone="America/New_York")
    await world.start(company, plan=Plan.ADVANCED, is_psp=True)
    await world.hire(company, 2)
    return company


@pytest.mark.parametrize("token", ["tok_visa", "tok_flaky"])
async def test_one_jump_over_thirteen_months_is_the_same_as_month_by_month(
    world: World, payment_provider: RunningProvider, token: str
) -> None:
    end = moment("2027-10-02")
    bills = []
    for steps in (1, 13):
        clock_id = await world.clock()
        company = await on_a_clock(world, clock_id, token=token)
        await world.advance(clock_id, moment("2026-09-20"))
        await world.send(company, [sms(120, at=moment("2026-09-19"))])
        for step in range(1, steps):
            month = 9 + step
            await world.advance(clock_id, moment(f"{2026 + (month - 1) // 12}-{(month - 1) % 12 + 1:02}-05"))
        await world.advance(clock_id, end)

        bills.append(await bill(world, company))
        await check_settled(world, company, provider=payment_provider)
        assert len(await world.invoices(company)) == 14

    assert bills[0] == bills[1]


async def test_a_jump_tries_failing_payments_on_their_days_and_freezes_on_the_last(world: World) -> None:
    clock_id = await world.clock()
    company = await on_a_clock(world, clock_id, token="tok_declined")

    await world.advance(clock_id, moment("2026-10-20"))

    attempts = await world.run(
        "SELECT i.number, p.attempt, p.created_at FROM payment_attempts p JOIN invoices i "
        "ON i.account_id = p.account_id AND i.id = p.invoice_id "
        "WHERE p.account_id = :a ORDER BY p.created_at, p.id",
        a=company.account_id,
    )
    days = [(row.number, row.attempt, f"{row.created_at:%m-%d}") for row in attempts]
    assert days == [
        (1, 1, "09-01"),
        (1, 2, "09-08"),
        (1, 3, "09-15"),
        (1, 4, "09-22"),
        (2, 1, "10-01"),
        (2, 2, "10-08"),
        (2, 3, "10-15"),
    ]
    frozen_at = await world.value(
        "SELECT frozen_at FROM accounts WHERE account_id = :a", a=company.account_id
    )
    assert frozen_at == datetime(2026, 9, 29, 4, tzinfo=UTC)
    await check_books(world, company)


async def test_accounts_on_one_clock_live_through_the_jump_together_in_the_order_of_time(
    world: World,
) -> None:
    clock_id = await world.clock()
    first = await on_a_clock(world, clock_id)
    await world.advance(clock_id, moment("2026-09-11"))
    second = await on_a_clock(world, clock_id)

    await world.advance(clock_id, moment("2026-12-31"))

    made = await world.run(
        "SELECT account_id, made_at FROM invoices WHERE account_id IN (:first, :second) ORDER BY id",
        first=first.account_id,
        second=second.account_id,
    )
    assert [row.made_at for row in made] == sorted(row.made_at for row in made)
    assert [row.account_id == first.account_id for row in made] == [True, False] * 4
    for company in (first, second):
        await check_books(world, company)


async def test_an_advance_that_was_cut_is_finished_by_the_worker(
    world: World, payment_provider: RunningProvider
) -> None:
    clock_id = await world.clock()
    company = await on_a_clock(world, clock_id)
    advance = asyncio.create_task(world.advance(clock_id, moment("2027-03-10")))
    async with asyncio.timeout(20):
        while len(await world.invoices(company)) < 3:
            await asyncio.sleep(0.01)
    advance.cancel()
    with pytest.raises(asyncio.CancelledError):
        await advance

    await world.work()
    in_hands = len(await world.invoices(company))
    await world.expire_leases()
    await world.work()

    assert in_hands < 7
    assert len(await world.invoices(company)) == 7
    clock = await world.row("SELECT now_at, target_at FROM test_clocks WHERE id = :c", c=clock_id)
    assert (clock.now_at, clock.target_at) == (moment("2027-03-10"), None)
    await check_settled(world, company, provider=payment_provider)


async def test_of_two_who_advance_a_clock_at_once_one_is_refused_and_nothing_is_done_twice(
    world: World, payment_provider: RunningProvider
) -> None:
    clock_id = await world.clock()
    company = await on_a_clock(world, clock_id)

    results = await asyncio.gather(
        *(world.advance(clock_id, moment("2026-11-10")) for _ in range(4)), return_exceptions=True
    )

    assert sum(isinstance(result, AdvanceRunning) for result in results) == 3
    assert len(await world.invoices(company)) == 3
    await check_settled(world, company, provider=payment_provider)


async def test_a_worker_beside_an_advance_leaves_its_accounts_alone(
    world: World, payment_provider: RunningProvider
) -> None:
    clock_id = await world.clock()
    companies = [await on_a_clock(world, clock_id) for _ in range(3)]

    async def work() -> None:
        for _ in range(10):
            await world.work()
            await asyncio.sleep(0.02)

    await asyncio.gather(world.advance(clock_id, moment("2026-12-10")), work(), work())

    for company in companies:
        assert len(await world.invoices(company)) == 4
        await check_settled(world, company, provider=payment_provider)


async def test_an_account_that_lives_by_the_wall_is_never_touched_by_a_test_clock(world: World) -> None:
    by_the_wall = await world.customer(token=None)
    clock_id = await world.clock()
    by_the_clock = await on_a_clock(world, clock_id)

    await world.advance(clock_id, moment("2027-09-10"))

    assert len(await world.invoices(by_the_wall)) == 1
    assert len(await world.invoices(by_the_clock)) == 13


async def test_an_account_on_a_test_clock_is_never_touched_by_the_wall(world: World) -> None:
    clock_id = await world.clock()
    company = await on_a_clock(world, clock_id)

    await world.at(moment("2028-09-01")).work()

    assert len(await world.invoices(company)) == 1


async def test_a_jump_does_not_stop_at_a_provider_that_is_down_and_the_money_comes_once(
    world: World, payment_provider: RunningProvider
) -> None:
    clock_id = await world.clock()
    company = await on_a_clock(world, clock_id)
    faults: list[dict[str, object]] = [{"kind": "drop_after"}, {"kind": "status"}, {"kind": "drop_before"}]
    payment_provider.misbehave(*faults * 2)

    await world.advance(clock_id, moment("2026-10-02"))

    await check_settled(world, company, provider=payment_provider)
    first = (await world.invoices(company))[0]
    assert first.paid_at - first.made_at == timedelta(
        minutes=5 * 2**5
    )  # asked again after 5, 10, 20, 40, 80, 160


async def test_an_account_on_a_clock_is_decided_about_in_the_clocks_time(world: World) -> None:
    clock_id = await world.clock()
    company = await on_a_clock(world, clock_id)
    later = world.at(moment("2030-01-01"))

    async with later.locked(company) as (_, account):
        assert account.now == world.wall
    async with later.sessions.begin() as session:
        read = await accounts.read_account(session, account_id=company.account_id, wall=later.wall)
        assert read.now == world.wall
        assert await testclocks.unfinished(later.sessions) == []
