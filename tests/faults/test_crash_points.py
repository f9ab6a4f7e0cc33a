"""Death at every round trip of a use case, then recovery: nothing is billed, charged or counted twice or not at all."""

from __future__ import annotations

from uuid import uuid4

import pytest

from adapters.tables.payments import PaymentAttempt
from services import payments
from tests.faults.mortal import Dead, Life, Nursery
from tests.faults.use_cases import COLLECT, OCTOBER, USE_CASES, UseCase
from tests.gateway.running_provider import RunningProvider
from tests.services.books import check_settled
from tests.services.world import World


async def points_of(case: UseCase, nursery: Nursery) -> list[Life]:
    """Live through a use case once, and give a life that ends at each of its round trips."""
    world, whole = nursery.world, Life()
    company = await case.set_up(world)
    async with nursery.process(whole) as living:
        await case.act(living, company)
    await case.go_on(world, company)
    trips = list(enumerate(whole.kinds, start=1))
    before = [Life(ends_at=number) for number, _ in trips]
    after = [Life(number, ends_after=True) for number, kind in trips if kind != "statement"]
    return before + after


async def die(case: UseCase, nursery: Nursery, life: Life, *, provider: RunningProvider) -> None:
    """Die in a use case, let the world go on, and check what comes of it."""
    world = nursery.world
    company = await case.set_up(world)
    async with nursery.process(life) as doomed:
        with pytest.raises(Dead):
            await case.act(doomed, company)
    await world.expire_leases()
    await case.go_on(world, company)

    await check_settled(world, company, provider=provider)
    await case.check(world, company)


@pytest.mark.parametrize("case", USE_CASES, ids=lambda case: case.name)
async def test_a_process_may_die_at_any_round_trip(
    world: World, nursery: Nursery, payment_provider: RunningProvider, case: UseCase
) -> None:
    await world.at(OCTOBER).work()  # what other cases left undone
    points = await points_of(case, nursery)

    for life in points:
        await die(case, nursery, life, provider=payment_provider)

    assert len(points) >= case.fewest_points


async def test_the_checks_see_a_key_that_changes_from_try_to_try(
    nursery: Nursery, payment_provider: RunningProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def new_key(attempt: PaymentAttempt) -> str:
        return f"attempt:{attempt.account_id}:{attempt.id}:{uuid4().hex}"

    monkeypatch.setattr(payments, "idempotency_key", new_key)
    points = await points_of(COLLECT, nursery)

    async def die_everywhere() -> None:
        for life in points:
            await die(COLLECT, nursery, life, provider=payment_provider)

    with pytest.raises(AssertionError, match="the provider made a charge that we did not record"):
        await die_everywhere()
