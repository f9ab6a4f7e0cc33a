"""A subscription is the facts recorded of it (sections 3 and 10), folded into phases, plans by date and add-on spans."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from domain.calendar import ONE_DAY, Period, Stamp, local_day, month_of, months_from, opening, opening_stamp
from domain.pricebook import Plan, PriceBook
from domain.refusal import Refusal


class PhaseKind(StrEnum):
    """How a stretch of a subscription is billed."""

    TRIAL = "TRIAL"
    MONTHLY = "MONTHLY"


@dataclass(eq=False)
class AlreadyOnPlan(Refusal):
    """The plan asked for is the plan in force."""

    template = "The subscription is on {plan} already; nothing was changed."
    plan: str


@dataclass(eq=False)
class PspAlreadyActive(Refusal):
    """Proactive Support Plus is on and stays on."""

    template = "Proactive Support Plus is active already; nothing was changed."


@dataclass(eq=False)
class PspNotActive(Refusal):
    """Proactive Support Plus is not on, or its removal is recorded."""

    template = (
        "Proactive Support Plus is not active, or its removal is recorded already; nothing was changed."
    )


@dataclass(eq=False)
class TrialRunning(Refusal):
    """The change needs a paid subscription and the trial still runs."""

    template = "The trial runs until {ends_on}: {advice}."
    ends_on: date
    advice: str


@dataclass(eq=False)
class NotInTrial(Refusal):
    """The change is for a running trial."""

    template = "The subscription is not in a trial, so there is nothing to convert or extend."


@dataclass(eq=False)
class TrialExtendedAlready(Refusal):
    """A trial is extended once."""

    template = "The trial was extended already and ends on {ends_on}; a trial is extended once."
    ends_on: date


@dataclass(frozen=True, slots=True)
class TrialStarted:
    """A free trial of a plan began under a price book version."""

    at: datetime
    plan: Plan
    book_version: int
    order: int = 0


@dataclass(frozen=True, slots=True)
class TrialExtended:
    """The trial got its one extension."""

    at: datetime
    order: int = 0


@dataclass(frozen=True, slots=True)
class ConversionChosen:
    """The trial is to become a paid subscription of this plan as it ends."""

    at: datetime
    plan: Plan
    is_psp: bool
    order: int = 0


@dataclass(frozen=True, slots=True)
class Started:
    """A paid monthly subscription began; its first invoice bills the state of that moment ahead.

    One that follows a trial begins as the day opens, whenever the trial's end is recorded.
    """

    at: datetime
    plan: Plan
    is_psp: bool
    book_version: int
    as_day_opens: bool = False
    order: int = 0


@dataclass(frozen=True, slots=True)
class PlanChanged:
    """The plan changed on the date of `at`."""

    at: datetime
    plan: Plan
    order: int = 0


@dataclass(frozen=True, slots=True)
class PspAdded:
    """Proactive Support Plus was added, or its removal taken back."""

    at: datetime
    order: int = 0


@dataclass(frozen=True, slots=True)
class PspRemoved:
    """Proactive Support Plus was removed; access lasts to the end of the period."""

    at: datetime
    order: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """The subscription ended, as the day of `at` opened or in its course."""

    at: datetime
    order: int = 0


Fact = TrialStarted | TrialExtended | ConversionChosen | Started | PlanChanged | PspAdded | PspRemoved | Ended


@dataclass(frozen=True, slots=True)
class PspSpan:
    """Access to Proactive Support Plus from a moment until a day opens (None: until removed)."""

    added: Stamp
    until: date | None
    order: int

    def covers(self, moment: datetime, zone: ZoneInfo) -> bool:
        """Tell whether there is access as the moment passes."""
        return self.added[0] <= moment and (self.until is None or moment < opening(self.until, zone))

    def is_billed_ahead(self, stamp: Stamp, period: Period) -> bool:
        """Tell whether the period that opens at the stamp finds it active (section 6)."""
        return self.added <= stamp and (self.until is None or period.start < self.until)


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of a subscription billed one way, over `[start, end)`; `opened` is when it began."""

    kind: PhaseKind
    start: date
    end: date | None
    opened: Stamp
    book: PriceBook
    plans: tuple[tuple[Stamp, Plan], ...]
    psp: tuple[PspSpan, ...]

    @property
    def plan(self) -> Plan:
        """Latest plan recorded."""
        return self.plans[-1][1]

    def plan_before(self, stamp: Stamp) -> tuple[Stamp, Plan]:
        """Give the plan in force just before the stamp, with the stamp of the fact behind it."""
        return next((entry for entry in reversed(self.plans) if entry[0] < stamp), self.plans[0])

    def plan_on(self, day: date, zone: ZoneInfo) -> Plan:
        """Final plan of a day (section 5: pairs follow days)."""
        return self.plan_before(opening_stamp(day + ONE_DAY, zone))[1]

    def opens(self, period: Period, zone: ZoneInfo) -> Stamp:
        """Give the stamp whose state is billed ahead for a period: as its day opens, or when the phase began."""
        return self.opened if period.start == self.start else opening_stamp(period.start, zone)

    def psp_at(self, moment: datetime, zone: ZoneInfo) -> PspSpan | None:
        """Give the span of Proactive Support Plus that covers the moment."""
        return next((span for span in self.psp if span.covers(moment, zone)), None)

    def month_of(self, day: date) -> Period:
        """Give the uncut monthly period, from the anchor, that holds the day."""
        return month_of(self.start, day)

    def months(self, through: date) -> Iterator[Period]:
        """Yield the uncut monthly periods that begin in the phase, no later than `through`."""
        for month in months_from(self.start, self.start):
            if month.start > through or (self.end is not None and month.start >= self.end):
                return
            yield month


