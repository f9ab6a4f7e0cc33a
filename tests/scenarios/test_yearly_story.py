"""Paying yearly (section 7), played through GraphQL: purchased seats, purchases, overage, the add-on and renewals."""

from __future__ import annotations

from tests.application import Api
from tests.scenarios.player import Player, Sent, cents
from tests.scenarios.statements import at, do, join, of, statement, subscription, team


async def year(api: Api, *, seats: int, start: str = "2026-01-01", psp: bool = False) -> Player:
    """Start a year of Advanced in which every purchased seat is held."""
    player = await team(api, seats=seats, since=start)
    await do(player, "yearlyStart", plan="ADVANCED", seats=seats, psp=psp)
    return player


async def test_three_seats_bought_four_days_into_the_year_cost_3026_47(operator: Api) -> None:
    player = await year(operator, seats=2, start="2024-04-25")
    await player.go_to(at("2024-04-29"))
    await do(player, "seatsBuy", seats=5)

    await player.go_to(at("2025-04-25"))

    assert await statement(player) == of("""
        1. 25 Apr 2024: $2,040.00
           SUBSCRIPTION | Advanced: 2 seats | 25 Apr 2024 - 24 Apr 2025 | $2,040.00
        2. 25 May 2024: $3,026.47
           PRORATIONS | Remaining time on Advanced: 5 seats | 29 Apr 2024 - 24 Apr 2025 | $5,044.11
           PRORATIONS | Unused time on 2 seats | 29 Apr 2024 - 24 Apr 2025 | -$2,017.64
        3. 25 Apr 2025: $5,100.00
           SUBSCRIPTION | Advanced: 5 seats | 25 Apr 2025 - 24 Apr 2026 | $5,100.00
    """)


async def test_seats_above_the_purchased_ones_are_overage_until_they_are_bought(operator: Api) -> None:
    player = await year(operator, seats=2)
    await player.go_to(at("2026-06-10"))
    await join(player, 1)
    await player.go_to(at("2026-06-15"))
    await join(player, 1)
    await player.go_to(at("2026-06-20"))
    await do(player, "seatsBuy", seats=3)

    await player.go_to(at("2026-07-02"))

    assert await statement(player, since=2) == of("""
        2. 1 Jul 2026: $630.73
           ADDITIONAL_USAGE | 1 seat above the purchased ones | 10 Jun 2026 - 14 Jun 2026 | $16.50
           ADDITIONAL_USAGE | 2 seats above the purchased ones | 15 Jun 2026 - 19 Jun 2026 | $33.00
           ADDITIONAL_USAGE | 1 seat above the purchased ones | 20 Jun 2026 - 30 Jun 2026 | $36.30
           PRORATIONS | Remaining time on Advanced: 3 seats | 20 Jun 2026 - 31 Dec 2026 | $1,634.79
           PRORATIONS | Unused time on 2 seats | 20 Jun 2026 - 31 Dec 2026 | -$1,089.86
    """)


async def test_the_add_on_added_on_10_august_costs_466_26_for_the_rest_of_the_year(operator: Api) -> None:
    player = await year(operator, seats=2)
    await player.go_to(at("2026-08-10"))
    await do(player, "pspAdd")

    await player.go_to(at("2027-01-01"))

    assert await statement(player, since=2) == of("""
        2. 1 Sep 2026: $466.26
           PRORATIONS | Proactive Support Plus | 10 Aug 2026 - 31 Dec 2026 | $466.26
        3. 1 Jan 2027: $3,228.00
           SUBSCRIPTION | Advanced: 2 seats | 1 Jan 2027 - 31 Dec 2027 | $2,040.00
           SUBSCRIPTION | Proactive Support Plus | 1 Jan 2027 - 31 Dec 2027 | $1,188.00
    """)


