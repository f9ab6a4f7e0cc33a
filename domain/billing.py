"""Reading a bill before it is issued: the next invoice, the run rate, and how far back a close has to look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from domain.calendar import ONE_DAY, Period, local_day, opening, span_of
from domain.charges import History
from domain.contracts import contract_rate
from domain.facts import ConversionChosen, Started
from domain.invoicing import Billed, Line, next_invoices
from domain.money import cents
from domain.monthly import monthly_rate
from domain.phases import Phase, PhaseKind, phase_at
from domain.rated import usage_totals
from domain.seats import full_seats
from domain.sections import Stream
from domain.usage import projected

LONGEST_MONTH = timedelta(days=31)
LONGEST_LOOK_AHEAD = 13


@dataclass(frozen=True, slots=True)
class Now:
    """A subscription at a moment: its phase, the period that runs, and when it is next invoiced."""

    phase: Phase
    period: Period
    invoice_on: date


def at_moment(history: History, moment: datetime) -> Now | None:
    """Give the phase and period that hold the moment; None before the start and after the end."""
    phase = phase_at(history.phases(), moment, history.zone)
    if phase is None:
        return None
    period = running_period(phase, local_day(moment, history.zone))
    return Now(phase, period, period.end)


def running_period(phase: Phase, day: date) -> Period:
    """Give the usage period of a phase that holds the day; a trial is one period."""
    if phase.kind is PhaseKind.TRIAL:
        return Period(phase.start, phase.end or day + ONE_DAY)
    return phase.within(phase.month_of(day))


def look_back(*, anchor: date, period_start: date, billing_months: int, dirty_from: date | None) -> date:
    """Give the date from which a close recomputes: the last period billed ahead, or the one a late fact belongs to.

    What lies before cannot have changed since it was billed. A month more is taken, for a period may have been cut.
    """
    earliest = span_of(anchor, period_start - ONE_DAY, billing_months).start
    if dirty_from is not None:
        earliest = min(earliest, dirty_from)
    return earliest - LONGEST_MONTH


@dataclass(frozen=True, slots=True)
class Preview:
    """The invoices of a date if nothing more happens until then, in the order in which they are numbered."""

    on: date
    invoices: tuple[tuple[Stream, tuple[Line, ...]], ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines of all of them."""
        return tuple(line for _, lines in self.invoices for line in lines)


def preview(history: History, billed: Mapping[str, Billed], *, now: Now, since: date) -> Preview:
    """Work out the next invoices if nothing more happens (section 6): the invoice's own computation.

    A yearly term may go months without one; the first date that has any is given.
    """
    on, phase = now.invoice_on, now.phase
    for _ in range(LONGEST_LOOK_AHEAD):
        if invoices := next_invoices(history, billed, on=on, since=since):
            return Preview(on, invoices)
        if phase.end is not None and on >= phase.end:
            break
        on = min(phase.month_of(on).end, phase.end or date.max)
    return Preview(now.invoice_on, ())


def forecast(
    history: History, billed: Mapping[str, Billed], *, now: Now, since: date, today: date
) -> Preview:
    """Work out the next invoices as if usage went on as it has in the running period (section 9).

    Each metric's total becomes total x days of the period / days begun; seats and everything else stay as they are.
    """
    totals = usage_totals(history.usage, now.period)
    expected = {key: units for key, units in history.usage.items() if key[1] not in now.period} | {
        (metric, now.period.start): projected(units, now.period, today) for metric, units in totals.items()
    }
    return preview(replace(history, usage=expected), billed, now=now, since=since)


def converted(history: History, choice: ConversionChosen) -> History:
    """Add to a trial's facts the paid subscription it becomes, as the day it ends on opens (section 10)."""
    return replace(history, facts=(*history.facts, conversion(history, choice)))


def conversion(history: History, choice: ConversionChosen) -> Started:
    """Give the start of the paid subscription that a trial becomes; it keeps the price book it was signed under."""
    trial = history.phases()[-1]
    return Started(
        at=opening(trial.end or trial.start, history.zone),
        plan=choice.plan,
        is_psp=choice.is_psp,
        book_version=trial.book.version,
        as_day_opens=True,
        order=choice.order,
    )


def run_rate(history: History, moment: datetime, now: Now) -> int:
    """Give, in cents, a full period of what is subscribed to at the moment (section 6): seats, add-on, commitment.

    A period is a month, a year, or a contract's billing period.
    """
    phase, zone = now.phase, history.zone
    span = phase.psp_at(moment, zone)
    has_psp = span is not None and span.until is None
    held = full_seats(history.seat_changes, zone, since=phase.opened).held_after(moment)
    prices = phase.book.plans[phase.plan]
    match phase.kind:
        case PhaseKind.TRIAL:
            return 0
        case PhaseKind.YEARLY:
            return cents(phase.purchases[-1][1] * prices.yearly + has_psp * phase.book.psp_yearly)
        case PhaseKind.CONTRACT:
            return cents(contract_rate(phase, held=held, has_psp=has_psp))
        case PhaseKind.EARLY_STAGE | PhaseKind.MONTHLY:
            return cents(monthly_rate(phase, now.period, held=held, has_psp=has_psp))