def phases(facts: Iterable[Fact], zone: ZoneInfo, books: Mapping[int, PriceBook]) -> tuple[Phase, ...]:
    """Fold the facts of one subscription, in any order, into its phases."""
    found: list[Phase] = []
    for fact in in_order(facts):
        if isinstance(fact, TrialStarted | Started):
            opened = _opened(fact, zone, books[fact.book_version])
            if found:
                found[-1] = replace(found[-1], end=opened.start)
            found.append(opened)
        else:
            found[-1] = _changed(found[-1], fact, zone)
    return tuple(found)


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """Sort facts by moment, then those that hold as the day opens, then by the order in which they were recorded."""
    return sorted(facts, key=lambda fact: (fact.at, -1 if _holds_as_day_opens(fact) else fact.order))


def phase_at(found: Iterable[Phase], moment: datetime, zone: ZoneInfo) -> Phase | None:
    """Give the phase that holds the moment."""
    for phase in found:
        if phase.opened[0] <= moment and (phase.end is None or moment < opening(phase.end, zone)):
            return phase
    return None


def conversion_chosen(facts: Iterable[Fact]) -> ConversionChosen | None:
    """Give the latest choice of what the trial is to become."""
    chosen = [fact for fact in in_order(facts) if isinstance(fact, ConversionChosen)]
    return chosen[-1] if chosen else None


def is_trial_extended(facts: Iterable[Fact]) -> bool:
    """Tell whether the trial has had its extension."""
    return any(isinstance(fact, TrialExtended) for fact in facts)


def _opened(fact: TrialStarted | Started, zone: ZoneInfo, book: PriceBook) -> Phase:
    start = local_day(fact.at, zone)
    plans = (((fact.at, fact.order), fact.plan),)
    match fact:
        case TrialStarted():
            end = start + timedelta(days=book.trial_days)
            stamp = (fact.at, fact.order)
            add_on = (PspSpan(stamp, None, fact.order),)
            return Phase(PhaseKind.TRIAL, start, end, stamp, book, plans, add_on)
        case Started():
            stamp = opening_stamp(start, zone) if fact.as_day_opens else (fact.at, fact.order)
            spans = (PspSpan(stamp, None, fact.order),) if fact.is_psp else ()
            return Phase(PhaseKind.MONTHLY, start, None, stamp, book, plans, spans)


def _changed(phase: Phase, fact: Fact, zone: ZoneInfo) -> Phase:
    """Give the phase as it is after a fact recorded in it."""
    match fact:
        case TrialExtended():
            longer = timedelta(days=phase.book.trial_extension_days)
            return replace(phase, end=(phase.end or phase.start) + longer)
        case PlanChanged():
            return replace(phase, plans=(*phase.plans, ((fact.at, fact.order), fact.plan)))
        case PspAdded():
            return replace(phase, psp=_add_psp(phase, fact, zone))
        case PspRemoved():
            return replace(phase, psp=_remove_psp(phase, fact, zone))
        case Ended():
            return replace(phase, end=local_day(fact.at, zone))
        case _:
            return phase


def _holds_as_day_opens(fact: Fact) -> bool:
    return isinstance(fact, Started) and fact.as_day_opens


def _add_psp(phase: Phase, fact: PspAdded, zone: ZoneInfo) -> tuple[PspSpan, ...]:
    """Begin a span, or lift the end of the one that still runs (section 6)."""
    if phase.psp and phase.psp[-1].covers(fact.at, zone):
        return (*phase.psp[:-1], replace(phase.psp[-1], until=None))
    return (*phase.psp, PspSpan((fact.at, fact.order), None, fact.order))


def _remove_psp(phase: Phase, fact: PspRemoved, zone: ZoneInfo) -> tuple[PspSpan, ...]:
    """End the running span with the period the removal falls in (section 6)."""
    if not phase.psp or not phase.psp[-1].covers(fact.at, zone):
        return phase.psp
    until = phase.month_of(local_day(fact.at, zone)).end
    return (*phase.psp[:-1], replace(phase.psp[-1], until=until))
