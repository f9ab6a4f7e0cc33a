"""Phases of a subscription: stretches billed one way, with plans, add-on, purchases and commitments by date."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from domain.calendar import (
    MONTHS,
    Period,
    Stamp,
    closing_stamp,
    intervals_from,
    local_day,
    month_of,
    opening,
    opening_stamp,
    span_of,
)
from domain.facts import (
    ContractTerms,
    Fact,
    RenewalSet,
    in_order,
)
from domain.pricebook import Plan, PriceBook
from domain.proration import Months, Share

V = TypeVar("V")


class PhaseKind(StrEnum):
    """How a stretch of a subscription is billed."""

    TRIAL = "TRIAL"
    MONTHLY = "MONTHLY"
    EARLY_STAGE = "EARLY_STAGE"
    YEARLY = "YEARLY"
    CONTRACT = "CONTRACT"


class Parting(StrEnum):
    """How a phase came to its end: its paid period was over, it was cut short, or it was cut and billed apart."""

    OVER = "OVER"
    CUT = "CUT"
    CUT_APART = "CUT_APART"


@dataclass(frozen=True, slots=True)
class PspSpan:
    """Access to Proactive Support Plus from a moment until a day opens (None: until removed)."""

    added: Stamp
    until: date | None
    order: int

    def covers(self, moment: datetime, zone: ZoneInfo) -> bool:
        """Tell whether there is access as the moment passes."""
        return self.added[0] <= moment and (self.until is None or moment < opening(self.until, zone))

    def meets(self, period: Period, zone: ZoneInfo) -> bool:
        """Tell whether there is access on some day of the period."""
        is_begun = local_day(self.added[0], zone) < period.end
        return is_begun and (self.until is None or period.start < self.until)

    def is_billed_ahead(self, stamp: Stamp, period: Period) -> bool:
        """Tell whether the period that opens at the stamp finds it active (section 6)."""
        return self.added <= stamp and (self.until is None or period.start < self.until)


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of a subscription billed one way, over `[start, end)`; `opened` and `closed` are when that was said.

    Months and terms count from `anchor`. `purchases` are a yearly subscription's seats, `terms` a contract's, each
    from its stamp; changes of purchased seats and the add-on of the dates in `pairs_at_once` and `psp_at_once` are
    invoiced at once.
    """

    kind: PhaseKind
    anchor: date
    start: date
    end: date | None
    opened: Stamp
    book: PriceBook
    plans: tuple[tuple[Stamp, Plan], ...]
    psp: tuple[PspSpan, ...] = ()
    purchases: tuple[tuple[Stamp, int], ...] = ()
    terms: tuple[tuple[Stamp, ContractTerms], ...] = ()
    pairs_at_once: frozenset[date] = frozenset()
    psp_at_once: frozenset[date] = frozenset()
    closed: Stamp | None = None
    parting: Parting = Parting.OVER

    @property
    def plan(self) -> Plan:
        """Latest plan recorded."""
        return self.plans[-1][1]

    @property
    def billing_months(self) -> int:
        """Length in months of what is billed ahead."""
        if self.kind is PhaseKind.YEARLY:
            return MONTHS
        return self.terms[0][1].billing_months if self.terms else 1

    @property
    def term_months(self) -> int:
        """Length in months of what is paid or signed for."""
        return self.terms[0][1].months if self.terms else self.billing_months

    def lite_seats_included(self, plan: Plan) -> int:
        """Lite seats the account may hold on a plan: the plan's number, or that of the contract (section 4)."""
        agreed = self.terms[-1][1].lite_seats if self.terms else None
        return self.book.plans[plan].lite_seats_included if agreed is None else agreed

    def plan_before(self, stamp: Stamp) -> tuple[Stamp, Plan]:
        """Give the plan in force just before the stamp, with the stamp of the fact behind it."""
        return last_before(self.plans, stamp)

    def plan_on(self, day: date, zone: ZoneInfo) -> Plan:
        """Final plan of a day (section 5: pairs follow days)."""
        return self.plan_before(closing_stamp(day, zone))[1]

    def opens(self, period: Period, zone: ZoneInfo) -> Stamp:
        """Give the stamp whose state is billed ahead for a period: as its day opens, or when the phase began."""
        return self.opened if period.start <= self.start else opening_stamp(period.start, zone)

    def purchased_before(self, stamp: Stamp) -> int:
        """Purchased seats just before the stamp."""
        return last_before(self.purchases, stamp)[1]

    def purchased_on(self, day: date, zone: ZoneInfo) -> int:
        """Purchased seats at the end of a day."""
        return self.purchased_before(closing_stamp(day, zone))

    def terms_on(self, day: date, zone: ZoneInfo) -> ContractTerms:
        """Contract terms at the end of a day."""
        return last_before(self.terms, closing_stamp(day, zone))[1]

    def psp_at(self, moment: datetime, zone: ZoneInfo) -> PspSpan | None:
        """Give the span of Proactive Support Plus that covers the moment."""
        return next((span for span in self.psp if span.covers(moment, zone)), None)

    def month_of(self, day: date) -> Period:
        """Give the uncut monthly period, from the anchor, that holds the day."""
        return month_of(self.anchor, day)

    def months_in(self, run: Period) -> Months:
        """Count a run of dates in the phase's months."""
        whole, broken, month = 0, [], self.month_of(run.start)
        while month.start < run.end:
            inside = Period(max(run.start, month.start), min(run.end, month.end))
            if inside == month:
                whole += 1
            else:
                broken.append(Share(inside.days, month.days))
            month = self.month_of(month.end)
        return Months(whole, tuple(broken))

    def term_of(self, day: date) -> Period:
        """Give the term, from the anchor, that holds the day: a month, a year, or a contract's length."""
        return span_of(self.anchor, day, self.term_months)

    def holds(self, day: date) -> bool:
        """Tell whether a date is of the phase."""
        return self.start <= day and (self.end is None or day < self.end)

    def within(self, period: Period) -> Period:
        """Cut a period to the phase."""
        return Period(max(period.start, self.start), min(period.end, self.end or period.end))

    def billed_ahead(self, through: date, zone: ZoneInfo, *, months: int) -> Iterator[Period]:
        """Yield the uncut periods of some months that the phase has opened, no later than `through`.

        A phase cut in the course of a period's first day had opened that period.
        """
        for period in intervals_from(self.anchor, self.start, months):
            if period.start > through or (self.end is not None and period.start > self.end):
                return
            if period.start == self.end and not self._opened_before_cut(period, zone):
                return
            yield period

    def months(self, through: date) -> Iterator[Period]:
        """Yield the uncut months that begin in the phase or hold its start, no later than `through`."""
        for month in intervals_from(self.anchor, self.start, 1):
            if month.start > through or (self.end is not None and month.start >= self.end):
                return
            yield month

    def _opened_before_cut(self, period: Period, zone: ZoneInfo) -> bool:
        is_cut = self.parting is not Parting.OVER and period.start >= self.start
        return is_cut and self.closed is not None and self.opens(period, zone) < self.closed