async def test_the_add_on_added_as_a_month_opens_costs_the_months_left(operator: Api) -> None:
    player = await year(operator, seats=2)
    await player.go_to(at("2026-08-01"))
    await do(player, "pspAdd")

    await player.go_to(at("2026-09-02"))

    assert await statement(player, since=2) == of("""
        2. 1 Sep 2026: $495.00
           PRORATIONS | Proactive Support Plus | 1 Aug 2026 - 31 Dec 2026 | $495.00
    """)


async def test_a_month_without_usage_or_changes_brings_no_invoice(operator: Api) -> None:
    player = await year(operator, seats=2)
    await player.go_to(at("2026-03-10"))
    await player.use([Sent("emails", "BULK_EMAIL", 1_000, player.now)])

    await player.go_to(at("2026-06-02"))

    assert await statement(player, since=2) == of("""
        2. 1 Apr 2026: $35.00
           ADDITIONAL_USAGE | Bulk emails | 1 Mar 2026 - 31 Mar 2026 | $35.00
    """)


async def test_the_renewal_day_brings_the_last_months_usage_first_and_then_the_term(operator: Api) -> None:
    player = await year(operator, seats=2, psp=True)
    await player.go_to(at("2026-12-30"))
    await join(player, 1)
    await player.use([Sent("posts", "MESSAGES_SENT", 3_000, player.now)])

    await player.go_to(at("2027-01-01"))

    assert await statement(player) == of("""
        1. 1 Jan 2026: $3,228.00
           SUBSCRIPTION | Advanced: 2 seats | 1 Jan 2026 - 31 Dec 2026 | $2,040.00
           SUBSCRIPTION | Proactive Support Plus | 1 Jan 2026 - 31 Dec 2026 | $1,188.00
        2. 1 Jan 2027: $151.39
           ADDITIONAL_USAGE | Messages Sent | 1 Dec 2026 - 31 Dec 2026 | $145.00
           ADDITIONAL_USAGE | 1 seat above the purchased ones | 30 Dec 2026 - 31 Dec 2026 | $6.39
        3. 1 Jan 2027: $3,228.00
           SUBSCRIPTION | Advanced: 2 seats | 1 Jan 2027 - 31 Dec 2027 | $2,040.00
           SUBSCRIPTION | Proactive Support Plus | 1 Jan 2027 - 31 Dec 2027 | $1,188.00
    """)


async def test_a_purchase_can_be_invoiced_at_once_and_is_not_billed_again(operator: Api) -> None:
    player = await year(operator, seats=2, start="2024-04-25")
    await player.go_to(at("2024-04-29"))

    bought = await do(player, "seatsBuy", "invoices { number total { amount } }", seats=5, invoiceNow=True)
    await player.go_to(at("2024-06-26"))

    assert bought["invoices"] == [{"number": 2, "total": {"amount": "3026.47"}}]
    assert await statement(player, since=2) == of("""
        2. 29 Apr 2024: $3,026.47
           PRORATIONS | Remaining time on Advanced: 5 seats | 29 Apr 2024 - 24 Apr 2025 | $5,044.11
           PRORATIONS | Unused time on 2 seats | 29 Apr 2024 - 24 Apr 2025 | -$2,017.64
    """)


async def test_an_invoice_of_a_change_takes_that_change_only(operator: Api) -> None:
    player = await year(operator, seats=2)
    await player.go_to(at("2026-08-03"))
    await player.use([Sent("emails", "BULK_EMAIL", 1_000, player.now)])
    await do(player, "seatsBuy", seats=3)
    await player.go_to(at("2026-08-10"))
    await do(player, "pspAdd", invoiceNow=True)

    await player.go_to(at("2026-09-02"))

    assert await statement(player, since=2) == of("""
        2. 10 Aug 2026: $466.26
           PRORATIONS | Proactive Support Plus | 10 Aug 2026 - 31 Dec 2026 | $466.26
        3. 1 Sep 2026: $456.97
           ADDITIONAL_USAGE | Bulk emails | 1 Aug 2026 - 31 Aug 2026 | $35.00
           PRORATIONS | Remaining time on Advanced: 3 seats | 3 Aug 2026 - 31 Dec 2026 | $1,265.92
           PRORATIONS | Unused time on 2 seats | 3 Aug 2026 - 31 Dec 2026 | -$843.95
    """)


