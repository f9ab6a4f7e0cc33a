"""Contracts (section 8), played through GraphQL: commitments, what goes beyond them, amendments, renewals and ends."""

from __future__ import annotations

from typing import Any

import pytest

from tests.application import Api
from tests.scenarios.player import Player, Sent
from tests.scenarios.statements import at, do, join, of, statement, subscription, team

ADVANCED: dict[str, Any] = {"plan": "ADVANCED", "months": 12, "billingMonths": 1, "seats": 3}


async def signed(api: Api, *, held: int | None = None, start: str = "2026-01-01", **terms: Any) -> Player:
    """Sign a contract of a year; as many people work as seats are committed to, unless told."""
    agreed = {**ADVANCED, **terms}
    player = await team(api, seats=agreed["seats"] if held is None else held, since=start)
    await do(player, "contractSign", terms=agreed)
    return player


async def test_ten_seats_of_essential_paid_a_year_upfront(operator: Api) -> None:
    player = await signed(operator, plan="ESSENTIAL", seats=10, billingMonths=12)

    await player.go_to(at("2026-12-31"))

    assert await statement(player) == of("""
        1. 1 Jan 2026: $4,680.00
           SUBSCRIPTION | Essential: 10 seats committed | 1 Jan 2026 - 31 Dec 2026 | $4,680.00
    """)


async def test_usage_of_a_month_is_invoiced_as_the_next_one_opens(operator: Api) -> None:
    player = await signed(operator, billingMonths=12)
    await player.go_to(at("2026-08-10"))
    await player.use([Sent("emails", "BULK_EMAIL", 10_000, player.now)])

    await player.go_to(at("2026-09-02"))

    assert await statement(player) == of("""
        1. 1 Jan 2026: $3,564.00
           SUBSCRIPTION | Advanced: 3 seats committed | 1 Jan 2026 - 31 Dec 2026 | $3,564.00
        2. 1 Sep 2026: $254.00
           ADDITIONAL_USAGE | Bulk emails | 1 Aug 2026 - 31 Aug 2026 | $254.00
    """)


@pytest.mark.parametrize(
    ("accepted_on", "total", "in_arrears", "dates"),
    [
        ("2026-11-01", "$396.00", "$198.00", "1 Nov 2026 - 30 Nov 2026"),
        ("2026-11-10", "$336.60", "$138.60", "10 Nov 2026 - 30 Nov 2026"),
    ],
)
async def test_two_seats_more_are_additional_usage_in_arrears_and_then_ahead(
    operator: Api, accepted_on: str, total: str, in_arrears: str, dates: str
) -> None:
    player = await signed(operator, start="2026-10-01")
    await player.go_to(at(accepted_on))
    await join(player, 2)

    await player.go_to(at("2026-12-02"))

    assert await statement(player, since=2) == of(f"""
        2. 1 Nov 2026: $297.00
           SUBSCRIPTION | Advanced: 3 seats committed | 1 Nov 2026 - 30 Nov 2026 | $297.00
        3. 1 Dec 2026: {total}
           ADDITIONAL_USAGE | Remaining time on Advanced, above the commitment: 2 seats | {dates} | {in_arrears}
           ADDITIONAL_USAGE | Advanced, above the commitment: 2 seats | 1 Dec 2026 - 31 Dec 2026 | $198.00
        4. 1 Dec 2026: $297.00
           SUBSCRIPTION | Advanced: 3 seats committed | 1 Dec 2026 - 31 Dec 2026 | $297.00
    """)


