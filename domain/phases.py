"""A subscription's facts folded into phases: stretches billed one way, with plans, add-on and commitments by date."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
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
    scheduled_stamp,
    span_of,
)
from domain.facts import (
    BookMigrated,
    Cancelled,
    Change,
    ContractAmended,
    ContractEnded,
    ContractSigned,
    ContractTerms,
    EarlyStageStarted,
    Ended,
    Fact,
    Opening,
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
    in_order,
    is_invoiced_now,
)
from domain.pricebook import Plan, PriceBook

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

    def term_of(self, day: date) -> Period:
        """Give the term, from the anchor, that holds the day: a month, a year, or a contract's length."""
        return span_of(self.anchor, day, self.term_months)

    def billing_period_of(self, day: date) -> Period:
        """Give the uncut period billed ahead that holds the day."""
        return span_of(self.anchor, day, self.billing_months)

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


def phases(facts: Iterable[Fact], zone: ZoneInfo, books: Mapping[int, PriceBook]) -> tuple[Phase, ...]:
    """Fold the facts of one subscription, in any order, into its phases."""
    found: list[Phase] = []
    due: RenewalSet | None = None
    for fact in in_order(facts):
        if due and _renews_at(found[-1], due, zone) <= _stamp(fact):
            found = _renewed(found, due, zone)
            due = None
        if isinstance(fact, RenewalSet):
            due = fact
        elif isinstance(fact, Opening):
            if found:
                parting = Parting.OVER if found[-1].kind is PhaseKind.TRIAL else Parting.CUT
                found[-1] = _closed(found[-1], fact, zone, parting)
            found.append(_opened(fact, zone, books[fact.book_version]))
        elif isinstance(fact, BookMigrated):
            if _is_set_anew(found, fact, zone):
                found[-1] = replace(found[-1], book=books[fact.book_version])
            elif not _is_overtaken(found[-1], fact, zone):
                found += _migrated(found.pop(), fact, zone, books[fact.book_version])
        else:
            found[-1] = _changed(found[-1], fact, zone)
    if due:
        found = _renewed(found, due, zone)
    return tuple(found)


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


def _stamp(fact: Fact) -> Stamp:
    return fact.at, fact.order


def _opened(fact: Opening, zone: ZoneInfo, book: PriceBook) -> Phase:
    start, stamp = local_day(fact.at, zone), _stamp(fact)
    add_on = (PspSpan(stamp, None, fact.order),)
    match fact:
        case TrialStarted():
            end = start + timedelta(days=book.trial_days)
            return Phase(PhaseKind.TRIAL, start, start, end, stamp, book, ((stamp, fact.plan),), add_on)
        case Started():
            opened = opening_stamp(start, zone) if fact.as_day_opens else stamp
            paid_from_start = (PspSpan(opened, None, fact.order),) if fact.is_psp else ()
            plans = ((stamp, fact.plan),)
            return Phase(PhaseKind.MONTHLY, start, start, None, opened, book, plans, paid_from_start)
        case YearlyStarted():
            spans = add_on if fact.is_psp else ()
            bought = ((stamp, fact.seats),)
            plans = ((stamp, fact.plan),)
            return Phase(PhaseKind.YEARLY, start, start, None, stamp, book, plans, spans, bought)
        case EarlyStageStarted():
            plans = ((stamp, book.early_stage.plan),)
            return Phase(PhaseKind.EARLY_STAGE, start, start, None, stamp, book, plans, add_on)
        case ContractSigned():
            plans, terms = ((stamp, fact.terms.plan),), ((stamp, fact.terms),)
            agreed = _contract_psp(fact.terms, stamp, fact.order, zone)
            return Phase(PhaseKind.CONTRACT, start, start, None, stamp, book, plans, agreed, terms=terms)


def _contract_psp(terms: ContractTerms, stamp: Stamp, order: int, zone: ZoneInfo) -> tuple[PspSpan, ...]:
    if terms.psp_from is None:
        return ()
    added = max(stamp, opening_stamp(terms.psp_from, zone))
    return (PspSpan(added, terms.psp_until, order),)


def _closed(phase: Phase, fact: Opening | BookMigrated, zone: ZoneInfo, parting: Parting) -> Phase:
    """End a phase where the next begins; the date belongs to the next, access until the moment to this one."""
    stamp = _stamp(fact)
    if isinstance(fact, Started | BookMigrated) and fact.as_day_opens:
        stamp = opening_stamp(local_day(fact.at, zone), zone)
    return replace(phase, end=local_day(fact.at, zone), closed=stamp, parting=parting)


def _is_overtaken(phase: Phase, fact: BookMigrated, zone: ZoneInfo) -> bool:
    """Tell whether a scheduled migration came to nothing: another agreement was made since, or it ends before."""
    is_agreed_since = phase.opened[0] < fact.at and fact.order < phase.opened[1]
    return is_agreed_since or (phase.end is not None and phase.end <= local_day(fact.at, zone))


def _is_set_anew(found: list[Phase], fact: BookMigrated, zone: ZoneInfo) -> bool:
    """Tell whether a migration takes the place of one that was scheduled for the same day."""
    day = local_day(fact.at, zone)
    is_scheduled = fact.as_day_opens and found[-1].opened == opening_stamp(day, zone)
    return is_scheduled and len(found) > 1 and found[-2].kind is found[-1].kind and found[-2].end == day


