"""Laws of the bill that hold whatever happens to an account."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.calendar import days_of, opening
from domain.charges import History, charges
from domain.invoicing import Billed, next_lines, section_totals, total
from domain.money import PRICE_PER_CENT
from domain.monthly import billed_seats
from domain.pricebook import Metric
from domain.rating import cost
from domain.seats import full_seats
from domain.sections import Section
from tests.domain.builders import BOOK, Entry, Units, add_billed, bill, history, paid_phase
from tests.domain.retell import entries_of
from tests.reference.actions import Story, describe
from tests.reference.calculator import horizon
from tests.reference.stories import random_story, stories

any_story = settings(max_examples=120, deadline=None)
STORIES = stories() | st.integers(0, 10**6).map(random_story)


@any_story
@given(STORIES)
def test_seats_billed_for_a_period_are_the_sum_of_its_days(story: Story) -> None:
    zone, entries = ZoneInfo(story.zone), entries_of(story)
    facts, phase, through = history(entries, zone=zone), paid_phase(entries, zone), horizon(story)
    seats = full_seats(facts.seat_changes, zone, since=phase.opened)
    due = charges(facts, through=through)
    for period in phase.months(through - timedelta(days=1)):
        by_days = Fraction(0)
        for day in days_of(period):
            price = phase.book.plans[phase.plan_on(day, zone)].monthly
            by_days += Fraction(billed_seats(seats.on(day)) * price, PRICE_PER_CENT * period.days)
        amounts = [
            charge.amount
            for charge in due
            if charge.period == period and charge.key.startswith(("seats:", "remaining:", "unused:"))
        ]

        assert abs(by_days - sum(amounts)) * 2 <= len(amounts), describe(story)


@any_story
@given(STORIES)
def test_closing_twice_bills_nothing(story: Story) -> None:
    zone, entries, through = ZoneInfo(story.zone), entries_of(story), horizon(story)
    billed: dict[str, Billed] = {}
    for invoice in bill(entries, through=through, zone=zone):
        add_billed(billed, invoice.lines)

    assert next_lines(history(entries, zone=zone), billed, on=through) == (), describe(story)


@any_story
@given(STORIES, st.integers(0, 10**6))
def test_the_order_in_which_facts_are_held_does_not_matter(story: Story, seed: int) -> None:
    facts = history(entries_of(story), zone=ZoneInfo(story.zone))
    shuffle = random.Random(seed)
    mixed = History(
        zone=facts.zone,
        facts=tuple(shuffle.sample(facts.facts, len(facts.facts))),
        seat_changes=tuple(shuffle.sample(facts.seat_changes, len(facts.seat_changes))),
        usage=dict(shuffle.sample(list(facts.usage.items()), len(facts.usage))),
        books=facts.books,
    )

    told, retold = charges(facts, through=horizon(story)), charges(mixed, through=horizon(story))

    # The causes of one day are named in the order of the teammates.
    assert [replace(charge, causes=()) for charge in retold] == [
        replace(charge, causes=()) for charge in told
    ]
    assert [sorted(charge.causes) for charge in retold] == [sorted(charge.causes) for charge in told]


@any_story
@given(STORIES)
def test_a_total_is_the_sum_of_its_lines_and_of_its_sections(story: Story) -> None:
    for invoice in bill(entries_of(story), through=horizon(story), zone=ZoneInfo(story.zone)):
        assert invoice.total == sum(line.amount for line in invoice.lines)
        assert invoice.total == sum(section_totals(invoice.lines).values())
        assert all(line.amount for line in invoice.lines)


@any_story
@given(STORIES)
def test_all_that_is_billed_is_all_that_is_due(story: Story) -> None:
    zone, entries, through = ZoneInfo(story.zone), entries_of(story), horizon(story)

    invoices = bill(entries, through=through, zone=zone)

    due = sum(charge.amount for charge in charges(history(entries, zone=zone), through=through))
    assert sum(total(invoice.lines) for invoice in invoices) == due, describe(story)
    paid = sum(invoice.settlement.due for invoice in invoices)
    assert paid - (invoices[-1].settlement.balance if invoices else 0) == due


@any_story
@given(STORIES, st.integers(1, 12_000), st.integers(0, 200), st.sampled_from(list(Metric)))
def test_a_late_fact_moves_only_its_own_charge(story: Story, late: int, day: int, metric: Metric) -> None:
    zone, entries, through = ZoneInfo(story.zone), entries_of(story), horizon(story)
    phase = paid_phase(entries, zone)
    assume(phase.start < through)  # a story may end with its trial: no paid day to use anything on
    used_on = phase.start + timedelta(days=day % (through - phase.start).days)
    entry = Entry((opening(through, zone), 0), Units(metric, used_on, late))
    billed: dict[str, Billed] = {}
    for invoice in bill(entries, through=through, zone=zone):
        add_billed(billed, invoice.lines)
    before = history(entries, zone=zone).usage
    month = phase.month_of(used_on)
    units = sum(units for (used, on), units in before.items() if used is metric and on in month)
    card = BOOK.metrics[metric].card

    lines = next_lines(history([*entries, entry], zone=zone), billed, on=through)

    moved = cost(card, units + late) - cost(card, units)
    assert [(line.key, line.section, line.service, line.amount) for line in lines] == [
        (f"usage:{metric}:{month.start}", Section.ADDITIONAL_USAGE, month, moved) for _ in range(1) if moved
    ]


@any_story
@given(STORIES)
def test_usage_moves_no_line_of_seats_or_add_on(story: Story) -> None:
    zone, through = ZoneInfo(story.zone), horizon(story)
    entries = entries_of(story)
    invoices = bill(entries, through=through, zone=zone)
    quiet = [entry for entry in entries if not isinstance(entry.what, Units)]

    without_usage = bill(quiet, through=through, zone=zone)

    for invoice in invoices:
        kept = tuple(line for line in invoice.lines if line.section is not Section.ADDITIONAL_USAGE)
        others = [other.lines for other in without_usage if other.on == invoice.on]
        assert kept == (others[0] if others else ())