def last_before(entries: tuple[tuple[Stamp, V], ...], stamp: Stamp) -> tuple[Stamp, V]:
    """Give the last entry just before the stamp, or the first one."""
    return next((entry for entry in reversed(entries) if entry[0] < stamp), entries[0])


def phase_on(found: Sequence[Phase], day: date) -> Phase | None:
    """Give the phase that holds the date; the date of a cut belongs to the phase it opens."""
    return next((phase for phase in reversed(found) if phase.holds(day)), None)


def phase_at(found: Iterable[Phase], moment: datetime, zone: ZoneInfo) -> Phase | None:
    """Give the phase that holds the moment, as it is then: without what is scheduled for later."""
    holding = None
    for phase in found:
        if phase.opened[0] <= moment and (phase.end is None or moment < ends_at(phase, zone)):
            holding = phase
    return _as_of(holding, moment) if holding else None


def ends_at(phase: Phase, zone: ZoneInfo) -> datetime:
    """Give the moment at which a phase that has an end gives no more access: as it was closed, or as a day opens."""
    if phase.closed is not None:
        return phase.closed[0]
    return opening(phase.end or phase.start, zone)


def renewal_set(facts: Iterable[Fact], phase: Phase, *, today: date, zone: ZoneInfo) -> RenewalSet | None:
    """Give what is set to change as a yearly phase's running term renews; nothing in it takes it back."""
    if phase.kind is not PhaseKind.YEARLY:
        return None
    term = phase.term_of(today)
    wanted = [
        fact
        for fact in in_order(facts)
        if isinstance(fact, RenewalSet)
        and fact.at >= phase.opened[0]
        and phase.term_of(local_day(fact.at, zone)) == term
    ]
    return wanted[-1] if wanted else None


def _as_of(phase: Phase, moment: datetime) -> Phase:
    return replace(
        phase,
        plans=_until(phase.plans, moment),
        purchases=_until(phase.purchases, moment),
        terms=_until(phase.terms, moment),
    )


def _until(entries: tuple[tuple[Stamp, V], ...], moment: datetime) -> tuple[tuple[Stamp, V], ...]:
    return entries[:1] + tuple(entry for entry in entries[1:] if entry[0][0] <= moment)