async def test_seats_that_come_and_go_above_the_commitment(operator: Api) -> None:
    player = await signed(operator, start="2026-08-01")
    await player.go_to(at("2026-09-10"))
    await player.seat("fourth")
    await player.go_to(at("2026-09-15"))
    await player.seat("fifth")
    await player.go_to(at("2026-09-25"))
    await player.remove("fourth")
    await player.go_to(at("2026-10-11"))
    await player.remove("fifth")

    await player.go_to(at("2026-11-02"))

    assert await statement(player, since=3) == of("""
        3. 1 Oct 2026: $201.30
           ADDITIONAL_USAGE | Remaining time on Advanced, above the commitment: 1 seat | 10 Sep 2026 - 30 Sep 2026 | $69.30
           ADDITIONAL_USAGE | Remaining time on Advanced, above the commitment: 2 seats | 15 Sep 2026 - 30 Sep 2026 | $105.60
           ADDITIONAL_USAGE | Unused time on 1 seat | 15 Sep 2026 - 30 Sep 2026 | -$52.80
           ADDITIONAL_USAGE | Remaining time on Advanced, above the commitment: 1 seat | 25 Sep 2026 - 30 Sep 2026 | $19.80
           ADDITIONAL_USAGE | Unused time on 2 seats | 25 Sep 2026 - 30 Sep 2026 | -$39.60
           ADDITIONAL_USAGE | Advanced, above the commitment: 1 seat | 1 Oct 2026 - 31 Oct 2026 | $99.00
        4. 1 Oct 2026: $297.00
           SUBSCRIPTION | Advanced: 3 seats committed | 1 Oct 2026 - 31 Oct 2026 | $297.00
        5. 1 Nov 2026: -$67.06
           ADDITIONAL_USAGE | Unused time on 1 seat | 11 Oct 2026 - 31 Oct 2026 | -$67.06
        6. 1 Nov 2026: $297.00
           SUBSCRIPTION | Advanced: 3 seats committed | 1 Nov 2026 - 30 Nov 2026 | $297.00
    """)
    last = (await player.invoices())[-1]
    assert last["creditApplied"] == {"amount": "67.06"}
    assert sum(int(payment["amount"]["amount"].replace(".", "")) for payment in last["payments"]) == 229_94


async def test_seats_below_the_commitment_save_nothing(operator: Api) -> None:
    player = await signed(operator, held=1)

    await player.go_to(at("2026-02-02"))

    assert await statement(player, since=2) == of("""
        2. 1 Feb 2026: $297.00
           SUBSCRIPTION | Advanced: 3 seats committed | 1 Feb 2026 - 28 Feb 2026 | $297.00
    """)


@pytest.mark.parametrize(("sent", "billed"), [(3_000, "50.00"), (1_500, None), (2_000, None)])
async def test_messages_above_2000_committed_ones_cost_what_they_add(
    operator: Api, sent: int, billed: str | None
) -> None:
    usage = [{"metric": "MESSAGES_SENT", "units": 2_000}]
    player = await signed(operator, usage=usage, pspFrom="2026-01-01")
    await player.go_to(at("2026-01-20"))
    await player.use([Sent("posts", "MESSAGES_SENT", sent, player.now)])

    await player.go_to(at("2026-02-02"))

    invoices = (await player.invoices())[1:]
    assert [invoice["total"]["amount"] for invoice in invoices] == [
        *([billed] if billed else []),
        "491.00",
    ]
    assert await statement(player, since=len(invoices) + 1) == of(f"""
        {len(invoices) + 1}. 1 Feb 2026: $491.00
           SUBSCRIPTION | Advanced: 3 seats committed | 1 Feb 2026 - 28 Feb 2026 | $297.00
           SUBSCRIPTION | Messages Sent: 2,000 a month committed | 1 Feb 2026 - 28 Feb 2026 | $95.00
           SUBSCRIPTION | Proactive Support Plus | 1 Feb 2026 - 28 Feb 2026 | $99.00
    """)


async def test_the_add_on_of_a_contract_has_its_own_start(operator: Api) -> None:
    player = await signed(operator, billingMonths=12, pspFrom="2026-08-10")

    before = (await subscription(player))["psp"]
    await player.go_to(at("2026-08-10"))
    after = (await subscription(player))["psp"]

    assert (before, after) == (None, {"endsOn": None})
    assert await statement(player) == of("""
        1. 1 Jan 2026: $4,030.26
           SUBSCRIPTION | Advanced: 3 seats committed | 1 Jan 2026 - 31 Dec 2026 | $3,564.00
           SUBSCRIPTION | Proactive Support Plus | 10 Aug 2026 - 31 Dec 2026 | $466.26
    """)


