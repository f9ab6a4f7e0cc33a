"""Moving between ways to pay and leaving (section 10), played through GraphQL: switches, ends, returns, late facts."""

from __future__ import annotations

from tests.application import Api
from tests.scenarios.player import Player, Sent
from tests.scenarios.statements import at, do, join, of, statement, subscription, team


async def month(
    api: Api, *, seats: int = 1, start: str = "2026-09-01", plan: str = "ESSENTIAL", psp: bool = False
) -> Player:
    """Start paying monthly."""
    player = await team(api, seats=seats, since=start)
    await do(player, "subscriptionStart", plan=plan, psp=psp)
    return player


async def test_six_seats_switched_to_yearly_on_20_october_cost_1997_42(operator: Api) -> None:
    player = await month(operator, seats=6, start="2026-10-01")
    await player.go_to(at("2026-10-20"))

    switched = await do(
        player,
        "yearlyStart",
        "subscription { billing anchorOn purchasedSeats term { start end } } invoices { number total { amount } }",
        plan="ESSENTIAL",
        seats=6,
    )
    await player.go_to(at("2026-12-21"))

    assert switched["subscription"] == {
        "billing": "YEARLY",
        "anchorOn": "2026-10-20",
        "purchasedSeats": 6,
        "term": {"start": "2026-10-20", "end": "2027-10-20"},
    }
    assert switched["invoices"] == [{"number": 2, "total": {"amount": "1997.42"}}]
    assert await statement(player) == of("""
        1. 1 Oct 2026: $234.00
           SUBSCRIPTION | Essential: 6 seats | 1 Oct 2026 - 31 Oct 2026 | $234.00
        2. 20 Oct 2026: $1,997.42
           PRORATIONS | Unused time on 6 seats | 20 Oct 2026 - 31 Oct 2026 | -$90.58
           SUBSCRIPTION | Essential: 6 seats | 20 Oct 2026 - 19 Oct 2027 | $2,088.00
    """)


async def test_a_switch_invoices_usage_and_prorations_so_far_and_begins_the_tiers_anew(operator: Api) -> None:
    player = await month(operator, seats=1, start="2026-09-01", plan="ADVANCED", psp=True)
    await player.go_to(at("2026-09-11"))
    await join(player, 1)
    await player.use([Sent("before", "MESSAGES_SENT", 1_000, player.now)])
    await player.go_to(at("2026-09-21"))

    await do(player, "yearlyStart", plan="ADVANCED", seats=2, psp=True)
    await player.use([Sent("after", "MESSAGES_SENT", 1_000, player.now)])
    await player.go_to(at("2026-10-22"))

    assert await statement(player, since=2) == of("""
        2. 21 Sep 2026: $3,230.00
           ADDITIONAL_USAGE | Messages Sent | 1 Sep 2026 - 20 Sep 2026 | $35.00
           PRORATIONS | Remaining time on Advanced: 2 seats | 11 Sep 2026 - 30 Sep 2026 | $132.00
           PRORATIONS | Unused time on 1 seat | 11 Sep 2026 - 30 Sep 2026 | -$66.00
           PRORATIONS | Unused time on 2 seats | 21 Sep 2026 - 30 Sep 2026 | -$66.00
           PRORATIONS | Unused time on Proactive Support Plus | 21 Sep 2026 - 30 Sep 2026 | -$33.00
           SUBSCRIPTION | Advanced: 2 seats | 21 Sep 2026 - 20 Sep 2027 | $2,040.00
           SUBSCRIPTION | Proactive Support Plus | 21 Sep 2026 - 20 Sep 2027 | $1,188.00
        3. 21 Oct 2026: $35.00
           ADDITIONAL_USAGE | Messages Sent | 21 Sep 2026 - 20 Oct 2026 | $35.00
    """)


async def test_a_switch_on_the_day_a_month_opened_gives_that_month_back(operator: Api) -> None:
    player = await month(operator, seats=2)
    await player.go_to(at("2026-10-01"))

    await do(player, "yearlyStart", plan="ESSENTIAL", seats=2)
    await player.go_to(at("2026-11-02"))

    assert await statement(player, since=2) == of("""
        2. 1 Oct 2026: $78.00
           SUBSCRIPTION | Essential: 2 seats | 1 Oct 2026 - 31 Oct 2026 | $78.00
        3. 1 Oct 2026: $618.00
           PRORATIONS | Unused time on 2 seats | 1 Oct 2026 - 31 Oct 2026 | -$78.00
           SUBSCRIPTION | Essential: 2 seats | 1 Oct 2026 - 30 Sep 2027 | $696.00
    """)


async def test_a_switch_right_after_the_start_gives_the_month_back(operator: Api) -> None:
    player = await month(operator, seats=2)

    await do(player, "yearlyStart", plan="ESSENTIAL", seats=2)
    await player.go_to(at("2026-10-02"))

    assert await statement(player) == of("""
        1. 1 Sep 2026: $78.00
           SUBSCRIPTION | Essential: 2 seats | 1 Sep 2026 - 30 Sep 2026 | $78.00
        2. 1 Sep 2026: $618.00
           PRORATIONS | Unused time on 2 seats | 1 Sep 2026 - 30 Sep 2026 | -$78.00
           SUBSCRIPTION | Essential: 2 seats | 1 Sep 2026 - 31 Aug 2027 | $696.00
    """)


