"""Reading a bill before it is issued: the next invoice, the run rate, and how far back a close has to look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from domain.calendar import ONE_DAY, Period, local_day, month_of, opening
from domain.charges import History, billed_seats
from domain.invoicing import Billed, Line, next_lines
from domain.money import cents
from domain.seats import full_seats
from domain.subscriptions import ConversionChosen, Phase, PhaseKind, Started, phase_at


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
    month = phase.month_of(day)
    return Period(month.start, min(month.end, phase.end or month.end))


def look_back(*, anchor: date, period_start: date, dirty_from: date | None) -> date:
    """Give the date from which a close recomputes: the last closed period, or the one a late fact belongs to.

    What lies before cannot have changed since it was billed.
    """
    last_closed = month_of(anchor, period_start - ONE_DAY).start
    if dirty_from is None:
        return last_closed
    return min(last_closed, month_of(anchor, dirty_from).start)


def preview(history: History, billed: Mapping[str, Billed], *, now: Now, since: date) -> tuple[Line, ...]:
    """Give the lines of the next invoice if nothing more happens (section 6): the invoice's own computation."""
    return next_lines(history, billed, on=now.invoice_on, since=since)


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
    """Give, in cents, a full period of what is subscribed to at the moment: seats and add-on (section 6)."""
    phase = now.phase
    if phase.kind is PhaseKind.TRIAL:
        return 0
    seats = full_seats(history.seat_changes, history.zone, since=phase.opened)
    held = billed_seats(seats.held_after(moment))
    span = phase.psp_at(moment, history.zone)
    add_on = phase.book.psp_monthly if span and span.until is None else 0
    return cents(held * phase.book.plans[phase.plan].monthly + add_on)
