"""The last lite seat, wanted by many at once on sessions of their own."""

from __future__ import annotations

import asyncio
from uuid import UUID

from domain.pricebook import Plan
from domain.refusal import Refusal
from domain.seats import LiteSeatsExhausted, SeatType, TooManyLiteSeats
from services import subscriptions
from services.seats import InviteNotPending
from tests.services.world import Company, World

RIVALS = 20
INCLUDED = {"ESSENTIAL": 0, "ADVANCED": 20, "EXPERT": 50}


async def accept(world: World, company: Company, teammate_id: UUID) -> Refusal | None:
    try:
        await world.accept(company, teammate_id)
    except Refusal as refusal:
        return refusal
    return None


async def change_plan(world: World, company: Company, plan: Plan) -> Refusal | None:
    try:
        async with world.locked(company) as (session, account):
            await subscriptions.change_plan(session, account, plan=plan)
    except Refusal as refusal:
        return refusal
    return None


async def lite_seats_held(world: World, company: Company) -> int:
    held: int = await world.value(
        "SELECT count(*) FROM teammates WHERE account_id = :a AND seat = 'LITE' AND status = 'ACTIVE'",
        a=company.account_id,
    )
    return held


async def test_of_twenty_who_accept_the_last_lite_seat_at_once_exactly_one_gets_it(world: World) -> None:
    company = await world.customer(token=None, plan=Plan.ADVANCED)
    await world.hire(company, INCLUDED["ADVANCED"] - 1, seat=SeatType.LITE)
    waiting = [await world.invite(company, seat=SeatType.LITE) for _ in range(RIVALS)]

    for _ in range(20):
        results = await asyncio.gather(*(accept(world, company, rival) for rival in waiting))

        winners = [rival for rival, refusal in zip(waiting, results, strict=True) if refusal is None]
        assert len(winners) == 1
        assert sum(isinstance(refusal, LiteSeatsExhausted) for refusal in results) == RIVALS - 1
        assert await lite_seats_held(world, company) == INCLUDED["ADVANCED"]
        await world.remove(company, winners[0])
        waiting = [rival for rival in waiting if rival != winners[0]]
        waiting.append(await world.invite(company, seat=SeatType.LITE))


async def test_one_invite_accepted_ten_times_at_once_is_one_seat(world: World) -> None:
    company = await world.customer(token=None, plan=Plan.ADVANCED)
    teammate = await world.invite(company, seat=SeatType.LITE)

    results = await asyncio.gather(*(accept(world, company, teammate) for _ in range(10)))

    assert sum(refusal is None for refusal in results) == 1
    assert sum(isinstance(refusal, InviteNotPending) for refusal in results) == 9
    changes = await world.run("SELECT seat FROM seat_changes WHERE teammate_id = :t", t=teammate)
    assert [row.seat for row in changes] == ["LITE"]


async def test_a_downgrade_racing_with_accepts_never_leaves_more_lite_seats_than_the_plan_includes(
    world: World,
) -> None:
    company = await world.customer(token=None, plan=Plan.EXPERT)
    await world.hire(company, INCLUDED["ADVANCED"] - 1, seat=SeatType.LITE)
    outcomes = set()

    for round_number in range(12):
        rivals = [await world.invite(company, seat=SeatType.LITE) for _ in range(3)]
        downgrade = change_plan(world, company, Plan.ADVANCED)
        racers = [accept(world, company, rival) for rival in rivals]
        racers.insert(round_number % 4, downgrade)

        results = await asyncio.gather(*racers)

        plan = await world.value("SELECT plan FROM subscriptions WHERE account_id = :a", a=company.account_id)
        assert await lite_seats_held(world, company) <= INCLUDED[plan]
        assert all(
            isinstance(refusal, LiteSeatsExhausted | TooManyLiteSeats) for refusal in results if refusal
        )
        outcomes.add(plan)
        await change_plan(world, company, Plan.EXPERT)
        for rival, refusal in zip(
            rivals, (r for i, r in enumerate(results) if i != round_number % 4), strict=True
        ):
            if refusal is None:
                await world.remove(company, rival)

    assert outcomes == {"ADVANCED", "EXPERT"}


async def test_changes_of_one_account_take_their_places_in_the_record_one_after_the_other(
    world: World,
) -> None:
    company = await world.customer(token=None)
    invited = [await world.invite(company) for _ in range(15)]

    await asyncio.gather(
        *(world.accept(company, teammate) for teammate in invited), change_plan(world, company, Plan.EXPERT)
    )

    places = await world.run(
        "SELECT position FROM seat_changes WHERE account_id = :a "
        "UNION ALL SELECT position FROM subscription_facts WHERE account_id = :a ORDER BY position",
        a=company.account_id,
    )
    assert [row.position for row in places] == list(range(1, 1 + 1 + 1 + 15 + 1))