async def test_a_quarter_is_billed_ahead_at_the_agreed_prices(operator: Api) -> None:
    usage = [{"metric": "BULK_EMAIL", "units": 1_000, "monthlyPrice": "30.00"}]
    player = await signed(operator, billingMonths=3, seatPrice="90.00", usage=usage)

    await player.go_to(at("2026-07-02"))

    assert await statement(player, since=2) == of("""
        2. 1 Apr 2026: $900.00
           SUBSCRIPTION | Advanced: 3 seats committed | 1 Apr 2026 - 30 Jun 2026 | $810.00
           SUBSCRIPTION | Bulk emails: 1,000 a month committed | 1 Apr 2026 - 30 Jun 2026 | $90.00
        3. 1 Jul 2026: $900.00
           SUBSCRIPTION | Advanced: 3 seats committed | 1 Jul 2026 - 30 Sep 2026 | $810.00
           SUBSCRIPTION | Bulk emails: 1,000 a month committed | 1 Jul 2026 - 30 Sep 2026 | $90.00
    """)


async def test_a_contract_shows_its_terms(operator: Api) -> None:
    usage = [{"metric": "BULK_EMAIL", "units": 1_000}]
    player = await signed(operator, billingMonths=3, usage=usage, pspFrom="2026-02-01", pspUntil="2026-05-01")

    shown = await subscription(player)

    assert shown["contract"] == {
        "months": 12,
        "billingMonths": 3,
        "seats": 3,
        "seatPrice": "99.00",
        "usage": [{"metric": "BULK_EMAIL", "units": 1_000, "monthlyPrice": "35.00"}],
        "pspFrom": "2026-02-01",
        "pspUntil": "2026-05-01",
    }
    assert (shown["billing"], shown["endsOn"]) == ("CONTRACT", None)
    assert shown["term"] == {"start": "2026-01-01", "end": "2027-01-01"}


async def test_amended_seats_are_a_pair_on_the_next_subscription_invoice(operator: Api) -> None:
    player = await signed(operator, billingMonths=3)
    await player.go_to(at("2026-02-15"))

    await do(player, "contractAmend", terms={**ADVANCED, "billingMonths": 3, "seats": 5})
    await player.go_to(at("2026-04-02"))

    # 45 of the quarter's 90 days are left on 15 February.
    assert await statement(player, since=2) == of("""
        2. 1 Apr 2026: $1,782.00
           PRORATIONS | Remaining time on Advanced, committed: 5 seats | 15 Feb 2026 - 31 Mar 2026 | $742.50
           PRORATIONS | Unused time on 3 seats | 15 Feb 2026 - 31 Mar 2026 | -$445.50
           SUBSCRIPTION | Advanced: 5 seats committed | 1 Apr 2026 - 30 Jun 2026 | $1,485.00
    """)


async def test_amended_usage_counts_from_the_next_usage_month(operator: Api) -> None:
    player = await signed(operator)
    await player.go_to(at("2026-02-15"))
    await player.use([Sent("in February", "BULK_EMAIL", 1_500, player.now)])

    usage = [{"metric": "BULK_EMAIL", "units": 1_000}]
    await do(player, "contractAmend", terms={**ADVANCED, "usage": usage})
    await player.go_to(at("2026-03-15"))
    await player.use([Sent("in March", "BULK_EMAIL", 1_500, player.now)])
    await player.go_to(at("2026-04-01"))

    assert await statement(player, since=3) == of("""
        3. 1 Mar 2026: $49.00
           ADDITIONAL_USAGE | Bulk emails | 1 Feb 2026 - 28 Feb 2026 | $49.00
        4. 1 Mar 2026: $332.00
           SUBSCRIPTION | Advanced: 3 seats committed | 1 Mar 2026 - 31 Mar 2026 | $297.00
           SUBSCRIPTION | Bulk emails: 1,000 a month committed | 1 Mar 2026 - 31 Mar 2026 | $35.00
        5. 1 Apr 2026: $14.00
           ADDITIONAL_USAGE | Bulk emails | 1 Mar 2026 - 31 Mar 2026 | $14.00
        6. 1 Apr 2026: $332.00
           SUBSCRIPTION | Advanced: 3 seats committed | 1 Apr 2026 - 30 Apr 2026 | $297.00
           SUBSCRIPTION | Bulk emails: 1,000 a month committed | 1 Apr 2026 - 30 Apr 2026 | $35.00
    """)


