"""A preview is what then happens: what is due now, the next invoice with the change and without it; and it writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.api.change_cases import SITUATIONS, monthly, people, yearly
from tests.api.every_refusal import CASES
from tests.api.fingerprints import fingerprint
from tests.api.inputs import previewed
from tests.api.refusal_cases import Installation, pending
from tests.application import Api
from tests.gateway.running_provider import RunningProvider
from tests.scenarios.player import Sent, cents

LINE = """
    section description quantity unitPrice amount { amount } explanation isAdjustment change
    servicePeriod { start end } billingPeriod { start end } tiers { first last units unitPrice }
"""
BILL = f"""
    invoiceOn period {{ start end }} total {{ amount }} creditApplied {{ amount }} due {{ amount }}
    sections {{ section label total {{ amount }} lines {{ {LINE} }} changes {{ net {{ amount }} }} }}
"""
DIFFERENCE = f"""
    dueNow {{ {BILL} }} nextInvoiceWithout {{ {BILL} }} nextInvoiceWith {{ {BILL} }}
    addedLines {{ {LINE} }} droppedLines {{ {LINE} }}
    standingWithout {{ due {{ amount }} credit {{ amount }} }} standingWith {{ due {{ amount }} credit {{ amount }} }}
"""
PREVIEW = f"""
    query ($change: ChangeInput!) {{
      preview(change: $change) {{
        ... on ChangePreview {{ bill {{ {DIFFERENCE} }} otherBill {{ {DIFFERENCE} }} previewToken }}
        ... on ChangeRefused {{ refusal message }}
      }}
    }}"""
STANDING = f"""
    query ($id: ID!) {{
      account(id: $id) {{
        creditBalance {{ amount }}
        subscription {{ nextInvoice {{ {BILL} }} }}
        invoices(first: 100) {{ edges {{ node {{ number status {BILL} }} }} }}
      }}
    }}"""
PRICE_CHANGED = "PriceChanged"
# A preview has no price to hold to, and takes no key: it changes nothing.
NOT_PREVIEWED = {PRICE_CHANGED, "IdempotencyKeyReused"}


@pytest.fixture
def at(operator: Api, engine: AsyncEngine, payment_provider: RunningProvider) -> Installation:
    return Installation(operator, engine, payment_provider)


@pytest.mark.parametrize("sentence", SITUATIONS)
async def test_a_preview_is_what_then_happens(at: Installation, sentence: str) -> None:
    mutation = SITUATIONS[sentence].mutation
    player, given = await SITUATIONS[sentence].arrange(at)
    accounts = [player.account_id, *([given["toAccountId"]] if "toAccountId" in given else [])]
    stood = [await standing(at.api, each) for each in accounts]
    before = await fingerprint(at.engine)

    shown = await preview(at.api, mutation, given)
    unchanged = await fingerprint(at.engine)
    done = await at.api.do(mutation, "__typename", **given, previewToken=shown["previewToken"])
    stands = [await standing(at.api, each) for each in accounts]

    assert unchanged == before
    assert done["__typename"].endswith("Payload"), done
    bills = [shown["bill"], *([shown["otherBill"]] if shown["otherBill"] else [])]
    for bill, was, now in zip(bills, stood, stands, strict=True):
        assert bill["nextInvoiceWithout"] == was.next_invoice
        assert bill["nextInvoiceWith"] == now.next_invoice
        assert bill["dueNow"] == now.issued[len(was.issued) :]
        assert bill["standingWithout"] == was.balance
        assert bill["standingWith"] == now.balance
        assert difference(bill) == (Counter(words(bill["addedLines"])), Counter(words(bill["droppedLines"])))


async def test_a_move_takes_seats_from_one_bill_and_puts_them_on_the_other(at: Installation) -> None:
    _, given = await SITUATIONS["a workspace moves between two paid accounts"].arrange(at)

    shown = await preview(at.api, "workspaceMove", given)

    left, joined = (
        Counter(words(shown["bill"]["addedLines"])),
        Counter(words(shown["otherBill"]["addedLines"])),
    )
    assert sum(1 for line in left if "Unused time" in line) > 0
    assert sum(1 for line in joined if "Remaining time" in line) > 0


async def test_a_void_is_refused_once_a_part_of_the_invoice_was_forgiven_after_its_preview(
    at: Installation,
) -> None:
    _, given = await SITUATIONS["an open invoice is undone"].arrange(at)
    token = (await preview(at.api, "invoiceVoid", given))["previewToken"]
    note = {"invoiceId": given["invoiceId"], "amount": "1.00", "reason": "goodwill"}
    await at.api.do("creditNoteCreate", "__typename", **note)

    refused = await at.api.do("invoiceVoid", "__typename", **given, previewToken=token)

    assert refused["__typename"] == PRICE_CHANGED


async def test_a_large_batch_of_usage_can_be_previewed(at: Installation) -> None:
    player = await monthly(at)
    events = [
        {"eventId": f"event {number}", "metric": "BULK_EMAIL", "quantity": 10, "at": player.now.isoformat()}
        for number in range(1_000)
    ]
    given = {"workspaceId": player.workspace_id, "events": events}

    shown = await preview(at.api, "usageRecord", given)
    counted = await at.api.do("usageRecord", "accepted", **given, previewToken=shown["previewToken"])

    assert counted["accepted"] == 1_000
    assert difference(shown["bill"])[0]


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

    (now,) = shown["bill"]["dueNow"]
    assert cents(now["total"]) > 0
    assert cents(now["creditApplied"]) == cents(now["total"])
    assert cents(now["due"]) == 0


@pytest.mark.parametrize(
    ("mutation", "refusal"),
    [(name, each) for name, each in CASES if name in previewed() and each not in NOT_PREVIEWED],
)
async def test_a_preview_tells_why_the_change_would_be_refused(
    at: Installation, mutation: str, refusal: str
) -> None:
    given, expected, *asking = await CASES[mutation, refusal](at)
    (asker,) = asking or [at.api]
    before = await fingerprint(at.engine)

    shown = await preview(asker, mutation, given)

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


@dataclass(frozen=True, slots=True)
class Stands:
    """How an account stands: its next invoice, the issued ones, first to last, what is left to pay, and its credit."""

    next_invoice: dict[str, Any] | None
    issued: list[dict[str, Any]]
    balance: dict[str, dict[str, str]]


async def standing(api: Api, account_id: str) -> Stands:
    """Tell how an account stands."""
    account = (await api.ask(STANDING, id=account_id))["account"]
    issued = [edge["node"] for edge in reversed(account["invoices"]["edges"])]
    assert [invoice.pop("number") for invoice in issued] == list(range(1, len(issued) + 1))
    left = sum(Decimal(each["due"]["amount"]) for each in issued if each.pop("status") == "OPEN")
    return Stands(
        (account["subscription"] or {}).get("nextInvoice"),
        issued,
        {"due": {"amount": f"{left:.2f}"}, "credit": account["creditBalance"]},
    )


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
