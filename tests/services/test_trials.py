"""Trials end by themselves: paid with a plan chosen and a card kept, over otherwise; and they are extended once."""

from __future__ import annotations

import asyncio

import pytest

from domain.pricebook import Plan
from domain.subscriptions import TrialExtendedAlready
from services import subscriptions
from tests.gateway.running_provider import RunningProvider
from tests.services.books import check_settled
from tests.services.world import Company, World, moment


async def in_trial(world: World, *, token: str | None, has_chosen: bool) -> Company:
    company = await world.company(token=token)
    async with world.locked(company) as (session, account):
        await subscriptions.start_trial(session, account, plan=Plan.ADVANCED)
        if has_chosen:
            await subscriptions.choose_conversion(session, account, plan=Plan.ESSENTIAL, is_psp=False)
    return company


async def state(world: World, company: Company) -> str:
    status: str = await world.value(
        "SELECT status FROM subscriptions WHERE account_id = :a", a=company.account_id
    )
    return status


@pytest.mark.parametrize(
    ("token", "has_chosen", "becomes"),
    [
        ("tok_visa", True, "ACTIVE"),
        ("tok_visa", False, "ENDED"),
        (None, True, "ENDED"),
        (None, False, "ENDED"),
    ],
)
async def test_a_trial_converts_only_with_a_plan_chosen_and_a_payment_method(
    world: World, payment_provider: RunningProvider, token: str | None, *, has_chosen: bool, becomes: str
) -> None:
    company = await in_trial(world, token=token, has_chosen=has_chosen)

    await world.at(moment("2026-09-14", 23)).work()
    before = await state(world, company)
    await world.at(moment("2026-09-15", 0)).work()

    assert before == "TRIAL"
    assert await state(world, company) == becomes
    assert len(await world.invoices(company)) == (becomes == "ACTIVE")
    assert not await world.run(
        "SELECT * FROM due_work WHERE account_id = :a AND kind = 'TRIAL_END'", a=company.account_id
    )
    if becomes == "ACTIVE":
        await world.at(moment("2026-10-15")).work()
        await check_settled(world, company, provider=payment_provider)
        assert [f"{row.invoice_on:%m-%d}" for row in await world.invoices(company)] == ["09-15", "10-15"]


async def test_a_trial_is_extended_once_also_by_two_at_once(world: World) -> None:
    company = await in_trial(world, token="tok_visa", has_chosen=True)

    async def extend() -> None:
        async with world.locked(company) as (session, account):
            await subscriptions.extend_trial(session, account)

    results = await asyncio.gather(*(extend() for _ in range(5)), return_exceptions=True)
    await world.at(moment("2026-09-21", 23)).work()
    before = await state(world, company)
    await world.at(moment("2026-09-22")).work()

    assert sum(isinstance(result, TrialExtendedAlready) for result in results) == 4
    assert (before, await state(world, company)) == ("TRIAL", "ACTIVE")


async def test_a_trial_ended_by_five_workers_at_once_is_billed_once(
    world: World, payment_provider: RunningProvider
) -> None:
    company = await in_trial(world, token="tok_visa", has_chosen=True)
    at_end = world.at(moment("2026-09-15"))

    await asyncio.gather(*(at_end.work() for _ in range(5)))
    await at_end.expire_leases()
    await at_end.work()

    assert len(await world.invoices(company)) == 1
    await check_settled(world, company, provider=payment_provider)


async def test_a_trial_that_nobody_ended_for_two_months_bills_every_period_since(
    world: World, payment_provider: RunningProvider
) -> None:
    company = await in_trial(world, token="tok_visa", has_chosen=True)

    await world.at(moment("2026-11-20")).work()

    assert [f"{row.invoice_on:%m-%d}" for row in await world.invoices(company)] == ["09-15", "10-15", "11-15"]
    await check_settled(world, company, provider=payment_provider)