async def test_an_amendment_may_change_the_plan_and_what_it_includes(operator: Api) -> None:
    player = await signed(operator)

    amended = await do(
        player,
        "contractAmend",
        "subscription { plan liteSeatsIncluded contract { seatPrice } }",
        terms={**ADVANCED, "plan": "EXPERT"},
    )

    assert amended["subscription"] == {
        "plan": "EXPERT",
        "liteSeatsIncluded": 50,
        "contract": {"seatPrice": "139.00"},
    }


async def test_a_contract_renews_for_the_same_length(operator: Api) -> None:
    player = await signed(operator, months=3, billingMonths=3)

    await player.go_to(at("2026-04-02"))

    assert (await subscription(player))["term"] == {"start": "2026-04-01", "end": "2026-07-01"}
    assert await statement(player, since=2) == of("""
        2. 1 Apr 2026: $891.00
           SUBSCRIPTION | Advanced: 3 seats committed | 1 Apr 2026 - 30 Jun 2026 | $891.00
    """)


async def test_a_contract_that_was_ended_gets_one_final_invoice_of_both_streams(operator: Api) -> None:
    player = await signed(operator, months=3, billingMonths=3)
    await player.go_to(at("2026-03-16"))
    await player.seat("fourth")
    await player.use([Sent("emails", "BULK_EMAIL", 1_000, player.now)])
    await do(player, "contractAmend", terms={**ADVANCED, "months": 3, "billingMonths": 3, "seats": 4})

    ended = await do(player, "contractEnd", "subscription { endsOn }")
    await player.go_to(at("2026-06-02"))

    assert ended["subscription"] == {"endsOn": "2026-04-01"}
    assert await subscription(player) is None
    assert await statement(player, since=2) == of("""
        2. 1 Apr 2026: $87.80
           ADDITIONAL_USAGE | Bulk emails | 1 Mar 2026 - 31 Mar 2026 | $35.00
           PRORATIONS | Remaining time on Advanced, committed: 4 seats | 16 Mar 2026 - 31 Mar 2026 | $211.20
           PRORATIONS | Unused time on 3 seats | 16 Mar 2026 - 31 Mar 2026 | -$158.40
    """)


async def test_a_contract_over_a_yearly_subscription_gives_the_prepayment_back_on_one_invoice(
    operator: Api,
) -> None:
    player = await team(operator, seats=5, since="2026-01-01")
    await do(player, "yearlyStart", plan="ADVANCED", seats=5, psp=True)
    await player.go_to(at("2026-07-01"))

    await do(player, "contractSign", terms={**ADVANCED, "billingMonths": 3})
    await player.go_to(at("2026-08-02"))

    # 184 of 365 days are left of the year: of $5,100.00 for seats and of $1,188.00 for the add-on.
    assert await statement(player) == of("""
        1. 1 Jan 2026: $6,288.00
           SUBSCRIPTION | Advanced: 5 seats | 1 Jan 2026 - 31 Dec 2026 | $5,100.00
           SUBSCRIPTION | Proactive Support Plus | 1 Jan 2026 - 31 Dec 2026 | $1,188.00
        2. 1 Jul 2026: -$2,080.84
           ADDITIONAL_USAGE | Advanced, above the commitment: 2 seats | 1 Jul 2026 - 31 Jul 2026 | $198.00
           PRORATIONS | Unused time on 5 seats | 1 Jul 2026 - 31 Dec 2026 | -$2,570.96
           PRORATIONS | Unused time on Proactive Support Plus | 1 Jul 2026 - 31 Dec 2026 | -$598.88
           SUBSCRIPTION | Advanced: 3 seats committed | 1 Jul 2026 - 30 Sep 2026 | $891.00
        3. 1 Aug 2026: $198.00
           ADDITIONAL_USAGE | Advanced, above the commitment: 2 seats | 1 Aug 2026 - 31 Aug 2026 | $198.00
    """)


