"""A bank wants a charge confirmed (section 11): the customer follows a link; without an answer it is given up and charged anew."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx

from tests.application import Api, work
from tests.scenarios.player import Player, cents, new_player
from workers.tools import Tools

STARTED_AT = datetime(2026, 9, 1, 8, tzinfo=UTC)
COLLECTION = """
    query ($id: ID!) { account(id: $id) { frozenAt invoices { edges { node {
      id status due { amount } collection { state confirmUrl nextAttemptAt explanation }
      payments { status declineCode createdAt }
    } } } } }"""


async def asked_to_confirm(api: Api, tools: Tools) -> Player:
    """Start a subscription whose first charge the bank wants confirmed."""
    player = await new_player(api, now=STARTED_AT, token="tok_action_needed")
    await player.do("subscriptionStart", accountId=player.account_id, plan="ESSENTIAL")
    await work(tools)
    return player


async def invoice_of(player: Player) -> dict[str, Any]:
    """Read the account's only invoice."""
    found = (await player.api.ask(COLLECTION, id=player.account_id))["account"]
    node: dict[str, Any] = found["invoices"]["edges"][-1]["node"]
    return node


def press(url: str, **form: str) -> httpx.Response:
    """Press a button on the provider's page, as the customer does."""
    return httpx.post(url, data=form, trust_env=False)


def tried(invoice: dict[str, Any]) -> list[str]:
    """Give how each attempt went."""
    return [payment["status"] for payment in invoice["payments"]]


async def test_shows_where_to_confirm_and_until_when(operator: Api, tools: Tools) -> None:
    player = await asked_to_confirm(operator, tools)

    invoice = await invoice_of(player)

    assert (invoice["status"], tried(invoice)) == ("OPEN", ["ACTION_NEEDED"])
    assert invoice["collection"]["state"] == "CONFIRMING"
    assert invoice["collection"]["confirmUrl"].startswith("http")
    assert invoice["collection"]["nextAttemptAt"] == "2026-09-08T00:00:00Z"
    assert "confirmed" in invoice["collection"]["explanation"]


async def test_a_charge_confirmed_without_a_word_is_found_at_the_next_step(
    operator: Api, tools: Tools
) -> None:
    player = await asked_to_confirm(operator, tools)
    press((await invoice_of(player))["collection"]["confirmUrl"], decision="confirmed")

    await player.go_to(datetime(2026, 9, 8, 1, tzinfo=UTC))

    invoice = await invoice_of(player)
    assert (invoice["status"], tried(invoice), cents(invoice["due"])) == ("PAID", ["SUCCEEDED"], 0)


async def test_a_charge_nobody_confirms_is_given_up_and_charged_anew(operator: Api, tools: Tools) -> None:
    player = await asked_to_confirm(operator, tools)

    await player.go_to(datetime(2026, 9, 30, tzinfo=UTC))

    invoice = await invoice_of(player)
    account = (await operator.ask(COLLECTION, id=player.account_id))["account"]
    assert tried(invoice) == ["DECLINED"] * 4
    assert {payment["declineCode"] for payment in invoice["payments"]} == {"not_confirmed"}
    assert [payment["createdAt"][:10] for payment in invoice["payments"]] == [
        "2026-09-01",
        "2026-09-08",
        "2026-09-15",
        "2026-09-22",
    ]
    assert invoice["collection"]["state"] == "USED_UP"
    assert account["frozenAt"] == "2026-09-29T00:00:00Z"


async def test_another_card_gives_up_the_confirmation_and_is_charged_at_once(
    operator: Api, tools: Tools
) -> None:
    player = await asked_to_confirm(operator, tools)

    await player.pay_with("tok_visa")
    await work(tools)

    invoice = await invoice_of(player)
    assert (invoice["status"], tried(invoice)) == ("PAID", ["DECLINED", "SUCCEEDED"])


async def test_paying_by_hand_asks_to_confirm_again_at_once(operator: Api, tools: Tools) -> None:
    player = await asked_to_confirm(operator, tools)

    await player.do("invoicePay", invoiceId=(await invoice_of(player))["id"])

    invoice = await invoice_of(player)
    assert tried(invoice) == ["DECLINED", "ACTION_NEEDED"]
    assert invoice["collection"]["state"] == "CONFIRMING"


async def test_a_customer_who_refuses_has_declined(operator: Api, tools: Tools) -> None:
    player = await asked_to_confirm(operator, tools)
    press((await invoice_of(player))["collection"]["confirmUrl"], decision="refused")

    await player.go_to(datetime(2026, 9, 8, 1, tzinfo=UTC))

    invoice = await invoice_of(player)
    assert tried(invoice) == ["DECLINED", "ACTION_NEEDED"]


async def test_a_card_is_given_on_the_providers_own_page(operator: Api, tools: Tools) -> None:
    player = await new_player(operator, now=STARTED_AT, token=None)
    await player.do("subscriptionStart", accountId=player.account_id, plan="ESSENTIAL")
    back = "https://app.example/billing?tab=cards"

    opened = await player.do("paymentMethodPageOpen", "url", accountId=player.account_id, returnUrl=back)
    address = httpx.URL(press(opened["url"], token="tok_googlepay").headers["location"])
    await player.pay_with(address.params["token"])
    await work(tools)

    assert str(address).startswith("https://app.example/billing?tab=cards&token=")
    assert tried(await invoice_of(player)) == ["SUCCEEDED"]
