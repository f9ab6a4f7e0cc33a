"""Another price book (section 10), played through GraphQL: at once, on a date, and as years and contracts renew."""

from __future__ import annotations

import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from tests.application import Api
from tests.scenarios.books import NEXT_VERSION, publish_next_book
from tests.scenarios.player import Player, Sent
from tests.scenarios.statements import at, do, of, statement, subscription, team


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def next_book(operator: Api, sessions: async_sessionmaker[AsyncSession]) -> None:
    """The price book with Essential at $45.00, in force from 16 September 2026."""
    await publish_next_book(sessions)


async def two_seats(api: Api, *, start: str = "2026-09-01") -> Player:
    """Pay monthly for two seats of Essential under the first price book."""
    player = await team(api, seats=2, since=start)
    await do(player, "subscriptionStart", plan="ESSENTIAL")
    return player


GOLDEN = """
        1. 1 Sep 2026: $78.00
           SUBSCRIPTION | Essential: 2 seats | 1 Sep 2026 - 30 Sep 2026 | $78.00
        2. 16 Sep 2026: $24.00
           ADDITIONAL_USAGE | Bulk emails | 1 Sep 2026 - 15 Sep 2026 | $63.00
           PRORATIONS | Unused time on 2 seats | 16 Sep 2026 - 30 Sep 2026 | -$39.00
        3. 16 Sep 2026: $45.00
           SUBSCRIPTION | Essential: 2 seats | 16 Sep 2026 - 30 Sep 2026 | $45.00
        4. 1 Oct 2026: $153.00
           ADDITIONAL_USAGE | Bulk emails | 16 Sep 2026 - 30 Sep 2026 | $63.00
           SUBSCRIPTION | Essential: 2 seats | 1 Oct 2026 - 31 Oct 2026 | $90.00
        5. 1 Nov 2026: $104.00
           ADDITIONAL_USAGE | Adjustment: Bulk emails | 1 Sep 2026 - 15 Sep 2026 | $14.00
           SUBSCRIPTION | Essential: 2 seats | 1 Nov 2026 - 30 Nov 2026 | $90.00
    """


async def test_a_month_moves_to_another_price_book_today(operator: Api) -> None:
    player = await two_seats(operator)
    await player.go_to(at("2026-09-10"))
    await player.use([Sent("before", "BULK_EMAIL", 2_000, player.now)])
    await player.go_to(at("2026-09-16"))

    moved = await do(
        player,
        "bookMigrate",
        "subscription { priceBookVersion anchorOn } invoices { number }",
        version=NEXT_VERSION,
    )
    await player.go_to(at("2026-09-20"))
    await player.use([Sent("after", "BULK_EMAIL", 2_000, player.now)])
    await player.go_to(at("2026-10-03"))
    await player.use([Sent("late", "BULK_EMAIL", 500, at("2026-09-10"))])
    await player.go_to(at("2026-11-02"))

    assert moved["subscription"] == {"priceBookVersion": NEXT_VERSION, "anchorOn": "2026-09-01"}
    assert moved["invoices"] == [{"number": 2}, {"number": 3}]
    assert await statement(player) == of(GOLDEN)


async def test_a_month_moves_to_another_price_book_as_a_date_opens(operator: Api) -> None:
    player = await two_seats(operator)
    await player.go_to(at("2026-09-10"))
    await player.use([Sent("before", "BULK_EMAIL", 2_000, player.now)])

    moved = await do(
        player,
        "bookMigrate",
        "subscription { priceBookVersion endsOn } invoices { number }",
        version=NEXT_VERSION,
        on="2026-09-16",
    )
    await player.go_to(at("2026-09-20"))
    await player.use([Sent("after", "BULK_EMAIL", 2_000, player.now)])
    await player.go_to(at("2026-10-03"))
    await player.use([Sent("late", "BULK_EMAIL", 500, at("2026-09-10"))])
    await player.go_to(at("2026-11-02"))

    assert moved["subscription"] == {"priceBookVersion": 1, "endsOn": None}
    assert moved["invoices"] == []
    assert (await subscription(player))["priceBookVersion"] == NEXT_VERSION
    assert await statement(player) == of(GOLDEN)


