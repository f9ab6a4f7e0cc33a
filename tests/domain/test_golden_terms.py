"""Every golden case of years, contracts, the programme, cuts and ends, told to the rules, is right to the cent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from domain.calendar import local_day, opening
from domain.events import units
from domain.facts import (
    BookMigrated,
    Cancelled,
    Commitment,
    ContractAmended,
    ContractEnded,
    ContractSigned,
    ContractTerms,
    ConversionChosen,
    EarlyStageStarted,
    Fact,
    PlanChanged,
    PspAdded,
    PspRemoved,
    RenewalSet,
    Resumed,
    SeatsPurchased,
    Started,
    TrialExtended,
    TrialStarted,
    YearlyStarted,
)
from domain.money import PRICE_PER_CENT
from domain.pricebook import Metric, Plan
from tests.domain.builders import BOOK, DEARER, Entry, Issued, Recordable, Units, full, gone
from tests.domain.closing import bill_account
from tests.domain.golden_story import Accept, Number, Remove, RemovePsp, TakeBack, Use
from tests.domain.golden_term_story import (
    AddPsp,
    AmendContract,
    BuySeats,
    Cancel,
    ChangePlan,
    EndContract,
    ExtendTrial,
    Migrate,
    Resume,
    SetRenewal,
    SignContract,
    StartEarlyStage,
    StartMonthly,
    StartTrial,
    StartYearly,
    Step,
    TermGolden,
    Terms,
)
from tests.domain.goldens_terms import TERM_GOLDEN, TERM_NUMBERS


class Telling:
    """Records a golden story step by step, as the product's facts."""

    def __init__(self, golden: TermGolden) -> None:
        self.golden = golden
        self.zone = ZoneInfo(golden.zone)
        self.entries: list[Entry] = []
        self.active: list[str] = []
        self.joined = 0
        self.used: dict[str, Units] = {}

    def tell(self) -> list[Entry]:
        """Record the seats held as the story begins, then its steps."""
        moments = list(self.golden.moments())
        self._accept(moments[0][0], self.golden.seats)
        for moment, step in moments:
            self._step(moment, step)
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
            case Use():
                metric, used_at = Metric(step.metric), step.used_at(moment, self.golden.zone)
                for event_id in step.event_ids:
                    day = local_day(used_at, self.zone)
                    self.used[event_id] = Units(metric, day, units(metric, step.quantity))
                    self._add(moment, self.used[event_id])
            case TakeBack(_, event_id):
                original = self.used[event_id]
                self._add(moment, replace(original, units=-original.units))
            case StartTrial(_, plan, convert_to, psp):
                self._add(moment, TrialStarted(moment, Plan(plan), BOOK.version))
                if convert_to:
                    self._add(moment, ConversionChosen(moment, Plan(convert_to), psp))
            case Migrate(_, on):
                at = opening(on, self.zone) if on else moment
                self._add(moment, BookMigrated(at, DEARER.version, as_day_opens=on is not None))
            case _:
                self._add(moment, _fact(moment, step))


PLAIN: Mapping[type[Step], Callable[[datetime], Fact]] = {
    ExtendTrial: TrialExtended,
    RemovePsp: PspRemoved,
    EndContract: ContractEnded,
    Cancel: Cancelled,
    Resume: Resumed,
}
"""Steps of which the product records no more than the moment."""


def _fact(at: datetime, step: Step) -> Fact:
    fact: Fact
    match step:
        case StartMonthly() | StartYearly() | StartEarlyStage() | SignContract():
            fact = _beginning(at, step)
        case AmendContract(_, terms):
            fact = ContractAmended(at, _terms(terms))
        case BuySeats(_, seats, invoice_now):
            fact = SeatsPurchased(at, seats, invoice_now)
        case ChangePlan(_, plan, invoice_now):
            fact = PlanChanged(at, Plan(plan), invoice_now)
        case AddPsp(_, invoice_now):
            fact = PspAdded(at, invoice_now)
        case SetRenewal(_, wanted, coming, keeps_psp, monthly):
            fact = RenewalSet(at, wanted, Plan(coming) if coming else None, keeps_psp, monthly)
        case _:
            fact = PLAIN[type(step)](at)
    return fact


