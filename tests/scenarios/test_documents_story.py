"""Invoices as files, read back as a finance team gets them: every word of three PDFs, and the lines as CSV."""

from __future__ import annotations

from datetime import timedelta

from tests.application import Api
from tests.scenarios.papers import cells, collected, fetch, of, paper, path_of
from tests.scenarios.player import Player, Sent
from tests.scenarios.statements import at, do, join, team

FOOT = (
    "Each amount is rounded once, on its line; the total is the sum of the lines. "
    "Dates are days in the time zone UTC, first and last day included."
)


async def september(api: Api, *, token: str | None = "tok_visa") -> Player:
    """Start Essential with the add-on on 1 September, with one seat, and let the first invoice be charged."""
    player = await team(api, seats=1, since="2026-09-01")
    if token != "tok_visa":
        await do(player, "paymentMethodSet", token=token)
    await do(player, "subscriptionStart", plan="ESSENTIAL", psp=True)
    await collected(player)
    return player


async def october(api: Api) -> Player:
    """Forgive $10 of it, let five more people accept on 15 September and send, and come to 1 October."""
    player = await september(api)
    (first,) = await player.invoices()
    await player.do("creditNoteCreate", invoiceId=first["id"], amount="10.00", reason="Goodwill")
    await player.go_to(at("2026-09-15"))
    await join(player, 5)
    events = [
        Sent("posts", "MESSAGES_SENT", 3_000, player.now),
        Sent("emails", "BULK_EMAIL", 1_200, player.now),
    ]
    await player.use(events)
    await player.go_to(at("2026-10-01"))
    return player


async def test_a_first_invoice_on_paper(operator: Api) -> None:
    player = await september(operator)

    assert await paper(player, 1) == of(f"""
        Prorata Invoice 1
        BILL TO
        Acme
        Invoice number 1
        Invoice date 1 Sep 2026
        Billing period 1 Sep 2026 - 30 Sep 2026
        Status Paid
        Currency US dollars (USD)
        Paid on 1 Sep 2026
        Subscription $138.00
        Total $138.00
        Payment, 1 Sep 2026, Visa ending 4242 -$138.00
        Amount due $0.00
        Subscription $138.00
        DESCRIPTION DATES OF SERVICE QUANTITY UNIT PRICE AMOUNT
        Essential: 1 seat 1 Sep 2026 - 30 Sep 2026 1 $39.00 $39.00
        1 seat x $39.00 = $39.00
        Proactive Support Plus 1 Sep 2026 - 30 Sep 2026 1 $99.00 $99.00
        1 x $99.00 = $99.00
        {FOOT}
        Invoice 1 Page 1 of 1
    """)


async def test_a_month_with_tiers_a_proration_pair_and_credit_on_paper(operator: Api) -> None:
    player = await october(operator)

    assert await paper(player, 2) == of(f"""
        Prorata Invoice 2
        BILL TO
        Acme
        Invoice number 2
        Invoice date 1 Oct 2026
        Billing period 1 Sep 2026 - 30 Sep 2026
        Status Paid
        Currency US dollars (USD)
        Paid on 1 Oct 2026
        Additional usage $185.60
        Subscription: Prorations $104.00
        Subscription $333.00
        Total $622.60
        Paid from credit balance -$10.00
        Payment, 1 Oct 2026, Visa ending 4242 -$612.60
        Amount due $0.00
        Additional usage $185.60
        DESCRIPTION DATES OF SERVICE QUANTITY UNIT PRICE AMOUNT
        Messages Sent 1 Sep 2026 - 30 Sep 2026 3,000 $145.00
        Units 1 to 500 500 $0.00 $0.00
        Units 501 to 1,000 500 $0.07 $35.00
        Units 1,001 to 2,000 1,000 $0.06 $60.00
        Units 2,001 to 3,000 1,000 $0.05 $50.00
        500 x $0.00 + 500 x $0.07 + 1,000 x $0.06 + 1,000 x $0.05 = $145.00
        Bulk emails 1 Sep 2026 - 30 Sep 2026 1,200 $40.60
        Units 1 to 500 500 $0.04 $20.00
        Units 501 to 1,000 500 $0.03 $15.00
        Units 1,001 to 4,000 200 $0.028 $5.60
        500 x $0.04 + 500 x $0.03 + 200 x $0.028 = $40.60
        Subscription: Prorations $104.00
        DESCRIPTION DATES OF SERVICE QUANTITY UNIT PRICE AMOUNT
        Remaining time on Essential: 6 seats
        from 15 Sep 2026
        15 Sep 2026 - 30 Sep 2026 6 $39.00 $124.80
        6 seats x $39.00 x 16/30 days = $124.80
        Unused time on 1 seat from 15 Sep 2026 15 Sep 2026 - 30 Sep 2026 -1 $39.00 -$20.80
        -1 seat x $39.00 x 16/30 days = -$20.80
        Net of this change 15 Sep 2026 - 30 Sep 2026 5 $104.00
        Subscription $333.00
        DESCRIPTION DATES OF SERVICE QUANTITY UNIT PRICE AMOUNT
        Essential: 6 seats 1 Oct 2026 - 31 Oct 2026 6 $39.00 $234.00
        6 seats x $39.00 = $234.00
        Proactive Support Plus 1 Oct 2026 - 31 Oct 2026 1 $99.00 $99.00
        1 x $99.00 = $99.00
        {FOOT}
        Invoice 2 Page 1 of 1
    """)