async def test_a_date_in_a_later_month_cuts_that_month(operator: Api) -> None:
    player = await two_seats(operator)
    await do(player, "bookMigrate", version=NEXT_VERSION, on="2026-11-16")

    await player.go_to(at("2026-11-17"))

    assert await statement(player, since=2) == of("""
        2. 1 Oct 2026: $78.00
           SUBSCRIPTION | Essential: 2 seats | 1 Oct 2026 - 31 Oct 2026 | $78.00
        3. 1 Nov 2026: $78.00
           SUBSCRIPTION | Essential: 2 seats | 1 Nov 2026 - 30 Nov 2026 | $78.00
        4. 16 Nov 2026: -$39.00
           PRORATIONS | Unused time on 2 seats | 16 Nov 2026 - 30 Nov 2026 | -$39.00
        5. 16 Nov 2026: $45.00
           SUBSCRIPTION | Essential: 2 seats | 16 Nov 2026 - 30 Nov 2026 | $45.00
    """)


async def test_moving_as_a_month_opens_cuts_nothing(operator: Api) -> None:
    player = await two_seats(operator)
    await do(player, "bookMigrate", version=NEXT_VERSION, on="2026-10-01")

    await player.go_to(at("2026-10-02"))

    assert await statement(player, since=2) == of("""
        2. 1 Oct 2026: $90.00
           SUBSCRIPTION | Essential: 2 seats | 1 Oct 2026 - 31 Oct 2026 | $90.00
    """)


async def test_moving_in_the_course_of_a_months_first_day_gives_that_month_back(operator: Api) -> None:
    player = await two_seats(operator)
    await player.go_to(at("2026-10-01"))

    await do(player, "bookMigrate", version=NEXT_VERSION)
    await player.go_to(at("2026-11-02"))

    assert await statement(player, since=2) == of("""
        2. 1 Oct 2026: $78.00
           SUBSCRIPTION | Essential: 2 seats | 1 Oct 2026 - 31 Oct 2026 | $78.00
        3. 1 Oct 2026: -$78.00
           PRORATIONS | Unused time on 2 seats | 1 Oct 2026 - 31 Oct 2026 | -$78.00
        4. 1 Oct 2026: $90.00
           SUBSCRIPTION | Essential: 2 seats | 1 Oct 2026 - 31 Oct 2026 | $90.00
        5. 1 Nov 2026: $90.00
           SUBSCRIPTION | Essential: 2 seats | 1 Nov 2026 - 30 Nov 2026 | $90.00
    """)


async def test_a_subscription_keeps_the_price_book_it_signed_and_a_new_one_signs_the_current(
    operator: Api,
) -> None:
    kept = await two_seats(operator)
    await kept.go_to(at("2026-10-02"))
    new = await two_seats(operator, start="2026-10-01")

    assert (await subscription(kept))["priceBookVersion"] == 1
    assert (await subscription(new))["priceBookVersion"] == NEXT_VERSION
    assert (await statement(kept)).endswith("$78.00")
    assert (await statement(new)).endswith("$90.00")


async def test_a_year_moves_as_it_renews(operator: Api) -> None:
    player = await team(operator, seats=1, since="2026-01-01")
    await do(player, "yearlyStart", plan="ESSENTIAL", seats=1)
    await player.go_to(at("2026-10-10"))
    await player.seat("overage")

    await do(player, "bookMigrate", version=NEXT_VERSION)
    scheduled = await subscription(player)
    await player.go_to(at("2027-02-02"))

    assert (scheduled["priceBookVersion"], scheduled["endsOn"]) == (1, None)
    assert (await subscription(player))["priceBookVersion"] == NEXT_VERSION
    assert await statement(player, since=4) == of("""
        4. 1 Jan 2027: $39.00
           ADDITIONAL_USAGE | 1 seat above the purchased ones | 1 Dec 2026 - 31 Dec 2026 | $39.00
        5. 1 Jan 2027: $348.00
           SUBSCRIPTION | Essential: 1 seat | 1 Jan 2027 - 31 Dec 2027 | $348.00
        6. 1 Feb 2027: $45.00
           ADDITIONAL_USAGE | 1 seat above the purchased ones | 1 Jan 2027 - 31 Jan 2027 | $45.00
    """)