def _beginning(at: datetime, step: StartMonthly | StartYearly | StartEarlyStage | SignContract) -> Fact:
    match step:
        case StartMonthly(_, plan, psp):
            return Started(at, Plan(plan), psp, BOOK.version)
        case StartYearly(_, plan, seats, psp):
            return YearlyStarted(at, Plan(plan), seats, psp, BOOK.version)
        case StartEarlyStage():
            return EarlyStageStarted(at, BOOK.version)
        case SignContract(_, terms):
            return ContractSigned(at, _terms(terms), BOOK.version)


def _terms(terms: Terms) -> ContractTerms:
    return ContractTerms(
        plan=Plan(terms.plan),
        months=terms.months,
        billing_months=terms.every,
        seats=terms.seats,
        seat_price=None if terms.seat_cents is None else terms.seat_cents * PRICE_PER_CENT,
        usage=tuple(Commitment(Metric(metric), committed) for metric, committed in terms.usage),
        psp_from=terms.psp_from,
        psp_until=terms.psp_until,
    )


def billed(name: str, *, cut: bool = False) -> list[Issued]:
    """Issue the invoices of a golden."""
    golden = TERM_GOLDEN[name]
    return bill_account(Telling(golden).tell(), through=golden.through, zone=ZoneInfo(golden.zone), cut=cut)


@pytest.mark.parametrize("cut", [False, True], ids=["all recomputed", "what can have moved recomputed"])
@pytest.mark.parametrize("name", TERM_GOLDEN)
def test_bills_the_golden_story(name: str, cut: bool) -> None:
    made = billed(name, cut=cut)

    assert [
        (invoice.on, str(invoice.stream), invoice.total, invoice.settlement.due, invoice.settlement.balance)
        for invoice in made
    ] == [
        (invoice.on, invoice.stream, invoice.total_cents, invoice.due, invoice.balance_cents)
        for invoice in TERM_GOLDEN[name].invoices
    ]


@pytest.mark.parametrize("name", TERM_GOLDEN)
def test_shows_the_lines_of_the_golden_story_in_order(name: str) -> None:
    for invoice, expected in zip(billed(name), TERM_GOLDEN[name].invoices, strict=True):
        shown = [(line.section, line.service.start, line.service.end, line.amount) for line in invoice.lines]

        assert shown == [(line.section, line.start, line.end, line.cents) for line in expected.lines]


@pytest.mark.parametrize("name", TERM_GOLDEN)
def test_explains_the_lines_of_the_golden_story(name: str) -> None:
    for invoice, expected in zip(billed(name), TERM_GOLDEN[name].invoices, strict=True):
        for line, wanted in zip(invoice.lines, expected.lines, strict=True):
            assert wanted.explanation in (None, line.explanation)


@pytest.mark.parametrize(
    "number", TERM_NUMBERS, ids=lambda number: f"{number.section}: {number.golden}: {number.cents}"
)
def test_every_golden_number_is_shown_by_its_story(number: Number) -> None:
    shown: set[int] = set()
    for invoice in TERM_GOLDEN[number.golden].invoices:
        shown |= {invoice.total_cents, invoice.due, invoice.balance_cents}
        shown |= {line.cents for line in invoice.lines}

    assert number.cents in shown


@pytest.mark.parametrize("golden", TERM_GOLDEN.values(), ids=TERM_GOLDEN)
def test_a_story_is_told_in_order(golden: TermGolden) -> None:
    days = [step.happened_on for step in golden.steps]
    moments = [moment for moment, _ in golden.moments()]
    invoices = [invoice.on for invoice in golden.invoices]

    assert days == sorted(days)
    assert invoices == sorted(invoices)
    assert all(earlier < later for earlier, later in pairwise(moments))
    assert all(on <= golden.through for on in (*days, *invoices))