async def test_two_purchases_of_one_day_invoiced_at_once_come_to_one_change(operator: Api) -> None:
    player = await year(operator, seats=2)
    await player.go_to(at("2026-07-02"))

    await do(player, "seatsBuy", seats=3, invoiceNow=True)
    await do(player, "seatsBuy", seats=4, invoiceNow=True)
    await do(player, "planChange", plan="EXPERT", invoiceNow=True)
    await player.go_to(at("2026-08-02"))

    # Four seats of Expert less the two of Advanced, both for 183 of 365 days.
    billed = sum(cents(invoice["total"]) for invoice in (await player.invoices())[1:])
    assert billed == 3_176_68 - 1_022_79
    assert len(await player.invoices()) == 4


async def test_an_upgrade_is_a_pair_over_the_days_left_of_the_term(operator: Api) -> None:
    player = await year(operator, seats=2)
    await player.go_to(at("2026-08-09"))

    await do(player, "planChange", plan="EXPERT")
    await player.go_to(at("2026-09-02"))

    assert await statement(player, since=2) == of("""
        2. 1 Sep 2026: $448.11
           PRORATIONS | Remaining time on Expert: 2 seats | 9 Aug 2026 - 31 Dec 2026 | $1,258.52
           PRORATIONS | Unused time on 2 seats | 9 Aug 2026 - 31 Dec 2026 | -$810.41
    """)


async def test_what_is_set_for_the_renewal_is_visible_and_changes_nothing_before_it(operator: Api) -> None:
    player = await year(operator, seats=5, psp=True)
    before = await subscription(player)

    await do(player, "renewalSet", seats=3, plan="ESSENTIAL", psp=False)
    after = await subscription(player)

    assert before["renewal"] is None
    assert after["renewal"] == {
        "renewsOn": "2027-01-01",
        "seats": 3,
        "plan": "ESSENTIAL",
        "psp": False,
        "monthly": False,
    }
    unchanged = ("plan", "purchasedSeats", "billing", "term", "endsOn", "liteSeatsIncluded")
    assert {name: after[name] for name in unchanged} == {name: before[name] for name in unchanged}
    assert after["nextInvoice"] == {"invoiceOn": "2027-01-01", "total": {"amount": "1044.00"}}


async def test_a_renewal_takes_fewer_seats_a_smaller_plan_and_no_add_on_the_rest_is_overage(
    operator: Api,
) -> None:
    player = await year(operator, seats=5, psp=True)
    await do(player, "renewalSet", seats=3, plan="ESSENTIAL", psp=False)

    await player.go_to(at("2027-02-02"))
    renewed = await subscription(player)

    assert await statement(player, since=2) == of("""
        2. 1 Jan 2027: $1,044.00
           SUBSCRIPTION | Essential: 3 seats | 1 Jan 2027 - 31 Dec 2027 | $1,044.00
        3. 1 Feb 2027: $78.00
           ADDITIONAL_USAGE | 2 seats above the purchased ones | 1 Jan 2027 - 31 Jan 2027 | $78.00
    """)
    assert (renewed["plan"], renewed["purchasedSeats"], renewed["psp"]) == ("ESSENTIAL", 3, None)
    assert renewed["renewal"] is None


async def test_what_is_set_for_the_renewal_can_be_replaced(operator: Api) -> None:
    player = await year(operator, seats=5)
    await do(player, "renewalSet", seats=3, plan="ESSENTIAL")

    await do(player, "renewalSet", seats=4)
    await player.go_to(at("2027-01-02"))

    assert await statement(player, since=2) == of("""
        2. 1 Jan 2027: $4,080.00
           SUBSCRIPTION | Advanced: 4 seats | 1 Jan 2027 - 31 Dec 2027 | $4,080.00
    """)