async def test_a_contract_moves_as_it_renews(operator: Api) -> None:
    player = await team(operator, seats=2, since="2026-09-01")
    terms = {"plan": "ESSENTIAL", "months": 3, "billingMonths": 3, "seats": 2}
    await do(player, "contractSign", terms=terms)
    await player.go_to(at("2026-09-20"))

    await do(player, "bookMigrate", version=NEXT_VERSION)
    await player.go_to(at("2026-12-02"))

    assert await statement(player, since=2) == of("""
        2. 1 Dec 2026: $270.00
           SUBSCRIPTION | Essential: 2 seats committed | 1 Dec 2026 - 28 Feb 2027 | $270.00
    """)


async def test_a_switch_to_yearly_overtakes_a_scheduled_move(operator: Api) -> None:
    player = await two_seats(operator)
    await do(player, "bookMigrate", version=NEXT_VERSION, on="2026-09-28")
    await player.go_to(at("2026-09-14"))

    await do(player, "yearlyStart", plan="ESSENTIAL", seats=2)
    await player.go_to(at("2026-11-15"))

    assert (await subscription(player))["priceBookVersion"] == 1
    assert await statement(player, since=2) == of("""
        2. 14 Sep 2026: $651.80
           PRORATIONS | Unused time on 2 seats | 14 Sep 2026 - 30 Sep 2026 | -$44.20
           SUBSCRIPTION | Essential: 2 seats | 14 Sep 2026 - 13 Sep 2027 | $696.00
    """)


async def test_a_cancelled_subscription_ends_before_a_move_scheduled_for_later(operator: Api) -> None:
    player = await two_seats(operator)
    await do(player, "bookMigrate", version=NEXT_VERSION, on="2026-11-16")
    await do(player, "subscriptionCancel")

    await player.go_to(at("2026-12-02"))

    assert await subscription(player) is None
    assert len(await player.invoices()) == 1


async def test_the_book_in_force_already_is_no_book_to_move_to(operator: Api) -> None:
    player = await two_seats(operator)

    refused = await operator.do("bookMigrate", "__typename", accountId=player.account_id, version=1)

    assert refused["__typename"] == "UnknownBook"


async def test_moving_there_and_back_on_one_day_comes_to_nothing(operator: Api) -> None:
    player = await two_seats(operator)
    await player.go_to(at("2026-09-16"))

    await do(player, "bookMigrate", version=NEXT_VERSION)
    await do(player, "bookMigrate", version=1)
    await player.go_to(at("2026-10-02"))

    issued = await player.invoices()
    assert [invoice["total"]["amount"] for invoice in issued[1:-1]] == ["-39.00", "45.00", "-45.00", "39.00"]
    assert (await statement(player)).endswith("Essential: 2 seats | 1 Oct 2026 - 31 Oct 2026 | $78.00")


async def test_a_move_asked_for_twice_happens_once(operator: Api) -> None:
    player = await two_seats(operator)
    for _ in range(2):
        await do(player, "bookMigrate", version=NEXT_VERSION, on="2026-09-16")

    await player.go_to(at("2026-09-17"))

    assert await statement(player, since=2) == of("""
        2. 16 Sep 2026: -$39.00
           PRORATIONS | Unused time on 2 seats | 16 Sep 2026 - 30 Sep 2026 | -$39.00
        3. 16 Sep 2026: $45.00
           SUBSCRIPTION | Essential: 2 seats | 16 Sep 2026 - 30 Sep 2026 | $45.00
    """)