async def test_a_year_and_its_changes_on_paper(operator: Api) -> None:
    player = await team(operator, seats=2, since="2024-04-25")
    await do(player, "yearlyStart", plan="ADVANCED", seats=2, psp=True)
    await collected(player)
    await player.go_to(at("2024-04-29"))
    await do(player, "seatsBuy", seats=5)
    await player.go_to(at("2024-05-25"))

    assert await paper(player, 1) == of(f"""
        Prorata Invoice 1
        BILL TO
        Acme
        Invoice number 1
        Invoice date 25 Apr 2024
        Billing period 25 Apr 2024 - 24 May 2024
        Status Paid
        Currency US dollars (USD)
        Paid on 25 Apr 2024
        Subscription $3,228.00
        Total $3,228.00
        Payment, 25 Apr 2024, Visa ending 4242 -$3,228.00
        Amount due $0.00
        Subscription $3,228.00
        DESCRIPTION DATES OF SERVICE QUANTITY UNIT PRICE AMOUNT
        Advanced: 2 seats 25 Apr 2024 - 24 Apr 2025 2 $1,020.00 $2,040.00
        2 seats x $1,020.00 = $2,040.00
        Proactive Support Plus 25 Apr 2024 - 24 Apr 2025 1 $1,188.00 $1,188.00
        1 x $1,188.00 = $1,188.00
        {FOOT}
        Invoice 1 Page 1 of 1
    """)
    second = await paper(player, 2)
    assert "\nProrated Usage $3,026.47\n" in second
    assert "\nNet of this change 29 Apr 2024 - 24 Apr 2025 3 $3,026.47\n" in second


async def test_an_invoice_that_waits_for_its_money_says_so(operator: Api) -> None:
    player = await september(operator, token="tok_insufficient_funds")

    shown = await paper(player, 1)

    assert "\nStatus Open\n" in shown
    assert "\n$138.00 due\nThe payment of 1 Sep 2026 did not succeed. " in shown
    assert "\nTotal $138.00\nAmount due $138.00\n" in shown


async def test_credit_notes_stand_between_the_total_and_what_is_due(operator: Api) -> None:
    player = await september(operator, token="tok_insufficient_funds")
    (first,) = await player.invoices()
    note = {"invoiceId": first["id"], "amount": "38.00", "reason": "Three days without service"}
    await player.do("creditNoteCreate", **note)

    shown = await paper(player, 1)

    assert "\nTotal $138.00\nCredit note, 1 Sep 2026 -$38.00\nAmount due $100.00\n" in shown
    assert "\nCredit note of 1 Sep 2026: $38.00. Reason: Three days without service\n" in shown


