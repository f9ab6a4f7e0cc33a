"""Failed and recovered payments on a test clock (section 11): retries, freezing, other cards, lost answers, small sums."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.node_ids import decode_node_id
from tests.application import Api, work
from tests.gateway.running_provider import RunningProvider
from tests.scenarios.player import Player, Sent, cents, new_player
from workers.tools import Tools

STARTED_AT = datetime(2026, 9, 1, 8, tzinfo=UTC)
FIRST = "2026-09-01T08:00:00Z"
LADDER = [FIRST, "2026-09-08T00:00:00Z", "2026-09-15T00:00:00Z", "2026-09-22T00:00:00Z"]
PAY = "invoice { id status due { amount } payments { status } }"


async def subscribed(
    api: Api, tools: Tools, *, token: str | None, seats: int = 1, start: datetime = STARTED_AT
) -> Player:
    """Start a subscription of some Essential seats; its first invoice is charged at once."""
    player = await new_player(api, now=start, token=token)
    for number in range(2, seats + 1):
        await player.seat(f"mate-{number}")
    await player.do("subscriptionStart", accountId=player.account_id, plan="ESSENTIAL")
    await work(tools)
    return player


async def invoice_of(player: Player, number: int = 1) -> dict[str, Any]:
    """Give an invoice by its number."""
    return (await player.invoices())[number - 1]


def tried(invoice: dict[str, Any]) -> list[tuple[str, str]]:
    """Give when each attempt was made, and how it went."""
    return [(payment["createdAt"], payment["status"]) for payment in invoice["payments"]]


def at(month: int, day: int, hour: int = 0) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


async def test_a_good_card_is_charged_at_once(operator: Api, tools: Tools) -> None:
    player = await subscribed(operator, tools, token="tok_visa")

    invoice = await invoice_of(player)

    assert tried(invoice) == [(FIRST, "SUCCEEDED")]
    assert (invoice["status"], invoice["paidAt"], cents(invoice["due"])) == ("PAID", FIRST, 0)
    assert invoice["collection"] is None


async def test_a_declined_charge_is_tried_on_days_0_7_14_and_21(operator: Api, tools: Tools) -> None:
    player = await subscribed(operator, tools, token="tok_insufficient_funds")
    next_attempts = []

    for moment in (at(9, 1, 9), at(9, 8), at(9, 15), at(9, 22)):
        await player.go_to(moment)
        next_attempts.append((await invoice_of(player))["collection"]["nextAttemptAt"])

    invoice = await invoice_of(player)
    assert tried(invoice) == [(moment, "DECLINED") for moment in LADDER]
    assert next_attempts == [*LADDER[1:], None]
    assert [payment["attempt"] for payment in invoice["payments"]] == [1, 2, 3, 4]
    assert {payment["declineCode"] for payment in invoice["payments"]} == {"insufficient_funds"}
    assert {payment["isHardDecline"] for payment in invoice["payments"]} == {False}
    assert all(payment["reason"] for payment in invoice["payments"])
    assert invoice["collection"]["freezeOn"] == "2026-09-29"
    assert "2026-09-29" in invoice["collection"]["explanation"]
    assert (invoice["status"], cents(invoice["due"])) == ("OPEN", 39_00)


async def test_nothing_is_charged_a_moment_before_its_day(operator: Api, tools: Tools) -> None:
    player = await subscribed(operator, tools, token="tok_insufficient_funds")

    await player.go_to(at(9, 8) - timedelta(microseconds=1))

    assert tried(await invoice_of(player)) == [(FIRST, "DECLINED")]


async def test_a_soft_decline_recovers_by_itself(operator: Api, tools: Tools) -> None:
    player = await subscribed(operator, tools, token="tok_flaky")

    await player.go_to(at(9, 20))

    invoice = await invoice_of(player)
    assert tried(invoice) == list(zip(LADDER, ["DECLINED", "DECLINED", "SUCCEEDED"], strict=False))
    assert (invoice["status"], invoice["paidAt"]) == ("PAID", LADDER[2])


async def test_another_card_is_charged_at_once(operator: Api, tools: Tools) -> None:
    player = await subscribed(operator, tools, token="tok_insufficient_funds")
    await player.go_to(at(9, 4, 10))

    await player.pay_with("tok_visa")
    await work(tools)

    invoice = await invoice_of(player)
    assert tried(invoice) == [(FIRST, "DECLINED"), ("2026-09-04T10:00:00Z", "SUCCEEDED")]
    assert invoice["status"] == "PAID"


async def test_a_worse_card_begins_the_ladder_anew(operator: Api, tools: Tools) -> None:
    player = await subscribed(operator, tools, token="tok_insufficient_funds")
    await player.go_to(at(9, 4, 10))

    await player.pay_with("tok_declined")
    await player.go_to(at(9, 26))

    invoice = await invoice_of(player)
    assert [moment for moment, _ in tried(invoice)] == [
        FIRST,
        "2026-09-04T10:00:00Z",
        "2026-09-11T00:00:00Z",
        "2026-09-18T00:00:00Z",
        "2026-09-25T00:00:00Z",
    ]
    assert invoice["collection"]["freezeOn"] == "2026-10-02"


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("tok_lost", "lost_card"),
        ("tok_stolen", "stolen_card"),
        ("tok_closed", "account_closed"),
    ],
)
async def test_a_hard_decline_stops_retries_but_not_the_freeze(
    operator: Api, tools: Tools, token: str, code: str
) -> None:
    player = await subscribed(operator, tools, token=token)

    await player.go_to(at(9, 29) - timedelta(microseconds=1))
    before = await invoice_of(player)
    is_frozen_before = (await player.account())["frozenAt"] is not None
    await player.go_to(at(9, 29))

    assert [(each["declineCode"], each["isHardDecline"]) for each in before["payments"]] == [(code, True)]
    assert before["collection"]["nextAttemptAt"] is None
    assert not is_frozen_before
    assert (await player.account())["frozenAt"] == "2026-09-29T00:00:00Z"


async def test_an_account_frozen_on_day_28_is_restored_by_a_new_card(operator: Api, tools: Tools) -> None:
    player = await subscribed(operator, tools, token="tok_lost")
    await player.go_to(at(9, 30, 12))
    frozen_at = (await player.account())["frozenAt"]

    await player.pay_with("tok_visa")
    await work(tools)

    assert frozen_at == "2026-09-29T00:00:00Z"
    assert (await player.account())["frozenAt"] is None
    invoice = await invoice_of(player)
    assert (invoice["status"], invoice["paidAt"]) == ("PAID", "2026-09-30T12:00:00Z")


async def test_a_late_success_may_land_in_a_later_month(operator: Api, tools: Tools) -> None:
    player = await subscribed(operator, tools, token="tok_insufficient_funds")
    await player.go_to(at(10, 9))
    open_before = await player.invoices()
    frozen_at = (await player.account())["frozenAt"]

    await player.pay_with("tok_visa")
    await work(tools)

    first, second = await player.invoices()
    assert [invoice["status"] for invoice in open_before] == ["OPEN", "OPEN"]
    assert frozen_at == "2026-09-29T00:00:00Z"
    assert tried(second)[:2] == [("2026-10-01T00:00:00Z", "DECLINED"), ("2026-10-08T00:00:00Z", "DECLINED")]
    assert [first["paidAt"], second["paidAt"]] == ["2026-10-09T00:00:00Z"] * 2
    assert (await player.account())["frozenAt"] is None
    await player.go_to(at(11, 1))
    assert (await invoice_of(player, 3))["status"] == "PAID"


async def test_a_frozen_account_stays_so_until_every_open_invoice_is_paid(
    operator: Api, tools: Tools
) -> None:
    player = await subscribed(operator, tools, token="tok_insufficient_funds")
    await player.go_to(at(10, 2))
    first, second = await player.invoices()
    # It declines two charges, one for each open invoice, and then succeeds.
    await player.pay_with("tok_flaky")
    await work(tools)

    paid_first = await player.do("invoicePay", PAY, invoiceId=first["id"])
    frozen_between = (await player.account())["frozenAt"]
    paid_second = await player.do("invoicePay", PAY, invoiceId=second["id"])

    assert paid_first["invoice"]["status"] == paid_second["invoice"]["status"] == "PAID"
    assert frozen_between == "2026-09-29T00:00:00Z"
    assert (await player.account())["frozenAt"] is None


@pytest.mark.parametrize("token", ["tok_timeout_after_charge", "tok_error_after_charge"])
async def test_a_charge_whose_answer_was_lost_is_asked_for_and_made_once(
    operator: Api, tools: Tools, payment_provider: RunningProvider, token: str
) -> None:
    player = await subscribed(operator, tools, token=token)
    lost = await invoice_of(player)

    await player.go_to(STARTED_AT + timedelta(minutes=5))

    found = await invoice_of(player)
    assert (lost["status"], tried(lost)) == ("OPEN", [(FIRST, "UNKNOWN")])
    assert (found["status"], tried(found)) == ("PAID", [(FIRST, "SUCCEEDED")])
    (charge,) = payment_provider.log(await provider_key(player))
    assert (charge["amount_cents"], charge["status"]) == (39_00, "succeeded")


async def test_a_new_card_does_not_charge_again_what_may_have_been_charged(
    operator: Api, tools: Tools, payment_provider: RunningProvider
) -> None:
    player = await subscribed(operator, tools, token="tok_error_after_charge")

    await player.pay_with("tok_visa")
    await work(tools)

    invoice = await invoice_of(player)
    assert (invoice["status"], tried(invoice)) == ("PAID", [(FIRST, "SUCCEEDED")])
    assert len(payment_provider.log(await provider_key(player))) == 1


async def test_paying_by_hand_tries_at_once_and_begins_the_ladder_anew(operator: Api, tools: Tools) -> None:
    player = await subscribed(operator, tools, token="tok_insufficient_funds")
    await player.go_to(at(9, 24, 15))
    used_up = await invoice_of(player)

    paid = await player.do("invoicePay", PAY, invoiceId=used_up["id"])

    assert used_up["collection"]["nextAttemptAt"] is None
    assert [payment["status"] for payment in paid["invoice"]["payments"]] == ["DECLINED"] * 5
    collection = (await invoice_of(player))["collection"]
    assert (collection["nextAttemptAt"], collection["freezeOn"]) == ("2026-10-01T00:00:00Z", "2026-10-22")


async def test_paying_by_hand_after_day_28_does_not_lift_the_freeze(operator: Api, tools: Tools) -> None:
    player = await subscribed(operator, tools, token="tok_insufficient_funds")
    await player.go_to(at(9, 29, 15))
    invoice = await invoice_of(player)

    await player.do("invoicePay", PAY, invoiceId=invoice["id"])

    assert (await player.account())["frozenAt"] == "2026-09-29T00:00:00Z"


async def test_without_a_payment_method_an_invoice_waits_for_one(operator: Api, tools: Tools) -> None:
    player = await subscribed(operator, tools, token=None)
    await player.go_to(at(9, 9))
    waiting = await invoice_of(player)

    await player.pay_with("tok_applepay")
    await work(tools)

    assert (waiting["status"], waiting["payments"]) == ("OPEN", [])
    assert "no payment method" in waiting["collection"]["explanation"]
    assert tried(await invoice_of(player)) == [("2026-09-09T00:00:00Z", "SUCCEEDED")]


async def test_a_due_amount_under_50_cents_is_paid_from_the_balance(operator: Api, tools: Tools) -> None:
    # 1 Nov: 37.74 - 150.97 for three seats given up on 2 Oct, 35.52 for 1,184 minutes, 39.00 ahead: -$38.71.
    player = await subscribed(operator, tools, token="tok_visa", seats=4, start=at(10, 1, 8))
    await player.go_to(at(10, 2, 12))
    for number in (2, 3, 4):
        await player.remove(f"mate-{number}")
    await player.use([Sent("call", "PHONE_MINUTE", 1_184 * 60, player.now)])

    await player.go_to(at(12, 1))
    _, credited, small = await player.invoices()
    owed = cents((await player.account())["creditBalance"])
    await player.go_to(datetime(2027, 1, 1, tzinfo=UTC))
    after = await invoice_of(player, 4)

    assert (cents(credited["total"]), credited["status"]) == (-38_71, "PAID")
    assert (cents(small["total"]), cents(small["creditApplied"]), cents(small["due"])) == (39_00, 39_00, 0)
    assert (small["status"], small["payments"], owed) == ("PAID", [], -29)
    assert (cents(after["total"]), cents(after["creditApplied"])) == (39_00, -29)
    assert [cents(payment["amount"]) for payment in after["payments"]] == [39_29]
    assert cents((await player.account())["creditBalance"]) == 0


async def provider_key(player: Player) -> str:
    """Give the idempotency key of the account's only attempt."""
    asked = await player.api.ask(
        "query ($id: ID!) { account(id: $id) { payments { edges { node { id } } } } }", id=player.account_id
    )
    (edge,) = asked["account"]["payments"]["edges"]
    ref = decode_node_id(edge["node"]["id"])
    assert ref is not None
    return f"attempt:{ref.account_id}:{ref.local_id}"


