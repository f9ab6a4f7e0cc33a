"""Money given back (section 11): credit of a paid invoice is paid back to the card, once, and every move is on the statement."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.application import Api, work
from tests.gateway.running_provider import RunningProvider
from tests.scenarios.player import Player, cents, new_player
from workers.tools import Tools

STARTED_AT = datetime(2026, 9, 1, 8, tzinfo=UTC)
REFUND = "refund { status amount { amount } reason failure reference }"
PAYMENTS = """
    query ($id: ID!) { account(id: $id) {
      balance { amount } creditBalance { amount }
      payments { edges { node { id status refunds { status amount { amount } reason failure } } } }
    } }"""
STATEMENT = """
    query ($id: ID!, $first: Int, $after: String) { account(id: $id) { balance { amount } statement(first: $first, after: $after) {
      edges { node { kind amount { amount } balance { amount } invoice { number } entries { account amount { amount } } } }
      pageInfo { hasNextPage endCursor }
    } } }"""


async def forgiven(api: Api, tools: Tools, *, token: str = "tok_visa", amount: str = "10.00") -> Player:
    """A paid invoice of $39, of which a part was forgiven."""
    player = await new_player(api, now=STARTED_AT, token=token)
    await player.do("subscriptionStart", accountId=player.account_id, plan="ESSENTIAL")
    await work(tools)
    invoice = (await player.invoices())[0]
    assert invoice["status"] == "PAID"
    await player.do("creditNoteCreate", invoiceId=invoice["id"], amount=amount, reason="an outage")
    return player


async def payments(player: Player) -> dict[str, Any]:
    """Read the account's payments and what it holds."""
    found: dict[str, Any] = (await player.api.ask(PAYMENTS, id=player.account_id))["account"]
    return found


async def refund(player: Player, amount: str) -> dict[str, Any]:
    """Refund a part of the account's only payment."""
    payment_id = (await payments(player))["payments"]["edges"][0]["node"]["id"]
    given = {"paymentId": payment_id, "amount": amount, "reason": "an outage"}
    return await player.api.do("refundCreate", REFUND, **given)


async def lines(player: Player) -> list[tuple[str, int, int]]:
    """Read the statement, first to last: what moved, by how much, and what was owed then, in cents."""
    found = (await player.api.ask(STATEMENT, id=player.account_id, first=100))["account"]["statement"]
    moves = [edge["node"] for edge in reversed(found["edges"])]
    for move in moves:
        assert sum(cents(entry["amount"]) for entry in move["entries"]) == 0
    return [(move["kind"], cents(move["amount"]), cents(move["balance"])) for move in moves]


async def test_credit_of_a_paid_invoice_is_paid_back_to_the_card(operator: Api, tools: Tools) -> None:
    player = await forgiven(operator, tools)

    asked = (await refund(player, "10.00"))["refund"]
    taken = await payments(player)
    await work(tools)
    stands = await payments(player)

    assert (asked["status"], cents(asked["amount"]), asked["reason"]) == ("PENDING", 10_00, "an outage")
    assert cents(taken["creditBalance"]) == 0
    (made,) = stands["payments"]["edges"][0]["node"]["refunds"]
    assert (made["status"], made["failure"]) == ("SUCCEEDED", None)
    assert cents(stands["balance"]) == 0
    assert await lines(player) == [
        ("INVOICE_ISSUED", 39_00, 39_00),
        ("PAYMENT", -39_00, 0),
        ("CREDIT_NOTE", -10_00, -10_00),
        ("REFUND", 10_00, 0),
        ("REFUND_PAID", 0, 0),
    ]


async def test_a_refund_pays_back_no_more_than_there_is(operator: Api, tools: Tools) -> None:
    player = await forgiven(operator, tools)

    too_much = await refund(player, "10.01")
    part = await refund(player, "4.00")
    rest = await refund(player, "6.01")
    await work(tools)

    assert too_much["__typename"] == rest["__typename"] == "RefundTooLarge"
    assert "At most $6.00" in rest["message"]
    assert part["__typename"] == "RefundCreatePayload"
    assert cents((await payments(player))["creditBalance"]) == 6_00


async def test_a_refund_whose_answer_is_lost_is_asked_for_with_the_same_key(
    operator: Api, tools: Tools, payment_provider: RunningProvider
) -> None:
    player = await forgiven(operator, tools)
    payment_provider.misbehave({"kind": "drop_after", "target": "refund"})

    await refund(player, "10.00")
    await work(tools)
    (lost,) = (await payments(player))["payments"]["edges"][0]["node"]["refunds"]
    await player.go_to(datetime(2026, 9, 1, 12, tzinfo=UTC))
    (found,) = (await payments(player))["payments"]["edges"][0]["node"]["refunds"]

    assert (lost["status"], found["status"]) == ("UNKNOWN", "SUCCEEDED")
    assert [kind for kind, _, _ in await lines(player)].count("REFUND_PAID") == 1


async def test_a_refund_that_the_provider_refuses_is_credit_again(operator: Api, tools: Tools) -> None:
    player = await forgiven(operator, tools, token="tok_no_refunds")

    await refund(player, "10.00")
    await work(tools)
    stands = await payments(player)

    (made,) = stands["payments"]["edges"][0]["node"]["refunds"]
    assert made["status"] == "FAILED"
    assert made["failure"]
    assert cents(stands["creditBalance"]) == 10_00
    assert (await lines(player))[-2:] == [("REFUND", 10_00, 0), ("REFUND_FAILED", -10_00, -10_00)]


@pytest.mark.parametrize("first", [1, 2, 100])
async def test_a_statement_is_read_page_by_page(operator: Api, tools: Tools, first: int) -> None:
    player = await forgiven(operator, tools)
    await refund(player, "10.00")
    await work(tools)

    found, after = [], None
    while True:
        page = (await operator.ask(STATEMENT, id=player.account_id, first=first, after=after))["account"]
        found += [edge["node"]["kind"] for edge in page["statement"]["edges"]]
        after = page["statement"]["pageInfo"]["endCursor"]
        if not page["statement"]["pageInfo"]["hasNextPage"]:
            break

    assert found == ["REFUND_PAID", "REFUND", "CREDIT_NOTE", "PAYMENT", "INVOICE_ISSUED"]