async def test_a_void_invoice_is_marked_across_the_sheet(operator: Api) -> None:
    player = await september(operator, token="tok_insufficient_funds")
    (first,) = await player.invoices()
    await player.do("invoiceVoid", invoiceId=first["id"], reason="Wrong plan")

    shown = await paper(player, 1)

    assert shown.count("VOID") == 2
    assert "Reason: Wrong plan" in shown
    assert "\nTotal $138.00\nVoid, not to be paid -$138.00\nAmount due $0.00\n" in shown


async def test_a_write_off_says_what_was_given_up(operator: Api) -> None:
    player = await september(operator, token="tok_insufficient_funds")
    (first,) = await player.invoices()
    await player.do("invoiceWriteOff", invoiceId=first["id"], reason="Insolvent")

    shown = await paper(player, 1)

    assert "\nUncollectible\nWhat was left to pay was written off. Reason: Insolvent\n" in shown
    assert "\nTotal $138.00\nWritten off -$138.00\nAmount due $0.00\n" in shown


async def test_a_total_below_zero_became_credit(operator: Api) -> None:
    player = await team(operator, seats=10, since="2026-10-01")
    await do(player, "subscriptionStart", plan="ESSENTIAL")
    await player.go_to(at("2026-10-02"))
    for name in list(player.people)[1:]:
        await player.remove(name)
    await player.go_to(at("2026-11-01"))

    shown = await paper(player, 2)

    assert "\nNothing to pay\n$300.68 was added to the credit balance.\n" in shown
    assert "\nTotal -$300.68\nAdded to credit balance $300.68\nAmount due $0.00\n" in shown
    await player.go_to(at("2026-12-01"))
    third = await paper(player, 3)
    assert "\nPaid on 1 Dec 2026\nIt was paid from the credit balance.\n" in third
    assert "\nTotal $39.00\nPaid from credit balance -$39.00\nAmount due $0.00\n" in third


async def test_a_card_that_was_replaced_is_not_taken_for_the_new_one(operator: Api) -> None:
    player = await september(operator)
    await player.go_to(player.now + timedelta(days=1))
    await player.pay_with("tok_googlepay")

    assert "\nPayment, 1 Sep 2026, Visa ending 4242 -$138.00\n" in await paper(player, 1)


async def test_the_lines_as_csv_add_up_to_the_total(operator: Api) -> None:
    player = await october(operator)

    answer = await fetch(operator, await path_of(player, 2, suffix="csv"))

    rows = cells(answer.content)
    assert [(row["section"], row["quantity"], row["unit_price"], row["amount"]) for row in rows] == [
        ("ADDITIONAL_USAGE", "3000", "", "145.00"),
        ("ADDITIONAL_USAGE", "1200", "", "40.60"),
        ("PRORATIONS", "6", "39.00", "124.80"),
        ("PRORATIONS", "-1", "39.00", "-20.80"),
        ("SUBSCRIPTION", "6", "39.00", "234.00"),
        ("SUBSCRIPTION", "1", "99.00", "99.00"),
    ]
    assert {row["change"] for row in rows[2:4]} == {"change:2026-09-15"}
    assert (rows[3]["service_from"], rows[3]["service_to"]) == ("2026-09-15", "2026-09-30")
    assert rows[3]["explanation"] == "'-1 seat x $39.00 x 16/30 days = -$20.80"


async def test_a_refund_stands_below_the_invoice_it_was_paid_for(operator: Api) -> None:
    player = await september(operator)
    (first,) = await player.invoices()
    note = {"amount": "10.00", "reason": "Goodwill"}
    await player.do("creditNoteCreate", invoiceId=first["id"], **note)
    payments = "query ($id: ID!) { account(id: $id) { payments { edges { node { id } } } } }"
    found = (await operator.ask(payments, id=player.account_id))["account"]["payments"]["edges"]
    await player.do("refundCreate", paymentId=found[0]["node"]["id"], **note)

    on_its_way = await paper(player, 1)
    await collected(player)
    done = await paper(player, 1)

    assert (
        "Refund of 1 Sep 2026: $10.00 of the credit balance, being paid back. Reason: Goodwill" in on_its_way
    )
    assert "Refund of 1 Sep 2026: $10.00 of the credit balance, paid back. Reason: Goodwill" in done