def _migrated(phase: Phase, fact: BookMigrated, zone: ZoneInfo, book: PriceBook) -> tuple[Phase, Phase]:
    """Go on under another price book: a monthly subscription is cut and billed apart, others change as they renew."""
    is_cut = phase.kind in {PhaseKind.MONTHLY, PhaseKind.EARLY_STAGE}
    old = _closed(phase, fact, zone, Parting.CUT_APART if is_cut else Parting.OVER)
    opened = old.closed or _stamp(fact)
    start = local_day(fact.at, zone)
    spans = tuple(
        replace(span, added=opened) for span in phase.psp if span.until is None or span.until > start
    )
    new = replace(
        phase,
        start=start,
        opened=opened,
        book=book,
        plans=((opened, phase.plan_before(opened)[1]),),
        psp=spans,
        purchases=_carried(phase.purchases, opened),
        pairs_at_once=frozenset(),
        psp_at_once=frozenset(),
    )
    return old, new


def _carried(entries: tuple[tuple[Stamp, int], ...], stamp: Stamp) -> tuple[tuple[Stamp, int], ...]:
    return ((stamp, last_before(entries, stamp)[1]),) if entries else ()


def _changed(phase: Phase, fact: Change, zone: ZoneInfo) -> Phase:
    """Give the phase as it is after a fact recorded in it."""
    stamp, day = _stamp(fact), local_day(fact.at, zone)
    if is_invoiced_now(fact) and isinstance(fact, PspAdded):
        phase = replace(phase, psp_at_once=phase.psp_at_once | {day})
    elif is_invoiced_now(fact):
        phase = replace(phase, pairs_at_once=phase.pairs_at_once | {day})
    match fact:
        case PlanChanged():
            return replace(phase, plans=(*phase.plans, (stamp, fact.plan)))
        case SeatsPurchased():
            return replace(phase, purchases=(*phase.purchases, (stamp, fact.seats)))
        case PspAdded():
            return replace(phase, psp=_add_psp(phase, fact, zone))
        case PspRemoved():
            return replace(phase, psp=_remove_psp(phase, fact, zone))
        case ContractAmended():
            agreed = _contract_psp(fact.terms, phase.opened, fact.order, zone)
            plans, terms = (*phase.plans, (stamp, fact.terms.plan)), (*phase.terms, (stamp, fact.terms))
            return replace(phase, plans=plans, terms=terms, psp=agreed)
    return replace(phase, end=_end(phase, fact, day))


def _end(phase: Phase, fact: Change, day: date) -> date | None:
    """Give the end of a phase after a fact: a cancelled one ends with what is paid or signed for (section 10)."""
    match fact:
        case TrialExtended():
            return (phase.end or phase.start) + timedelta(days=phase.book.trial_extension_days)
        case Cancelled() | ContractEnded():
            return phase.term_of(day).end
        case Resumed():
            return None
        case Ended():
            return day
    return phase.end


def _renews_at(phase: Phase, fact: RenewalSet, zone: ZoneInfo) -> Stamp:
    return opening_stamp(phase.term_of(local_day(fact.at, zone)).end, zone)


def _renewed(found: list[Phase], due: RenewalSet, zone: ZoneInfo) -> list[Phase]:
    """Let what was set for the renewal take effect as the next term opens (section 7)."""
    phase = found[-1]
    if phase.kind is not PhaseKind.YEARLY or phase.end is not None:
        return found
    renewal = phase.term_of(local_day(due.at, zone)).end
    stamp = opening_stamp(renewal, zone)
    plan = due.plan or phase.plan_before(stamp)[1]
    keeps_psp = due.is_psp is not False
    if due.is_monthly:
        ended = replace(phase, end=renewal, closed=stamp)
        spans = tuple(replace(span, added=stamp) for span in phase.psp if span.until is None and keeps_psp)
        plans = ((stamp, plan),)
        monthly = Phase(PhaseKind.MONTHLY, phase.anchor, renewal, None, stamp, phase.book, plans, spans)
        return [*found[:-1], ended, monthly]
    changed = phase
    before = scheduled_stamp(renewal, zone)
    if due.plan:
        changed = replace(changed, plans=(*changed.plans, (before, plan)))
    if due.seats is not None:
        changed = replace(changed, purchases=(*changed.purchases, (before, due.seats)))
    if not keeps_psp:
        spans = tuple(replace(span, until=span.until or renewal) for span in changed.psp)
        changed = replace(changed, psp=spans)
    return [*found[:-1], changed]


def _add_psp(phase: Phase, fact: PspAdded, zone: ZoneInfo) -> tuple[PspSpan, ...]:
    """Begin a span, or lift the end of the one that still runs (section 6)."""
    if phase.psp and phase.psp[-1].covers(fact.at, zone):
        return (*phase.psp[:-1], replace(phase.psp[-1], until=None))
    return (*phase.psp, PspSpan(_stamp(fact), None, fact.order))


def _remove_psp(phase: Phase, fact: PspRemoved, zone: ZoneInfo) -> tuple[PspSpan, ...]:
    """End the running span with the period the removal falls in (section 6)."""
    if not phase.psp or not phase.psp[-1].covers(fact.at, zone):
        return phase.psp
    until = phase.month_of(local_day(fact.at, zone)).end
    return (*phase.psp[:-1], replace(phase.psp[-1], until=until))
