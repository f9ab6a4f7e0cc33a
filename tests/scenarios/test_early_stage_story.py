"""The Early Stage programme (section 7), played through GraphQL: a bundle for one price, discounts, three years."""

from __future__ import annotations

from tests.application import Api
from tests.scenarios.player import Player, Sent
from tests.scenarios.statements import at, do, of, statement, subscription, team


async def programme(api: Api, *, seats: int = 6) -> Player:
    """Join the programme on New Year's Day."""
    player = await team(api, seats=seats, since="2026-01-01")
    await do(player, "earlyStageStart")
    return player


async def test_six_seats_and_the_add_on_cost_65_dollars_a_month_in_the_first_year(operator: Api) -> None:
    player = await programme(operator)

    shown = await subscription(player)
    await player.go_to(at("2026-02-02"))

    assert (shown["plan"], shown["billing"]) == ("ADVANCED", "EARLY_STAGE")
    assert (shown["psp"], shown["runRate"]) == ({"endsOn": None}, {"amount": "65.00"})
    assert await statement(player) == of("""
        1. 1 Jan 2026: $65.00
           SUBSCRIPTION | Early Stage: 6 seats and Proactive Support Plus | 1 Jan 2026 - 31 Jan 2026 | $65.00
        2. 1 Feb 2026: $65.00
           SUBSCRIPTION | Early Stage: 6 seats and Proactive Support Plus | 1 Feb 2026 - 28 Feb 2026 | $65.00
    """)


async def test_the_six_seats_are_paid_for_even_if_one_person_works(operator: Api) -> None:
    player = await programme(operator, seats=1)

    await player.go_to(at("2026-02-02"))

    assert await statement(player, since=2) == of("""
        2. 1 Feb 2026: $65.00
           SUBSCRIPTION | Early Stage: 6 seats and Proactive Support Plus | 1 Feb 2026 - 28 Feb 2026 | $65.00
    """)


async def test_a_seventh_seat_has_the_years_discount(operator: Api) -> None:
    player = await programme(operator)
    await player.go_to(at("2026-04-16"))
    await player.seat("seventh")

    await player.go_to(at("2026-05-02"))

    assert await statement(player, since=5) == of("""
        5. 1 May 2026: $75.40
           PRORATIONS | Remaining time on Additional seats: 1 seat | 16 Apr 2026 - 30 Apr 2026 | $3.47
           SUBSCRIPTION | Additional seats: 1 seat | 1 May 2026 - 31 May 2026 | $6.93
           SUBSCRIPTION | Early Stage: 6 seats and Proactive Support Plus | 1 May 2026 - 31 May 2026 | $65.00
    """)


async def test_only_messages_sent_and_bulk_emails_have_the_discount(operator: Api) -> None:
    player = await programme(operator)
    await player.go_to(at("2026-01-20"))
    await player.use(
        [
            Sent("posts", "MESSAGES_SENT", 3_000, player.now),
            Sent("emails", "BULK_EMAIL", 10_000, player.now),
            Sent("texts", "SMS_SEGMENT", 1_000, player.now),
        ]
    )

    await player.go_to(at("2026-02-02"))

    # 7 % of $145.00 and of $254.00; text messages at list price.
    assert await statement(player, since=2) == of("""
        2. 1 Feb 2026: $137.93
           ADDITIONAL_USAGE | Messages Sent | 1 Jan 2026 - 31 Jan 2026 | $10.15
           ADDITIONAL_USAGE | Bulk emails | 1 Jan 2026 - 31 Jan 2026 | $17.78
           ADDITIONAL_USAGE | SMS segments | 1 Jan 2026 - 31 Jan 2026 | $45.00
           SUBSCRIPTION | Early Stage: 6 seats and Proactive Support Plus | 1 Feb 2026 - 28 Feb 2026 | $65.00
    """)


async def test_the_second_and_third_year_have_their_prices_and_after_them_all_is_as_for_everybody(
    operator: Api,
) -> None:
    player = await programme(operator, seats=7)

    found = []
    for new_year in ("2027-01-01", "2028-01-01", "2029-01-01"):
        await player.go_to(at(new_year))
        issued = await player.invoices()
        found.append(await statement(player, since=len(issued)))

    assert "\n".join(found) == of("""
        13. 1 Jan 2027: $501.00
           SUBSCRIPTION | Additional seats: 1 seat | 1 Jan 2027 - 31 Jan 2027 | $49.50
           SUBSCRIPTION | Early Stage: 6 seats and Proactive Support Plus | 1 Jan 2027 - 31 Jan 2027 | $451.50
        25. 1 Jan 2028: $751.50
           SUBSCRIPTION | Additional seats: 1 seat | 1 Jan 2028 - 31 Jan 2028 | $74.25
           SUBSCRIPTION | Early Stage: 6 seats and Proactive Support Plus | 1 Jan 2028 - 31 Jan 2028 | $677.25
        37. 1 Jan 2029: $792.00
           SUBSCRIPTION | Advanced: 7 seats | 1 Jan 2029 - 31 Jan 2029 | $693.00
           SUBSCRIPTION | Proactive Support Plus | 1 Jan 2029 - 31 Jan 2029 | $99.00
    """)

    changed = await do(player, "planChange", "subscription { plan }", plan="ESSENTIAL")
    assert changed["subscription"] == {"plan": "ESSENTIAL"}


async def test_the_plan_and_the_add_on_of_the_programme_cannot_be_changed(operator: Api) -> None:
    player = await programme(operator)

    answers = [
        await operator.do(mutation, "__typename", accountId=player.account_id, **more)
        for mutation, more in (("planChange", {"plan": "EXPERT"}), ("pspRemove", {}), ("pspAdd", {}))
    ]

    assert [answer["__typename"] for answer in answers] == ["BundledSeats"] * 3


async def test_the_programme_can_be_cancelled_with_its_month(operator: Api) -> None:
    player = await programme(operator)
    await player.go_to(at("2026-01-10"))

    await do(player, "subscriptionCancel")
    await player.go_to(at("2026-04-02"))

    assert await subscription(player) is None
    assert len(await player.invoices()) == 1
