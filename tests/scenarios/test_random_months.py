"""Random months, played through GraphQL, are billed as an independent calculator bills them, line by line."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.application import Api
from tests.reference.actions import (
    Accept,
    Action,
    AddPsp,
    ChangePlan,
    Convert,
    Remove,
    RemovePsp,
    SeatAction,
    Start,
    Story,
    Switch,
    TakeBack,
    Trial,
    Use,
    describe,
    in_order,
    recorded_at,
)
from tests.reference.calculator import RefInvoice, horizon, invoices
from tests.reference.stories import ZONES, random_story
from tests.scenarios.player import Player, Sent, billed_usage, cents, due_at_issue, new_player, opening

SEEDS = (3, 7, 12, 19, 24, 31, 42, 58, 66, 73, 85, 97)
EARLIER = timedelta(days=2)


@pytest.mark.parametrize("seed", SEEDS)
async def test_bills_a_random_story_as_the_reference_does(operator: Api, seed: int) -> None:
    story = random_story(seed)
    expected = invoices(story, horizon(story))

    player = await played(operator, story)

    issued = await player.invoices()
    found = [as_reference(each, balance=player.balances[each["number"]]) for each in issued]
    assert found == expected, describe(story)
    for invoice in expected:
        on = invoice.invoice_on - timedelta(days=1)
        if invoice.number > 1:
            assert await player.usage_costs(on) == billed_usage(issued, on), describe(story)


def test_the_stories_happen_in_every_time_zone_with_trials_and_without() -> None:
    stories = [random_story(seed) for seed in SEEDS]

    assert {story.zone for story in stories} == set(ZONES)
    assert {isinstance(action, Trial) for story in stories for action in story.actions} == {True, False}


async def played(api: Api, story: Story) -> Player:
    """Play a whole story, to the first invoice by which all of it is known."""
    actions = in_order(story.actions)
    player = await new_player(api, now=recorded_at(actions[0]) - EARLIER, zone=story.zone)
    # The reference tells of an account nobody is in at first.
    await player.remove("founder")
    for action in actions:
        await player.go_to(recorded_at(action))
        await do(player, action)
    await player.go_to(max(opening(horizon(story), ZoneInfo(story.zone)), player.now))
    return player


async def do(player: Player, action: Action) -> None:
    """Do one action of a story."""
    account_id = player.account_id
    match action:
        case Start(_, plan, psp):
            await player.do("subscriptionStart", accountId=account_id, plan=plan, psp=psp)
            await player.invoices()
        case Trial(_, plan):
            await player.do("trialStart", accountId=account_id, plan=plan)
        case Convert(_, plan, psp):
            await player.do("trialConvert", accountId=account_id, plan=plan, psp=psp)
        case Accept() | Switch() | Remove():
            await seat(player, action)
        case ChangePlan(_, plan):
            await player.do("planChange", accountId=account_id, plan=plan)
        case AddPsp():
            await player.do("pspAdd", accountId=account_id)
        case RemovePsp():
            await player.do("pspRemove", accountId=account_id)
        case Use() | TakeBack():
            await use(player, action)


async def seat(player: Player, action: SeatAction) -> None:
    """Do what concerns one person's seat."""
    match action:
        case Accept(_, teammate, held):
            await player.seat(teammate, seat=held)
        case Switch(_, teammate, held):
            await player.switch(teammate, seat=held)
        case Remove(_, teammate):
            await player.remove(teammate)


async def use(player: Player, action: Use | TakeBack) -> None:
    """Send a usage event, or take it back."""
    match action:
        case Use(at, _, event_id, metric, quantity):
            await player.use([Sent(event_id, metric, quantity, at)])
        case TakeBack(_, event_id):
            await player.take_back(event_id)


def as_reference(invoice: dict[str, Any], *, balance: int) -> RefInvoice:
    """Read an invoice back in the reference's own shape."""
    return RefInvoice(
        number=invoice["number"],
        invoice_on=date.fromisoformat(invoice["invoiceOn"]),
        lines=tuple(sorted(_line(line) for line in invoice["lines"])),
        total_cents=cents(invoice["total"]),
        credit_applied_cents=cents(invoice["creditApplied"]),
        due_cents=due_at_issue(invoice),
        credit_left_cents=balance,
    )


def _line(line: dict[str, Any]) -> tuple[str, date, date, int]:
    service = line["servicePeriod"]
    start, end = date.fromisoformat(service["start"]), date.fromisoformat(service["end"])
    return line["section"], start, end, cents(line["amount"])