async def test_a_contract_over_a_monthly_subscription_cuts_the_month(operator: Api) -> None:
    player = await team(operator, seats=3, since="2026-09-01")
    await do(player, "subscriptionStart", plan="ADVANCED")
    await player.go_to(at("2026-09-16"))
    await player.use([Sent("emails", "BULK_EMAIL", 1_000, player.now)])

    await do(player, "contractSign", terms=ADVANCED)
    await player.go_to(at("2026-10-17"))

    assert await statement(player, since=2) == of("""
        2. 16 Sep 2026: $148.50
           PRORATIONS | Unused time on 3 seats | 16 Sep 2026 - 30 Sep 2026 | -$148.50
           SUBSCRIPTION | Advanced: 3 seats committed | 16 Sep 2026 - 15 Oct 2026 | $297.00
        3. 16 Oct 2026: $35.00
           ADDITIONAL_USAGE | Bulk emails | 16 Sep 2026 - 15 Oct 2026 | $35.00
        4. 16 Oct 2026: $297.00
           SUBSCRIPTION | Advanced: 3 seats committed | 16 Oct 2026 - 15 Nov 2026 | $297.00
    """)


async def test_a_contract_signed_again_on_its_first_day_replaces_the_first(operator: Api) -> None:
    player = await signed(operator)

    await do(player, "contractSign", terms={**ADVANCED, "billingMonths": 12})
    await player.go_to(at("2026-02-02"))

    assert await statement(player, since=2) == of("""
        2. 1 Jan 2026: $3,267.00
           SUBSCRIPTION | Advanced: 3 seats committed | 1 Jan 2026 - 31 Dec 2026 | $3,564.00
           SUBSCRIPTION | Adjustment: Advanced: 3 seats committed | 1 Jan 2026 - 31 Jan 2026 | -$297.00
    """)


async def test_a_customer_is_told_to_contact_the_account_manager(operator: Api) -> None:
    player = await signed(operator)

    refused = await operator.do("subscriptionCancel", "__typename", accountId=player.account_id)

    assert refused == {
        "__typename": "ContractManaged",
        "message": "This account has a contract: contact your account manager to change it.",
    }


@pytest.mark.parametrize(
    "terms",
    [
        {"seats": 2**31 - 1, "seatPrice": "1000000.01"},
        {"seatPrice": "-1.00"},
        {"seats": -1},
        {"months": 0},
        {"months": 2**31 - 1},
        {"billingMonths": 0},
        {"pspUntil": "2026-05-01"},
        {"pspFrom": "2025-12-31"},
        {"usage": [{"metric": "BULK_EMAIL", "units": 0}]},
        {"usage": [{"metric": "BULK_EMAIL", "units": 1}] * 2},
        {"usage": [{"metric": "BULK_EMAIL", "units": 1, "monthlyPrice": "99999999999.00"}]},
    ],
    ids=str,
)
async def test_terms_that_make_no_sense_are_refused(operator: Api, terms: dict[str, Any]) -> None:
    player = await team(operator, seats=1, since="2026-01-01")

    refused = await operator.do(
        "contractSign", "__typename", accountId=player.account_id, terms={**ADVANCED, **terms}
    )

    assert refused["__typename"] == "BadContractTerms"
    assert await player.invoices() == []
