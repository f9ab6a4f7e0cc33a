"""A preview is what then happens: what is due now, the next invoice with the change and without it; and it writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

import tests.api.correction_refusals
import tests.api.term_refusals  # noqa: F401  (they register their cases)
from tests.api.change_cases import SITUATIONS, monthly, people, yearly
from tests.api.fingerprints import fingerprint
from tests.api.inputs import previewed
from tests.api.refusal_cases import CASES, Installation, pending
from tests.application import Api
from tests.gateway.running_provider import RunningProvider
from tests.scenarios.player import Player, Sent, cents

LINE = """
    section description quantity unitPrice amount { amount } explanation isAdjustment change
    servicePeriod { start end } billingPeriod { start end } tiers { first last units unitPrice }
"""
BILL = f"""
    invoiceOn period {{ start end }} total {{ amount }} creditApplied {{ amount }} due {{ amount }}
    sections {{ section label total {{ amount }} lines {{ {LINE} }} changes {{ net {{ amount }} }} }}
"""
PREVIEW = f"""
    query ($change: ChangeInput!) {{
      preview(change: $change) {{
        ... on ChangePreview {{
          dueNow {{ {BILL} }} nextInvoiceWithout {{ {BILL} }} nextInvoiceWith {{ {BILL} }}
          addedLines {{ {LINE} }} droppedLines {{ {LINE} }} previewToken
        }}
        ... on ChangeRefused {{ refusal message }}
      }}
    }}"""
STANDING = f"""
    query ($id: ID!) {{
      account(id: $id) {{
        subscription {{ nextInvoice {{ {BILL} }} }}
        invoices(first: 100) {{ edges {{ node {{ number {BILL} }} }} }}
      }}
    }}"""
PRICE_CHANGED = "PriceChanged"


@pytest.fixture
def at(operator: Api, engine: AsyncEngine, payment_provider: RunningProvider) -> Installation:
    return Installation(operator, engine, payment_provider)


@pytest.mark.parametrize("sentence", SITUATIONS)
async def test_a_preview_is_what_then_happens(at: Installation, sentence: str) -> None:
    mutation = SITUATIONS[sentence].mutation
    player, given = await SITUATIONS[sentence].arrange(at)
    next_before, issued_before = await standing(player)
    before = await fingerprint(at.engine)

    shown = await preview(at.api, mutation, given)
    unchanged = await fingerprint(at.engine)
    done = await at.api.do(mutation, "__typename", **given, previewToken=shown["previewToken"])
    next_after, issued_after = await standing(player)

    assert unchanged == before
    assert done["__typename"].endswith("Payload"), done
    assert shown["nextInvoiceWithout"] == next_before
    assert shown["nextInvoiceWith"] == next_after
    assert shown["dueNow"] == issued_after[len(issued_before) :]
    assert difference(shown) == (Counter(words(shown["addedLines"])), Counter(words(shown["droppedLines"])))


async def test_two_previews_of_the_same_change_give_the_same_token(at: Installation) -> None:
    player = await monthly(at)
    change = {"accountId": player.account_id, "plan": "ADVANCED"}

    first, second = [await preview(at.api, "planChange", change) for _ in range(2)]
    other = await preview(at.api, "planChange", {**change, "plan": "EXPERT"})

    assert first == second
    assert first["previewToken"] != other["previewToken"]


async def test_a_plan_change_is_refused_once_somebody_joined_after_its_preview(at: Installation) -> None:
    player = await monthly(at)
    change = {"accountId": player.account_id, "plan": "ADVANCED"}
    token = (await preview(at.api, "planChange", change))["previewToken"]
    await player.seat("newcomer")
    before = await fingerprint(at.engine)

    refused = await at.api.do("planChange", "__typename", **change, previewToken=token)

    assert refused["__typename"] == PRICE_CHANGED
    assert await fingerprint(at.engine) == before
    again = (await preview(at.api, "planChange", change))["previewToken"]
    done = await at.api.do("planChange", "__typename", **change, previewToken=again)
    assert done["__typename"] == "PlanChangePayload"


async def test_a_purchase_is_refused_once_the_plan_changed_after_its_preview(at: Installation) -> None:
    player = await yearly(at)
    purchase = {"accountId": player.account_id, "seats": 6, "invoiceNow": True}
    token = (await preview(at.api, "seatsBuy", purchase))["previewToken"]
    await player.do("planChange", accountId=player.account_id, plan="EXPERT")

    refused = await at.api.do("seatsBuy", "__typename", **purchase, previewToken=token)

    assert refused["__typename"] == PRICE_CHANGED


async def test_a_switch_is_refused_once_usage_came_in_after_its_preview(at: Installation) -> None:
    player = await monthly(at)
    switch = {"accountId": player.account_id, "plan": "ESSENTIAL", "seats": 4}
    token = (await preview(at.api, "yearlyStart", switch))["previewToken"]
    await player.use([Sent("more emails", "BULK_EMAIL", 1, player.now)])

    refused = await at.api.do("yearlyStart", "__typename", **switch, previewToken=token)

    assert refused["__typename"] == PRICE_CHANGED


async def test_a_token_still_stands_after_what_bills_nothing(at: Installation) -> None:
    player = await monthly(at)
    change = {"accountId": player.account_id, "plan": "ADVANCED"}
    token = (await preview(at.api, "planChange", change))["previewToken"]
    await pending(player, "invited")

    done = await at.api.do("planChange", "__typename", **change, previewToken=token)

    assert done["__typename"] == "PlanChangePayload"


async def test_a_preview_shows_credit_that_lowers_what_is_due(at: Installation) -> None:
    player = await people(at, seats=1)
    account = {"accountId": player.account_id}
    signed = {"plan": "ADVANCED", "months": 12, "billingMonths": 1, "seats": 1}
    await player.pay_with("tok_visa")
    await player.do("yearlyStart", **account, plan="EXPERT", seats=10)
    await player.go_to(player.now + timedelta(hours=1))
    await player.do("contractSign", **account, terms=signed)

    shown = await preview(at.api, "contractSign", {**account, "terms": {**signed, "seats": 20}})

    (now,) = shown["dueNow"]
    assert cents(now["total"]) > 0
    assert cents(now["creditApplied"]) == cents(now["total"])
    assert cents(now["due"]) == 0


@pytest.mark.parametrize(
    ("mutation", "refusal"),
    [(name, each) for name, each in CASES if name in previewed() and each != PRICE_CHANGED],
)
async def test_a_preview_tells_why_the_change_would_be_refused(
    at: Installation, mutation: str, refusal: str
) -> None:
    given, expected = await CASES[mutation, refusal](at)
    before = await fingerprint(at.engine)

    shown = await preview(at.api, mutation, given)

    assert shown == {"refusal": refusal, "message": expected.message}
    assert await fingerprint(at.engine) == before


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"planChange": None},
        {"pspAdd": {"accountId": "a"}, "pspRemove": {"accountId": "a"}},
        {"pspAdd": {"accountId": "a"}, "pspRemove": None},
        {"nothing": {}},
    ],
)
async def test_a_preview_takes_one_change(operator: Api, change: dict[str, Any]) -> None:
    answer = await operator.post(PREVIEW, {"change": change})

    assert "INTERNAL" not in str(answer)
    assert answer["errors"]
    assert (answer.get("data") or {}).get("preview") is None


def test_every_change_that_can_be_previewed_is_looked_at() -> None:
    assert {each.mutation for each in SITUATIONS.values()} == set(previewed())


async def preview(api: Api, mutation: str, given: dict[str, Any]) -> dict[str, Any]:
    """Preview a change."""
    shown: dict[str, Any] = (await api.ask(PREVIEW, change={mutation: given}))["preview"]
    return shown


async def standing(player: Player) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """Give the next invoice as it stands, and the issued ones, first to last, without their numbers."""
    account = (await player.api.ask(STANDING, id=player.account_id))["account"]
    issued = [edge["node"] for edge in reversed(account["invoices"]["edges"])]
    assert [invoice.pop("number") for invoice in issued] == list(range(1, len(issued) + 1))
    subscription = account["subscription"]
    return subscription and subscription["nextInvoice"], issued


def difference(shown: dict[str, Any]) -> tuple[Counter[str], Counter[str]]:
    """Give the lines that a change adds, at once or to the next invoice, and those it takes from the next invoice."""
    without, after = Counter(of(shown["nextInvoiceWithout"])), Counter(of(shown["nextInvoiceWith"]))
    now = Counter(word for bill in shown["dueNow"] for word in of(bill))
    return now + (after - without), without - after


def of(bill: dict[str, Any] | None) -> list[str]:
    """Tell the lines of a bill."""
    return words(line for group in bill["sections"] for line in group["lines"]) if bill else []


def words(lines: Iterable[dict[str, Any]]) -> list[str]:
    """Tell lines in words that can be compared: what for, when, and how much."""
    return [
        f"{line['description']}, {line['servicePeriod']['start']} to {line['servicePeriod']['end']}: "
        f"{line['amount']['amount']}"
        for line in lines
    ]