async def test_usage_from_before_a_switch_that_arrives_late_belongs_to_the_part_before(operator: Api) -> None:
    player = await month(operator, start="2026-10-01")
    await player.go_to(at("2026-10-10"))
    await player.use([Sent("in time", "BULK_EMAIL", 500, player.now)])
    await player.go_to(at("2026-10-20"))
    await do(player, "yearlyStart", plan="ESSENTIAL", seats=1)
    await player.go_to(at("2026-10-25"))

    await player.use([Sent("late", "BULK_EMAIL", 500, at("2026-10-10"))])
    await player.go_to(at("2026-11-21"))

    assert await statement(player, since=3) == of("""
        3. 20 Nov 2026: $15.00
           ADDITIONAL_USAGE | Adjustment: Bulk emails | 1 Oct 2026 - 19 Oct 2026 | $15.00
    """)


async def test_yearly_becomes_monthly_as_the_term_renews(operator: Api) -> None:
    player = await team(operator, seats=5, since="2026-01-01")
    await do(player, "yearlyStart", plan="ADVANCED", seats=5, psp=True)
    await player.go_to(at("2026-02-01"))

    await do(player, "renewalSet", monthly=True)
    scheduled = await subscription(player)
    await player.go_to(at("2027-02-02"))
    renewed = await subscription(player)

    assert (scheduled["billing"], scheduled["endsOn"]) == ("YEARLY", None)
    assert scheduled["renewal"]["monthly"] is True
    assert (renewed["billing"], renewed["purchasedSeats"], renewed["renewal"]) == ("MONTHLY", None, None)
    assert await statement(player, since=2) == of("""
        2. 1 Jan 2027: $594.00
           SUBSCRIPTION | Advanced: 5 seats | 1 Jan 2027 - 31 Jan 2027 | $495.00
           SUBSCRIPTION | Proactive Support Plus | 1 Jan 2027 - 31 Jan 2027 | $99.00
        3. 1 Feb 2027: $594.00
           SUBSCRIPTION | Advanced: 5 seats | 1 Feb 2027 - 28 Feb 2027 | $495.00
           SUBSCRIPTION | Proactive Support Plus | 1 Feb 2027 - 28 Feb 2027 | $99.00
    """)


async def test_a_cancelled_month_ends_with_a_final_invoice_of_usage_and_prorations(operator: Api) -> None:
    player = await month(operator)
    await player.go_to(at("2026-09-10"))
    await player.use([Sent("emails", "BULK_EMAIL", 500, player.now)])

    cancelled = await do(player, "subscriptionCancel", "subscription { endsOn nextInvoice { invoiceOn } }")
    await player.go_to(at("2026-09-16"))
    await join(player, 1)
    await player.go_to(at("2026-12-02"))

    assert cancelled["subscription"] == {
        "endsOn": "2026-10-01",
        "nextInvoice": {"invoiceOn": "2026-10-01"},
    }
    assert await subscription(player) is None
    assert await statement(player, since=2) == of("""
        2. 1 Oct 2026: $39.50
           ADDITIONAL_USAGE | Bulk emails | 1 Sep 2026 - 30 Sep 2026 | $20.00
           PRORATIONS | Remaining time on Essential: 2 seats | 16 Sep 2026 - 30 Sep 2026 | $39.00
           PRORATIONS | Unused time on 1 seat | 16 Sep 2026 - 30 Sep 2026 | -$19.50
    """)


async def test_a_cancelled_month_of_which_nothing_is_left_to_bill_brings_no_invoice(operator: Api) -> None:
    player = await month(operator)

    await do(player, "subscriptionCancel")
    await player.go_to(at("2026-12-02"))

    assert len(await player.invoices()) == 1


async def test_a_cancellation_can_be_taken_back_until_its_day(operator: Api) -> None:
    player = await month(operator)
    await do(player, "subscriptionCancel")
    await player.go_to(at("2026-09-30", 23))

    resumed = await do(player, "subscriptionResume", "subscription { endsOn }")
    await player.go_to(at("2026-10-02"))

    assert resumed["subscription"] == {"endsOn": None}
    assert await statement(player, since=2) == of("""
        2. 1 Oct 2026: $39.00
           SUBSCRIPTION | Essential: 1 seat | 1 Oct 2026 - 31 Oct 2026 | $39.00
    """)


