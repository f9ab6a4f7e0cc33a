"""Every golden case of the rule book, played through GraphQL on a test clock and read back to the cent."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests.application import Api
from tests.domain.goldens import (
    GOLDEN,
    RATES,
    Accept,
    AddPsp,
    ChangePlan,
    ExpectedInvoice,
    Golden,
    Rate,
    Remove,
    RemovePsp,
    Step,
    TakeBack,
    Use,
)
from tests.scenarios.player import Player, Sent, billed_usage, cents, due_at_issue, new_player, opening

BEFORE = timedelta(hours=1)


@pytest.mark.parametrize("golden", GOLDEN.values(), ids=GOLDEN)
async def test_a_golden_story_gets_its_invoices(operator: Api, golden: Golden) -> None:
    player = await opened(operator, golden)

    for moment, step in golden.moments():
        await player.go_to(moment)
        await take(player, step)
    await player.go_to(max(opening(golden.invoices[-1].on, player.zone), player.now))

    invoices = await player.invoices()
    assert [invoice["number"] for invoice in invoices] == list(range(1, len(golden.invoices) + 1))
    for invoice, expected in zip(invoices, golden.invoices, strict=True):
        assert_is(invoice, expected, balance=player.balances[invoice["number"]])
    for start in usage_periods(golden):
        assert await player.usage_costs(start) == billed_usage(invoices, start)


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: f"{rate.metric} {sum(rate.quantities)}")
async def test_usage_costs_what_the_price_book_says(operator: Api, rate: Rate) -> None:
    golden = GOLDEN["the add-on from the start"]
    player = await opened(operator, golden)
    sent = [
        Sent(f"event-{number}", rate.metric, quantity, player.now)
        for number, quantity in enumerate(rate.quantities)
    ]

    if sent:
        await player.use(sent)
    await player.go_to(opening(date(2026, 10, 1), player.zone))

    shown = await player.usage_costs(golden.start)
    usage = sections((await player.invoices())[-1]).get("ADDITIONAL_USAGE", 0)
    assert usage == sum(shown.values()) == rate.cents


async def opened(api: Api, golden: Golden) -> Player:
    """Open the story's account with its people and start its subscription or trial."""
    player = await new_player(api, now=golden.started_at - BEFORE, zone=golden.zone, name=golden.name)
    if golden.seats == 0:
        await player.remove("founder")
    for number in range(2, golden.seats + 1):
        await player.seat(f"mate-{number}")
    await player.go_to(golden.started_at)
    if golden.trial:
        await player.do("trialStart", accountId=player.account_id, plan=golden.plan)
        await player.do("trialConvert", accountId=player.account_id, plan=golden.plan, psp=golden.psp)
    else:
        await player.do("subscriptionStart", accountId=player.account_id, plan=golden.plan, psp=golden.psp)
        await player.invoices()
    return player


async def take(player: Player, step: Step) -> None:
    """Do one step of a story."""
    match step:
        case Accept(_, seats):
            known = len(player.people)
            for number in range(known + 1, known + seats + 1):
                await player.seat(f"mate-{number}")
        case Remove(_, seats):
            for name in list(reversed(player.people))[:seats]:
                await player.remove(name)
                del player.people[name]
        case ChangePlan(_, plan):
            await player.do("planChange", accountId=player.account_id, plan=plan)
        case AddPsp():
            await player.do("pspAdd", accountId=player.account_id)
        case RemovePsp():
            await player.do("pspRemove", accountId=player.account_id)
        case Use():
            at = step.used_at(player.now, str(player.zone))
            await player.use(Sent(name, step.metric, step.quantity, at) for name in step.event_ids)
        case TakeBack(_, event_id):
            await player.take_back(event_id)


def assert_is(invoice: dict[str, Any], expected: ExpectedInvoice, *, balance: int) -> None:
    """Compare an invoice read back with the one the rule book names."""
    assert invoice["invoiceOn"] == expected.on.isoformat()
    assert cents(invoice["total"]) == expected.total_cents
    assert sections(invoice) == dict(expected.sections)
    assert due_at_issue(invoice) == expected.due
    assert cents(invoice["due"]) == 0
    assert invoice["status"] == "PAID"
    assert balance == expected.balance_cents
    if expected.lines:
        assert [line_of(line) for line in invoice["lines"]] == [
            (line.section, line.start.isoformat(), line.end.isoformat(), line.cents)
            for line in expected.lines
        ]
        for line, wanted in zip(invoice["lines"], expected.lines, strict=True):
            assert wanted.explanation in {None, line["explanation"]}


def sections(invoice: dict[str, Any]) -> dict[str, int]:
    """Give the sum of each section."""
    return {group["section"]: cents(group["total"]) for group in invoice["sections"]}


def line_of(line: dict[str, Any]) -> tuple[str, str, str, int]:
    """Give what a story fixes about a line."""
    service = line["servicePeriod"]
    return line["section"], service["start"], service["end"], cents(line["amount"])


def usage_periods(golden: Golden) -> list[date]:
    """Give a date in each paid period that was closed."""
    return [invoice.on for invoice in golden.invoices[:-1]]
