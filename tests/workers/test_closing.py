"""What a worker finds in its way: a poisoned account among healthy ones, and months in which nobody worked."""

from __future__ import annotations

from services import due
from tests.gateway.running_provider import RunningProvider
from tests.services.books import check_settled
from tests.services.world import Company, World, moment

OCTOBER = moment("2026-10-01")


async def poison(world: World, company: Company) -> None:
    """Put a fact in the record that nobody can read."""
    await world.run(
        "INSERT INTO subscription_facts (account_id, subscription_id, position, kind, at, recorded_at, payload) "
        "SELECT account_id, id, 1000, 'PLAN_CHANGED', now(), now(), CAST('{\"plan\": \"NO SUCH PLAN\"}' AS jsonb) "
        "FROM subscriptions WHERE account_id = :a",
        a=company.account_id,
    )


async def test_a_poisoned_account_is_parked_with_a_reason_and_holds_up_no_other(
    world: World, payment_provider: RunningProvider
) -> None:
    healthy = [await world.customer() for _ in range(5)]
    poisoned = await world.customer()
    healthy += [await world.customer() for _ in range(5)]
    await world.work()
    await poison(world, poisoned)
    in_october = world.at(OCTOBER)

    seen = []
    for _ in range(due.PARK_AFTER + 1):
        await in_october.work()
        await world.expire_leases()
        seen.append(
            await world.row(
                "SELECT failures, parked_at IS NOT NULL AS is_parked, parked_reason FROM due_work "
                "WHERE account_id = :a AND kind = 'CLOSE'",
                a=poisoned.account_id,
            )
        )

    assert [row.failures for row in seen] == [1, 2, 3, 4, 5, 5]
    assert [row.is_parked for row in seen] == [False] * 4 + [True] * 2
    assert "NO SUCH PLAN" in seen[-1].parked_reason
    assert len(await world.invoices(poisoned)) == 1
    assert await due.count(world.sessions, kind="CLOSE", wall=OCTOBER) == 0
    for company in healthy:
        assert len(await world.invoices(company)) == 2
        await check_settled(world, company, provider=payment_provider)


async def test_a_poisoned_account_does_not_stop_the_clock_it_hangs_on(
    world: World, payment_provider: RunningProvider
) -> None:
    clock_id = await world.clock()
    poisoned, healthy = [await world.company(clock_id=clock_id, token="tok_visa") for _ in range(2)]
    for company in (poisoned, healthy):
        await world.start(company)
    await poison(world, poisoned)

    await world.advance(clock_id, moment("2026-12-02"))

    assert len(await world.invoices(healthy)) == 4
    assert len(await world.invoices(poisoned)) == 1
    await check_settled(world, healthy, provider=payment_provider)


async def test_three_periods_in_which_nobody_worked_are_closed_one_by_one_in_order(
    world: World, payment_provider: RunningProvider
) -> None:
    companies = [await world.customer() for _ in range(4)]
    for company in companies:
        await world.at(moment("2026-10-10")).use(company, 10, at=moment("2026-10-09"))
    back = world.at(moment("2026-12-15"))

    await back.work()

    for company in companies:
        issued = await world.invoices(company)
        assert [f"{row.invoice_on:%m-%d}" for row in issued] == ["09-01", "10-01", "11-01", "12-01"]
        assert [row.total_cents for row in issued] == [3900, 3900, 3900 + 60, 3900]
        await check_settled(world, company, provider=payment_provider)