async def test_a_cancelled_year_runs_to_its_end_without_a_refund(operator: Api) -> None:
    player = await team(operator, seats=2, since="2026-01-01")
    await do(player, "yearlyStart", plan="ADVANCED", seats=2)
    await player.go_to(at("2026-03-01"))
    await do(player, "subscriptionCancel")
    await player.go_to(at("2026-12-10"))
    running = await subscription(player)
    await join(player, 1)

    await player.go_to(at("2027-03-02"))

    assert (running["endsOn"], running["plan"]) == ("2027-01-01", "ADVANCED")
    assert await subscription(player) is None
    assert await statement(player, since=2) == of("""
        2. 1 Jan 2027: $70.26
           ADDITIONAL_USAGE | 1 seat above the purchased ones | 10 Dec 2026 - 31 Dec 2026 | $70.26
    """)


async def test_what_was_set_for_the_renewal_does_not_outlive_a_cancellation(operator: Api) -> None:
    player = await team(operator, seats=2, since="2026-01-01")
    await do(player, "yearlyStart", plan="ADVANCED", seats=2)
    await do(player, "renewalSet", monthly=True)
    await do(player, "subscriptionCancel")

    await player.go_to(at("2027-02-02"))

    assert await subscription(player) is None
    assert len(await player.invoices()) == 1


async def test_facts_that_arrive_after_the_end_make_one_more_invoice_on_the_next_anchor_day(
    operator: Api,
) -> None:
    player = await month(operator)
    await do(player, "subscriptionCancel")
    await player.go_to(at("2026-10-03"))

    await player.use([Sent("late", "BULK_EMAIL", 500, at("2026-09-10"))])
    await player.go_to(at("2026-10-20"))
    await player.use([Sent("later", "BULK_EMAIL", 500, at("2026-09-20"))])
    await player.go_to(at("2026-10-31"))
    before = await statement(player, since=2)
    await player.go_to(at("2027-01-02"))

    assert before == ""
    assert await statement(player, since=2) == of("""
        2. 1 Nov 2026: $35.00
           ADDITIONAL_USAGE | Bulk emails | 1 Sep 2026 - 30 Sep 2026 | $35.00
    """)


async def test_usage_of_an_earlier_month_taken_back_after_the_end_is_credited_on_the_next_anchor_day(
    operator: Api,
) -> None:
    player = await month(operator, start="2026-07-01")
    await player.go_to(at("2026-07-20"))
    await player.use([Sent("emails", "BULK_EMAIL", 500, player.now)])
    await player.go_to(at("2026-09-10"))
    await do(player, "subscriptionCancel")
    await player.go_to(at("2026-10-10"))

    await player.take_back("emails")
    await player.go_to(at("2026-10-31"))
    before = len(await player.invoices())
    await player.go_to(at("2026-12-02"))

    assert before == 3
    assert await statement(player, since=4) == of("""
        4. 1 Nov 2026: -$20.00
           ADDITIONAL_USAGE | Adjustment: Bulk emails | 1 Jul 2026 - 31 Jul 2026 | -$20.00
    """)


async def test_coming_back_is_a_new_subscription_that_late_facts_of_the_old_one_do_not_touch(
    operator: Api,
) -> None:
    player = await month(operator)
    await do(player, "subscriptionCancel")
    await player.go_to(at("2026-10-05"))
    await do(player, "subscriptionStart", plan="ADVANCED")

    await player.use([Sent("late", "BULK_EMAIL", 500, at("2026-09-10"))])
    await player.go_to(at("2026-11-06"))

    assert (await subscription(player))["anchorOn"] == "2026-10-05"
    assert await statement(player, since=2) == of("""
        2. 5 Oct 2026: $99.00
           SUBSCRIPTION | Advanced: 1 seat | 5 Oct 2026 - 4 Nov 2026 | $99.00
        3. 1 Nov 2026: $20.00
           ADDITIONAL_USAGE | Bulk emails | 1 Sep 2026 - 30 Sep 2026 | $20.00
        4. 5 Nov 2026: $99.00
           SUBSCRIPTION | Advanced: 1 seat | 5 Nov 2026 - 4 Dec 2026 | $99.00
    """)


async def test_a_trial_can_become_yearly(operator: Api) -> None:
    player = await team(operator, seats=2, since="2026-09-01")
    await do(player, "trialStart", plan="EXPERT")
    await player.go_to(at("2026-09-04"))
    await player.use([Sent("free", "BULK_EMAIL", 400, player.now)])
    await player.go_to(at("2026-09-05"))

    await do(player, "yearlyStart", plan="ADVANCED", seats=2)
    await player.go_to(at("2026-10-06"))

    assert await statement(player) == of("""
        1. 5 Sep 2026: $2,040.00
           SUBSCRIPTION | Advanced: 2 seats | 5 Sep 2026 - 4 Sep 2027 | $2,040.00
    """)


async def test_a_scheduled_smaller_plan_of_a_trial_leaves_no_room_for_lite_seats(operator: Api) -> None:
    player = await team(operator, seats=1, since="2026-09-01")
    await do(player, "trialStart", plan="ADVANCED")
    await do(player, "trialConvert", plan="ESSENTIAL")

    refused = await operator.do(
        "teammateInvite",
        "__typename",
        workspaceId=player.workspace_id,
        name="Lee",
        email="lee@example.com",
        seat="LITE",
    )

    assert refused["__typename"] == "LiteSeatsExhausted"
