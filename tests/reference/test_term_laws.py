"""Laws of the reference for any account, and its agreement with that of monthly ones."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

from . import calculator
from .account import Account
from .actions import Accept, Remove, Story, Switch, TakeBack, Use, date_of, describe, recorded_at
from .phases import Call, Phase, Snapshot
from .prices import LITE_SEATS
from .stories import random_story
from .term_stories import random_term_story
from .terms import charges_of, horizon, invoices, live

SEEDS = range(150)
SEAT_CHARGES = {"seats ahead", "remaining", "unused", "seats unused"}


def test_bills_monthly_accounts_as_the_calculator_of_section_6_does() -> None:
    for seed in SEEDS:
        story = random_story(seed)
        through = calculator.horizon(story)

        assert horizon(story) == through, describe(story)
        assert invoices(story, through) == calculator.invoices(story, through), describe(story)


def test_seats_billed_in_a_phase_that_is_over_are_the_sum_of_its_days() -> None:
    for seed in SEEDS:
        story = random_term_story(seed)
        account, through = _lived(story)
        for phase in account.phases:
            if phase.ends_on is None or phase.kind == "EARLY_STAGE":
                continue
            call = Call("ALL", phase.subscription, phases=frozenset({phase.number}))
            charges = charges_of(account, call, on=through)
            lines = [amount for (_, name, _), (*_, amount) in charges.items() if name in SEAT_CHARGES]
            by_days = Fraction(0)
            day = phase.starts_on
            while day < phase.ends_on:
                by_days += _cost_of_day(phase, day, phase.days[day])
                day += timedelta(days=1)

            assert abs(by_days - sum(lines)) * 2 <= len(lines), (seed, phase.kind, describe(story))


def test_an_invoice_knows_nothing_of_what_comes_later() -> None:
    for seed in SEEDS[:60]:
        story = random_term_story(seed)
        for invoice in invoices(story, horizon(story))[::5]:
            on = invoice.invoice_on
            known = tuple(
                action for action in story.actions if date_of(recorded_at(action), zone=story.zone) <= on
            )
            earlier = invoices(Story(story.zone, known, story.next_book_on), on)

            assert earlier[invoice.number - 1] == invoice, (seed, describe(story))


def test_due_amounts_and_credit_of_any_story_add_up_to_the_totals() -> None:
    for seed in SEEDS:
        story = random_term_story(seed)
        made = invoices(story, horizon(story))
        credit = made[-1].credit_left_cents if made else 0

        assert sum(each.total_cents for each in made) == sum(each.due_cents for each in made) - credit
        assert [each.number for each in made] == list(range(1, len(made) + 1))
        assert all(each.total_cents == sum(line[3] for line in each.lines) for each in made)


def test_term_stories_are_valid_and_the_same_for_the_same_seed() -> None:
    for seed in SEEDS:
        story = random_term_story(seed)
        seats: dict[str, str] = {}
        for action in story.actions:
            if isinstance(action, Accept):
                assert action.teammate not in seats
            if isinstance(action, Switch):
                assert seats[action.teammate] != action.seat
            if isinstance(action, Accept | Switch):
                seats[action.teammate] = action.seat
            if isinstance(action, Remove):
                del seats[action.teammate]
            assert list(seats.values()).count("LITE") <= max(LITE_SEATS.values())
        events = {action.event_id: action for action in story.actions if isinstance(action, Use)}
        taken_back = [action for action in story.actions if isinstance(action, TakeBack)]

        assert story == random_term_story(seed)
        assert all(
            timedelta(0) <= event.recorded_at - event.at <= timedelta(days=35) for event in events.values()
        )
        assert all(action.at > events[action.event_id].recorded_at for action in taken_back)


def _lived(story: Story) -> tuple[Account, date]:
    account, through = Account(zone=story.zone, next_book_on=story.next_book_on), horizon(story)
    for _ in live(account, story, through):
        pass
    return account, through


def _cost_of_day(phase: Phase, day: date, state: Snapshot) -> Fraction:
    """Price one day of the seats paid ahead, in exact cents."""
    month = phase.month_of(day)
    if phase.kind == "MONTHLY":
        return Fraction(max(1, state.held) * phase.book.month_cents[state.plan], month.days)
    start = max(opened for opened in phase.opened if opened <= day and phase.is_billing_start(opened))
    length = (phase.billing_end(start) - start).days
    if phase.kind == "YEARLY":
        return Fraction(state.purchased * phase.book.year_cents[state.plan], length)
    assert state.terms is not None
    list_price = phase.book.month_cents[state.terms.plan]
    unit = list_price if state.terms.unit_cents is None else state.terms.unit_cents
    return Fraction(state.terms.seats * unit * phase.every, length)
