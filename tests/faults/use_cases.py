"""The use cases to die in: how a company is set up, what is done, and how clients and workers go on after."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

from services import corrections, due, payments, refunds
from services.beginnings import AlreadySubscribed
from services.testclocks import AdvanceRunning
from services.usage import EventStatus
from tests.services.bills import units_billed
from tests.services.world import Company, World, moment, sms

OCTOBER = moment("2026-10-01")
TARGET = moment("2026-10-02")

Step = Callable[[World, Company], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class UseCase:
    """What is done, and that it comes to so many invoices and units of usage once all has recovered.

    `fewest_points` guards against a count of round trips that counts nothing.
    """

    name: str
    set_up: Callable[[World], Awaitable[Company]]
    act: Step
    go_on: Step
    invoices: int = 1
    units: int = 0
    fewest_points: int = 15

    async def check(self, world: World, company: Company) -> None:
        """Check what came of it."""
        assert len(await world.invoices(company)) == self.invoices
        assert await units_billed(world, company, date(2026, 9, 1)) == self.units


async def customer(world: World) -> Company:
    return await world.customer()


async def paid_up(world: World) -> Company:
    company = await world.customer()
    await world.work()
    return company


async def with_usage(world: World) -> Company:
    company = await paid_up(world)
    await world.at(moment("2026-09-20")).use(company, 7, at=moment("2026-09-19"))
    return company


async def with_a_refund(world: World) -> Company:
    """A paid invoice of which a part was forgiven, and is to be paid back."""
    company = await paid_up(world)
    (invoice,) = await world.invoices(company)
    payment_id = await world.value(
        "SELECT id FROM payment_attempts WHERE account_id = :a", a=company.account_id
    )
    async with world.locked(company) as (session, account):
        given: dict[str, Any] = {"amount_cents": 10_00, "reason": "an outage"}
        await corrections.create_credit_note(session, account, invoice_id=invoice.id, **given)
        await refunds.create(session, account, payment_id=payment_id, **given)
    return company


async def asked_to_confirm(world: World) -> Company:
    """An invoice whose charge the bank wants confirmed, and a card that needs none since."""
    company = await world.customer(token="tok_action_needed")
    await world.work()
    await world.give_card(company, "tok_visa")
    return company


async def with_card_only(world: World) -> Company:
    return await world.company(token="tok_visa")


async def declined(world: World) -> Company:
    company = await world.customer(token="tok_insufficient_funds")
    await world.work()
    return company


async def on_a_clock(world: World) -> Company:
    company = await world.company(clock_id=await world.clock(), token="tok_visa")
    await world.start(company)
    await world.work()
    return company


async def collect(world: World, company: Company) -> None:
    (invoice,) = await world.invoices(company)
    await payments.collect(
        world.sessions, world.gateway, account_id=company.account_id, invoice_id=invoice.id, wall=world.wall
    )


async def close(world: World, company: Company) -> None:
    await due.close_chunk(world.sessions, world.gateway, wall=OCTOBER)


async def start(world: World, company: Company) -> None:
    await world.start(company)


async def pay_back(world: World, company: Company) -> None:
    refund_id = await world.value("SELECT id FROM refunds WHERE account_id = :a", a=company.account_id)
    await refunds.carry_out(
        world.sessions, world.gateway, account_id=company.account_id, refund_id=refund_id, wall=world.wall
    )


async def sweep_and_see_it_paid_back(world: World, company: Company) -> None:
    await world.work()
    status = await world.value("SELECT status FROM refunds WHERE account_id = :a", a=company.account_id)
    assert status == "SUCCEEDED"


async def advance(world: World, company: Company) -> None:
    assert company.clock_id
    await world.advance(company.clock_id, TARGET)


async def change_card(world: World, company: Company) -> None:
    await world.give_card(company, "tok_visa")


async def record(world: World, company: Company) -> None:
    batch = [
        sms(units, at=moment("2026-09-19", units), event_id=f"{company.account_id}-{units}")
        for units in (1, 2, 3)
    ]
    outcomes = await world.at(moment("2026-09-20")).send(company, batch)
    assert {outcome.status for outcome in outcomes} <= {EventStatus.ACCEPTED, EventStatus.DUPLICATE}


async def sweep(world: World, company: Company) -> None:
    await world.work()


async def sweep_in_october(world: World, company: Company) -> None:
    await world.at(OCTOBER).work()


async def start_again(world: World, company: Company) -> None:
    with suppress(AlreadySubscribed):
        await world.start(company)
    await world.work()


async def advance_again(world: World, company: Company) -> None:
    """Let a worker finish what was begun; a client whose advance was not asks again."""
    await world.work()
    with suppress(AdvanceRunning):
        await advance(world, company)
    clock = await world.row("SELECT * FROM test_clocks WHERE id = :c", c=company.clock_id)
    assert (clock.now_at, clock.target_at) == (TARGET, None)


async def change_card_again(world: World, company: Company) -> None:
    kept = await world.value("SELECT card_last4 FROM accounts WHERE account_id = :a", a=company.account_id)
    if kept != "4242":
        await change_card(world, company)
    await world.work()


async def record_again(world: World, company: Company) -> None:
    await record(world, company)
    await world.at(OCTOBER).work()


COLLECT = UseCase("collect", customer, collect, sweep)
USE_CASES = (
    COLLECT,
    UseCase("pay_back", with_a_refund, pay_back, sweep_and_see_it_paid_back),
    UseCase("give_up", asked_to_confirm, collect, sweep, fewest_points=25),
    UseCase("close_chunk", with_usage, close, sweep_in_october, invoices=2, units=7),
    UseCase("sweep", with_usage, sweep_in_october, sweep_in_october, invoices=2, units=7, fewest_points=50),
    UseCase("start", with_card_only, start, start_again),
    UseCase("advance", on_a_clock, advance, advance_again, invoices=2, fewest_points=50),
    UseCase("set_payment_method", declined, change_card, change_card_again, fewest_points=12),
    UseCase("record_usage", paid_up, record, record_again, invoices=2, units=6, fewest_points=8),
)
