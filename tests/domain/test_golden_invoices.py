"""Every golden case of the rule book, told to the rules: the invoices are right to the cent and explain themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from domain.calendar import Period, local_day, opening
from domain.events import units
from domain.facts import ConversionChosen, PlanChanged, PspAdded, PspRemoved, Started, TrialStarted
from domain.folding import phases
from domain.invoicing import section_totals
from domain.pricebook import Metric, Plan
from domain.rating import cost
from domain.sections import Section
from tests.domain.builders import BOOK, BOOKS, Entry, Issued, Recordable, Units, bill, full, gone
from tests.domain.goldens import (
    GOLDEN,
    RATES,
    Accept,
    AddPsp,
    ChangePlan,
    Golden,
    Rate,
    Remove,
    RemovePsp,
    Step,
    TakeBack,
    Use,
)


class Telling:
    """Records a golden story step by step, as the product's facts."""

    def __init__(self, golden: Golden) -> None:
        self.golden = golden
        self.zone = ZoneInfo(golden.zone)
        self.entries: list[Entry] = []
        self.active: list[str] = []
        self.joined = 0
        self.used: dict[str, Units] = {}

    def tell(self) -> list[Entry]:
        """Record the start, the steps, and a trial's conversion."""
        begin, psp = self.golden.started_at, self.golden.psp
        self._accept(begin, self.golden.seats)
        plan = Plan(self.golden.plan)
        trial = TrialStarted(begin, plan, BOOK.version)
        if self.golden.trial:
            self._add(begin, trial)
            self._add(begin, ConversionChosen(begin, plan, psp))
        else:
            self._add(begin, Started(begin, plan, psp, BOOK.version))
        for moment, step in self.golden.moments():
            self._step(moment, step)
        if self.golden.trial:
            ends_on = phases([trial], self.zone, BOOKS)[0].end or date.max
            opens_at = opening(ends_on, self.zone)
            self._add(opens_at, Started(opens_at, plan, psp, BOOK.version, as_day_opens=True))
        return self.entries

    def _add(self, known_at: datetime, what: Recordable) -> None:
        order = len(self.entries) + 1
        placed = what if isinstance(what, Units) else replace(what, order=order)
        self.entries.append(Entry((known_at, order), placed))

    def _accept(self, moment: datetime, seats: int) -> None:
        for _ in range(seats):
            self.joined += 1
            self.active.append(f"teammate {self.joined}")
            self._add(moment, full(self.active[-1], moment))

    def _step(self, moment: datetime, step: Step) -> None:
        match step:
            case Accept(_, seats):
                self._accept(moment, seats)
            case Remove(_, seats):
                for _ in range(seats):
                    self._add(moment, gone(self.active.pop(), moment))
            case ChangePlan(_, plan):
                self._add(moment, PlanChanged(moment, Plan(plan)))
            case AddPsp():
                self._add(moment, PspAdded(moment))
            case RemovePsp():
                self._add(moment, PspRemoved(moment))
            case Use():
                metric, day = (
                    Metric(step.metric),
                    local_day(step.used_at(moment, self.golden.zone), self.zone),
                )
                for event_id in step.event_ids:
                    self.used[event_id] = Units(metric, day, units(metric, step.quantity))
                    self._add(moment, self.used[event_id])
            case TakeBack(_, event_id):
                original = self.used[event_id]
                self._add(moment, replace(original, units=-original.units))


def billed(name: str) -> list[Issued]:
    """Issue the invoices of a golden, up to its last."""
    golden = GOLDEN[name]
    return bill(Telling(golden).tell(), through=golden.invoices[-1].on, zone=ZoneInfo(golden.zone))


@pytest.mark.parametrize("name", GOLDEN)
def test_bills_the_golden_story(name: str) -> None:
    expected = GOLDEN[name].invoices

    made = billed(name)

    assert [
        (invoice.on, invoice.total, invoice.settlement.due, invoice.settlement.balance) for invoice in made
    ] == [(invoice.on, invoice.total_cents, invoice.due, invoice.balance_cents) for invoice in expected]
    assert [section_totals(invoice.lines) for invoice in made] == [invoice.sections for invoice in expected]


@pytest.mark.parametrize("name", GOLDEN)
def test_shows_the_lines_of_the_golden_story_in_order(name: str) -> None:
    for invoice, expected in zip(billed(name), GOLDEN[name].invoices, strict=True):
        shown = [(line.section, line.service.start, line.service.end, line.amount) for line in invoice.lines]

        assert shown == [(line.section, line.start, line.end, line.cents) for line in expected.lines]


