"""Laws the reference calculator keeps, whatever the story."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

from hypothesis import given, settings

from .actions import (
    Accept,
    ChangePlan,
    Convert,
    Remove,
    Start,
    Story,
    Switch,
    TakeBack,
    Trial,
    Use,
    date_of,
    describe,
    recorded_at,
)
from .calculator import (
    charges_due,
    horizon,
    invoices,
)
from .prices import LITE_SEATS, SEAT_CENTS
from .seats import billed_quantity
from .stories import random_story, stories
from .subscription import paid_subscription, period_start, plan_of_day


@settings(max_examples=60, deadline=None)
@given(stories())
def test_seats_billed_are_the_sum_of_their_days(story: Story) -> None:
    paid = paid_subscription(story)
    assert paid is not None
    number = 0
    while period_start(paid.starts_on, number) < horizon(story):
        start, end = (period_start(paid.starts_on, number + step) for step in (0, 1))
        days = [start + timedelta(days=offset) for offset in range((end - start).days)]
        by_days = Fraction(0)
        for day in days:
            by_days += Fraction(billed_quantity(paid, day) * SEAT_CENTS[plan_of_day(paid, day)], len(days))
        charges = charges_due(story, paid, number + 1)
        lines = [
            amount
            for (name, dated), (*_, amount) in charges.items()
            if name in {"seats ahead", "remaining", "unused"} and start <= dated < end
        ]

        assert abs(by_days - sum(lines)) * 2 <= len(lines), describe(story)
        number += 1


@settings(max_examples=60, deadline=None)
@given(stories())
def test_late_usage_costs_what_it_would_have_cost_in_time(story: Story) -> None:
    in_time = tuple(
        replace(action, recorded_at=action.at) if isinstance(action, Use) else action
        for action in story.actions
    )
    known_on = horizon(story)

    late = sum(invoice.total_cents for invoice in invoices(story, known_on))
    timely = sum(invoice.total_cents for invoice in invoices(replace(story, actions=in_time), known_on))

    assert late == timely, describe(story)


@settings(max_examples=60, deadline=None)
@given(stories())
def test_an_invoice_knows_nothing_of_its_day_or_later(story: Story) -> None:
    for invoice in invoices(story, horizon(story)):
        on = invoice.invoice_on
        known = tuple(
            action
            for action in story.actions
            if date_of(recorded_at(action), zone=story.zone) < on
            or isinstance(action, Start)
            or (invoice.number == 1 and isinstance(action, Accept | Switch | Remove))
        )
        assert invoices(Story(story.zone, known), on)[-1] == invoice, describe(story)


@settings(max_examples=60, deadline=None)
@given(stories())
def test_due_amounts_and_credit_add_up_to_the_totals(story: Story) -> None:
    made = invoices(story, horizon(story))

    assert sum(each.total_cents for each in made) == (
        sum(each.due_cents for each in made) - made[-1].credit_left_cents
    )


def test_stories_are_valid_and_the_same_for_the_same_seed() -> None:
    for seed in range(100):
        story = random_story(seed)

        assert story == random_story(seed)
        _assert_seats_are_possible(story)
        _assert_usage_is_possible(story)


def _assert_seats_are_possible(story: Story) -> None:
    seats: dict[str, str] = {}
    plan = "EXPERT"
    for action in story.actions:
        if isinstance(action, Accept):
            assert action.teammate not in seats
            seats[action.teammate] = action.seat
        if isinstance(action, Switch):
            assert seats[action.teammate] != action.seat
            seats[action.teammate] = action.seat
        if isinstance(action, Remove):
            del seats[action.teammate]
        if isinstance(action, Start | Trial | Convert | ChangePlan):
            plan = action.plan
        assert list(seats.values()).count("LITE") <= LITE_SEATS[plan], describe(story)


def _assert_usage_is_possible(story: Story) -> None:
    events = {action.event_id: action for action in story.actions if isinstance(action, Use)}
    for event in events.values():
        assert timedelta(0) <= event.recorded_at - event.at <= timedelta(days=35)
    taken_back = [action for action in story.actions if isinstance(action, TakeBack)]
    assert len({action.event_id for action in taken_back}) == len(taken_back)
    for action in taken_back:
        assert action.at > events[action.event_id].recorded_at