async def test_what_is_set_for_the_renewal_can_be_taken_back_until_then(operator: Api) -> None:
    player = await year(operator, seats=5)
    await do(player, "renewalSet", seats=3, plan="ESSENTIAL")
    await player.go_to(at("2026-12-31", 23))

    await do(player, "renewalSet")
    taken_back = (await subscription(player))["renewal"]
    await player.go_to(at("2027-01-02"))

    assert taken_back is None
    assert await statement(player, since=2) == of("""
        2. 1 Jan 2027: $5,100.00
           SUBSCRIPTION | Advanced: 5 seats | 1 Jan 2027 - 31 Dec 2027 | $5,100.00
    """)


async def test_later_purchases_do_not_change_the_number_set_for_the_renewal(operator: Api) -> None:
    player = await year(operator, seats=5)
    await do(player, "renewalSet", seats=3)
    await player.go_to(at("2026-10-01"))

    await do(player, "seatsBuy", seats=6)
    bought = (await subscription(player))["purchasedSeats"]
    await player.go_to(at("2027-01-02"))

    assert bought == 6
    assert (await statement(player)).endswith("Advanced: 3 seats | 1 Jan 2027 - 31 Dec 2027 | $3,060.00")


async def test_fewer_seats_set_for_the_renewal_do_not_make_a_purchase_of_those_there_are(
    operator: Api,
) -> None:
    player = await year(operator, seats=5)
    await do(player, "renewalSet", seats=3)

    refused = await operator.do("seatsBuy", "__typename", accountId=player.account_id, seats=4)

    assert refused["__typename"] == "NotAPurchase"
    assert "5 seats are purchased" in refused["message"]


async def test_the_add_on_set_to_end_is_active_until_the_renewal(operator: Api) -> None:
    player = await year(operator, seats=2, psp=True)
    await do(player, "renewalSet", psp=False)

    refused = await operator.do("pspAdd", "__typename", accountId=player.account_id)

    assert (await subscription(player))["psp"] == {"endsOn": "2027-01-01"}
    assert refused["__typename"] == "PspAlreadyActive"


async def test_overage_of_the_last_day_of_a_term_is_not_turned_into_a_purchase(operator: Api) -> None:
    player = await year(operator, seats=1)
    await player.go_to(at("2026-12-01"))
    await join(player, 1)

    await player.go_to(at("2027-02-02"))

    assert await statement(player, since=2) == of("""
        2. 1 Jan 2027: $99.00
           ADDITIONAL_USAGE | 1 seat above the purchased ones | 1 Dec 2026 - 31 Dec 2026 | $99.00
        3. 1 Jan 2027: $1,020.00
           SUBSCRIPTION | Advanced: 1 seat | 1 Jan 2027 - 31 Dec 2027 | $1,020.00
        4. 1 Feb 2027: $99.00
           ADDITIONAL_USAGE | 1 seat above the purchased ones | 1 Jan 2027 - 31 Jan 2027 | $99.00
    """)


async def test_a_smaller_plan_set_for_the_renewal_leaves_no_room_for_lite_seats_over_its_number(
    operator: Api,
) -> None:
    player = await year(operator, seats=1)
    await do(player, "renewalSet", plan="ESSENTIAL")

    refused = await operator.do(
        "teammateInvite",
        "__typename",
        workspaceId=player.workspace_id,
        name="Lee",
        email="lee@example.com",
        seat="LITE",
    )

    assert refused["__typename"] == "LiteSeatsExhausted"
    assert "Essential" in refused["message"]


async def test_a_renewal_on_a_bigger_plan_brings_its_lite_seats(operator: Api) -> None:
    player = await year(operator, seats=1)
    for number in range(20):
        await player.seat(f"lite-{number}", seat="LITE")
    await do(player, "renewalSet", plan="EXPERT")

    await player.go_to(at("2027-01-02"))
    await player.seat("one-lite-more", seat="LITE")

    assert (await subscription(player))["liteSeatsIncluded"] == 50