@pytest.mark.parametrize("name", GOLDEN)
def test_explains_the_lines_of_the_golden_story(name: str) -> None:
    for invoice, expected in zip(billed(name), GOLDEN[name].invoices, strict=True):
        for line, wanted in zip(invoice.lines, expected.lines, strict=True):
            assert wanted.explanation in (None, line.explanation)


@pytest.mark.parametrize("rate", RATES, ids=lambda rate: f"{rate.metric} {sum(rate.quantities)}")
def test_rates_the_golden_usage(rate: Rate) -> None:
    metric = Metric(rate.metric)

    total = sum(units(metric, quantity) for quantity in rate.quantities)

    assert cost(BOOK.metrics[metric].card, total) == rate.cents


def test_a_pair_is_one_change_and_names_what_it_is_about() -> None:
    october = billed("one to six, then four seats")[1]

    told = [(line.change, line.description, line.quantity) for line in october.lines]

    assert told == [
        ("change:2026-09-15", "Remaining time on Essential: 6 seats from 15 Sep 2026", 6),
        ("change:2026-09-15", "Unused time on 1 seat from 15 Sep 2026", -1),
        ("change:2026-09-20", "Remaining time on Essential: 4 seats from 20 Sep 2026", 4),
        ("change:2026-09-20", "Unused time on 6 seats from 20 Sep 2026", -6),
        (None, "Essential: 4 seats", 4),
    ]


@pytest.mark.parametrize(
    ("name", "nets"),
    [
        ("one to six seats", {"change:2026-09-15": 104_00}),
        ("one to six, then four seats", {"change:2026-09-15": 104_00, "change:2026-09-20": -28_60}),
        ("accepted and removed on one date", {"change:2026-09-15": 20_80, "change:2026-09-16": -19_50}),
        ("seats and plan on one date are one pair", {"change:2026-09-15": 201_60}),
    ],
)
def test_the_two_lines_of_a_change_have_its_net(name: str, nets: dict[str, int]) -> None:
    prorations = [line for line in billed(name)[1].lines if line.section is Section.PRORATIONS]

    net: dict[str | None, int] = {}
    for line in prorations:
        net[line.change] = net.get(line.change, 0) + line.amount

    assert net == nets


def test_the_net_of_a_change_counts_the_seats_it_added() -> None:
    remaining, unused, _ = billed("one to six seats")[1].lines

    assert (remaining.quantity or 0) + (unused.quantity or 0) == 5
    assert remaining.amount + unused.amount == 104_00


def test_an_upgrade_names_the_new_plan_and_both_prices() -> None:
    remaining, unused, _ = billed("three seats upgraded")[1].lines

    assert (remaining.description, remaining.unit_price) == (
        "Remaining time on Advanced: 3 seats from 15 Sep 2026",
        99_00 * 10**6,
    )
    assert unused.unit_price == 39_00 * 10**6


def test_every_line_but_usage_names_the_facts_that_caused_it() -> None:
    for name in GOLDEN:
        facts = {
            entry.known[1]: entry.what
            for entry in Telling(GOLDEN[name]).tell()
            if not isinstance(entry.what, Units)
        }
        for invoice in billed(name):
            for line in invoice.lines:
                assert line.section is Section.ADDITIONAL_USAGE or (
                    line.causes and set(line.causes) <= set(facts)
                )


def test_usage_shows_its_total_and_tiers() -> None:
    october = billed("usage of every metric")[1]

    messages = october.lines[0]

    assert (messages.description, messages.quantity, messages.unit_price) == ("Messages Sent", 3_000, None)
    assert [(part.first, part.last, part.units) for part in messages.tiers] == [
        (1, 500, 500),
        (501, 1_000, 500),
        (1_001, 2_000, 1_000),
        (2_001, 3_000, 1_000),
    ]


def test_late_usage_is_an_adjustment_with_the_dates_of_its_month() -> None:
    november = billed("late messages")[2]

    adjustment = november.lines[0]

    assert adjustment.is_adjustment
    assert adjustment.description == "Adjustment: Messages Sent"
    assert adjustment.service == Period(date(2026, 9, 1), date(2026, 10, 1))
    assert not any(line.is_adjustment for line in november.lines[1:])
