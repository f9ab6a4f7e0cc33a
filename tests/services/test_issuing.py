"""Invoices issued by many at once, and credit that pays the oldest first."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from adapters.queries.duework import Due
from services import due, payments
from tests.gateway.running_provider import RunningProvider
from tests.services.books import check_books, check_settled
from tests.services.world import Company, World, moment

OCTOBER = moment("2026-10-01")


async def due_close(world: World, company: Company) -> Due:
    row = await world.row(
        "SELECT subject_id, due_at FROM due_work WHERE account_id = :a AND kind = 'CLOSE'",
        a=company.account_id,
    )
    return Due(company.account_id, "CLOSE", row.subject_id, row.due_at)


async def test_two_closers_that_begin_together_issue_one_invoice(world: World) -> None:
    for _ in range(20):
        company = await world.customer(token=None)
        work = await due_close(world, company)
        barrier = asyncio.Barrier(2)

        async def close(work: Due = work, barrier: asyncio.Barrier = barrier) -> None:
            await barrier.wait()
            await due.do(world.sessions, world.gateway, work, wall=OCTOBER)

        await asyncio.gather(close(), close())

        assert [row.number for row in await world.invoices(company)] == [1, 2]
        await check_books(world, company)


async def test_four_closers_of_accounts_three_periods_behind_number_without_gaps(world: World) -> None:
    companies = [await world.customer(token=None) for _ in range(10)]
    late = world.at(moment("2026-12-15"))

    async def close_all() -> None:
        while await due.close_chunk(world.sessions, world.gateway, wall=late.wall, limit=4):
            pass

    await asyncio.gather(*(close_all() for _ in range(4)))
    await world.expire_leases()
    await close_all()

    for company in companies:
        issued = await world.invoices(company)
        assert [(row.number, f"{row.invoice_on:%m}") for row in issued] == [
            (1, "09"),
            (2, "10"),
            (3, "11"),
            (4, "12"),
        ]
        await check_books(world, company)


async def test_a_close_waits_no_longer_than_a_lease_for_an_account_that_was_busy(world: World) -> None:
    company = await world.customer(token=None)
    async with world.locked(company):
        await due.close_chunk(world.sessions, world.gateway, wall=OCTOBER)

    await world.expire_leases()
    await due.close_chunk(world.sessions, world.gateway, wall=OCTOBER)

    assert len(await world.invoices(company)) == 2


async def test_a_negative_total_becomes_credit_and_lowers_what_the_next_invoice_owes(
    world: World, payment_provider: RunningProvider
) -> None:
    company = await world.company(token="tok_visa")
    hired = await world.hire(company, 9)
    await world.start(company)
    await world.work()
    on_the_second = world.at(moment("2026-09-02"))
    for teammate_id in hired:
        await on_the_second.remove(company, teammate_id)

    await world.at(OCTOBER).work()
    credit = await world.credit(company)
    await world.at(moment("2026-11-01")).work()

    first, second, third = await world.invoices(company)
    assert (first.total_cents, first.due_cents, first.status) == (39000, 0, "PAID")
    assert second.total_cents < 0
    assert (second.status, second.due_cents, second.credit_applied_cents) == ("PAID", 0, 0)
    assert credit == -second.total_cents
    assert (third.total_cents, third.credit_applied_cents, third.due_cents) == (3900, 3900, 0)
    assert await world.credit(company) == credit - 3900
    await check_settled(world, company, provider=payment_provider)


async def test_credit_pays_open_invoices_oldest_first_before_the_next_one_is_issued(
    world: World, payment_provider: RunningProvider
) -> None:
    company = await world.customer(token="tok_declined")
    await world.hire(company, 4)
    for day in ("2026-09-01", "2026-10-01"):
        await world.at(moment(day)).work()
    await give_credit(world, company, cents=9000)

    await world.at(moment("2026-11-01")).work()

    first, second, third = await world.invoices(company)
    assert (first.status, first.credit_applied_cents) == ("PAID", 3900)
    assert (second.status, second.credit_applied_cents) == ("OPEN", 5100)
    assert (third.status, third.credit_applied_cents) == ("OPEN", 0)
    assert await world.credit(company) == 0
    await check_books(world, company, provider=payment_provider)


async def test_credit_that_came_after_the_issue_lowers_the_charge(
    world: World, payment_provider: RunningProvider
) -> None:
    company = await world.customer(token="tok_visa")
    await give_credit(world, company, cents=1000)

    await world.work()

    (invoice,) = await world.invoices(company)
    attempts = await world.run(
        "SELECT amount_cents FROM payment_attempts WHERE account_id = :a", a=company.account_id
    )
    assert [row.amount_cents for row in attempts] == [2900]
    assert (invoice.status, invoice.credit_applied_cents) == ("PAID", 1000)
    await check_settled(world, company, provider=payment_provider)


async def test_what_is_left_below_the_providers_least_is_owed_by_the_next_invoice(
    world: World, payment_provider: RunningProvider
) -> None:
    company = await world.customer(token="tok_visa")
    await give_credit(world, company, cents=3880)

    await world.work()
    after_first = await world.credit(company)
    await world.at(OCTOBER).work()

    first, second = await world.invoices(company)
    assert (first.status, first.credit_applied_cents, after_first) == ("PAID", 3900, -20)
    assert (second.status, second.credit_applied_cents) == ("PAID", -20)
    assert await world.credit(company) == 0
    await check_settled(world, company, provider=payment_provider)


async def test_an_invoice_whose_charge_is_on_its_way_keeps_the_amount_being_charged(
    world: World, payment_provider: RunningProvider
) -> None:
    company = await world.customer(token="tok_visa")
    payment_provider.misbehave({"kind": "drop_after"})
    await world.work()
    await give_credit(world, company, cents=1000)

    await world.at(world.wall + timedelta(minutes=6)).work()

    (invoice,) = await world.invoices(company)
    assert (invoice.status, invoice.credit_applied_cents) == ("PAID", 0)
    assert await world.credit(company) == 1000
    await check_settled(world, company, provider=payment_provider)


async def test_collecting_by_ten_at_once_charges_once(
    world: World, payment_provider: RunningProvider
) -> None:
    company = await world.customer(token="tok_visa")
    (invoice,) = await world.invoices(company)

    await asyncio.gather(
        *(
            payments.collect(
                world.sessions,
                world.gateway,
                account_id=company.account_id,
                invoice_id=invoice.id,
                wall=world.wall,
            )
            for _ in range(10)
        )
    )

    await check_settled(world, company, provider=payment_provider)


async def give_credit(world: World, company: Company, *, cents: int) -> None:
    """Put money on the balance the way a goodwill credit would: in two entries."""
    await world.run(
        "INSERT INTO ledger_entries (account_id, id, transaction_id, ledger_account, amount_cents, kind, at, recorded_at) "
        "SELECT :a, gen_random_uuid(), t.id, side.name, side.cents, 'GOODWILL', now(), now() "
        "FROM (SELECT gen_random_uuid() AS id) t, "
        "(VALUES ('CREDIT', -CAST(:cents AS bigint)), ('REVENUE', CAST(:cents AS bigint))) AS side(name, cents)",
        a=company.account_id,
        cents=cents,
    )