async def told(player: Player) -> list[tuple[str, str, list[str]]]:
    """Give what was told about payments, first to last: the kind, the title and who was mailed."""
    query = """
        query ($id: ID!) { account(id: $id) {
          notifications(first: 100) { edges { node { kind title at } } }
          mails(first: 100) { edges { node { address kind writtenAt } } }
        } }"""
    found = (await player.api.ask(query, id=player.account_id))["account"]
    mails = [edge["node"] for edge in found["mails"]["edges"]]
    notices = [edge["node"] for edge in reversed(found["notifications"]["edges"])]
    return [
        (
            each["kind"],
            each["at"][:10],
            [
                mail["address"]
                for mail in mails
                if (mail["kind"], mail["writtenAt"]) == (each["kind"], each["at"])
            ],
        )
        for each in notices
        if each["kind"] in {"PAYMENT_FAILED", "ACTION_NEEDED", "FROZEN", "RESTORED"}
    ]


async def test_every_step_is_told_to_the_billing_contacts(operator: Api, tools: Tools) -> None:
    player = await subscribed(operator, tools, token="tok_insufficient_funds")
    await player.go_to(at(9, 29))
    await player.pay_with("tok_visa")
    await work(tools)

    found = await told(player)

    assert [(kind, day) for kind, day, _ in found] == [
        ("PAYMENT_FAILED", "2026-09-01"),
        ("PAYMENT_FAILED", "2026-09-08"),
        ("PAYMENT_FAILED", "2026-09-15"),
        ("PAYMENT_FAILED", "2026-09-22"),
        ("FROZEN", "2026-09-29"),
        ("RESTORED", "2026-09-29"),
    ]
    assert all(len(mailed) == 1 for _, _, mailed in found)


async def test_a_bank_that_wants_a_confirmation_is_told_with_the_link(operator: Api, tools: Tools) -> None:
    player = await subscribed(operator, tools, token="tok_action_needed")

    ((kind, day, mailed),) = await told(player)

    assert (kind, day, len(mailed)) == ("ACTION_NEEDED", "2026-09-01", 1)


async def test_credit_lowers_the_oldest_open_invoice_first_and_previews_know_it(
    operator: Api, tools: Tools
) -> None:
    player = await subscribed(operator, tools, token=None, seats=5)
    for number in range(2, 6):
        await player.remove(f"mate-{number}")

    await player.go_to(at(12, 2))

    first, second, third, fourth = await player.invoices()
    assert cents(second["total"]) < 0
    assert cents(first["creditApplied"]) == -cents(second["total"])
    assert [cents(each["due"]) for each in (third, fourth)] == [39_00, 39_00]
