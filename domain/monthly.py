"""Paying monthly (section 6) and the Early Stage programme (section 7): seats ahead, pairs for changes, usage in arrears."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from domain.calendar import MONTHS, ONE_DAY, Period, local_day
from domain.phases import Parting, Phase, PhaseKind
from domain.pricebook import Metric
from domain.proration import SeatsAtPrice, share_left
from domain.rated import HUNDRED, Usage, usage_charges
from domain.seats import FullSeats
from domain.sections import (
    PSP_LABEL,
    Charge,
    Frame,
    Section,
    flat_charge,
    pair,
    seats_ahead_charge,
    unused,
)


@dataclass(frozen=True, slots=True)
class SeatBill:
    """How seats are billed month by month: the state as a month opens, the state of a day, and what changes when.

    Used for all seats of a monthly subscription, for those beyond the bundle of Early Stage, and for those above a
    contract's commitment.
    """

    ahead: Callable[[Period], SeatsAtPrice]
    on: Callable[[date], SeatsAtPrice]
    days: Iterable[date]
    causes: Callable[[date], tuple[int, ...]]
    causes_ahead: Callable[[Period], tuple[int, ...]]
    label: Callable[[date], str]
    ahead_section: Section
    change_section: Section
    name: str = ""


def monthly_charges(
    phase: Phase, seats: FullSeats, usage: Usage, *, zone: ZoneInfo, through: date
) -> Iterator[Charge]:
    """Charge a monthly or Early Stage phase up to a date."""
    bill = _seat_bill(phase, seats, zone)
    for month in phase.months(through):
        period = phase.within(month)
        if period.end <= through:
            yield from bill_changes(phase, month, bill)
            yield from _psp_added(phase, month, zone)
            yield from usage_charges(phase.book, period, usage, discount=usage_discount(phase, period))
    yield from _given_back(phase, bill, zone, through=through)
    for month in phase.billed_ahead(through, zone, months=1):
        yield from bill_ahead(phase, month, bill)
        yield from _ahead(phase, month, zone)


def billed_seats(held: int) -> int:
    """Number of full seats billed for those held: at least one (section 3)."""
    return max(1, held)


def early_stage_year(phase: Phase, period: Period) -> tuple[int, int] | None:
    """Give the bundle's price and the discount of the programme year a month lies in; None once it is over."""
    if phase.kind is not PhaseKind.EARLY_STAGE:
        return None
    months = (period.start.year - phase.anchor.year) * MONTHS + period.start.month - phase.anchor.month
    year = months // MONTHS
    years = phase.book.early_stage.years
    return years[year] if year < len(years) else None


def is_bundled(phase: Phase, day: date) -> bool:
    """Tell whether the Early Stage programme fixes plan, seats and add-on on a day: until its last year is over."""
    return early_stage_year(phase, phase.month_of(day)) is not None


def monthly_rate(phase: Phase, month: Period, *, held: int, has_psp: bool) -> int:
    """Give what a month costs with this many full seats, in price units: seats, and the add-on or the bundle."""
    monthly = phase.book.plans[phase.plan].monthly
    if year := early_stage_year(phase, month):
        extra = max(0, held - phase.book.early_stage.seats)
        return year[0] + extra * (monthly * (HUNDRED - year[1]) // HUNDRED)
    return billed_seats(held) * monthly + (phase.book.psp_monthly if has_psp else 0)


def bill_ahead(phase: Phase, month: Period, bill: SeatBill) -> Iterator[Charge]:
    """Charge the seats there as a month opens, ahead; a month that a phase opens late, by the days left of it."""
    ahead = bill.ahead(month)
    served = Period(max(month.start, phase.start), month.end)
    if ahead.seats:
        frame = Frame(bill.name, bill.label(served.start), bill.ahead_section, served.start)
        yield seats_ahead_charge(
            frame,
            ahead,
            period=served,
            share=share_left(month, served.start),
            causes=bill.causes_ahead(month),
        )


def bill_changes(phase: Phase, month: Period, bill: SeatBill) -> Iterator[Charge]:
    """Charge one pair for each date whose quantity or final price differs from the day before's (section 5)."""
    period = phase.within(month)
    before = bill.ahead(month)
    for day in sorted({period.start, *bill.days}):
        if day not in period:
            continue
        now = bill.on(day)
        if now != before:
            frame = Frame(bill.name, bill.label(day), bill.change_section, period.end)
            yield from pair(
                frame,
                day=day,
                period=period,
                left=share_left(month, day),
                service=Period(day, month.end),
                before=before,
                now=now,
                causes=bill.causes(day),
            )
        before = now


def plan_causes(phase: Phase, zone: ZoneInfo) -> dict[date, tuple[int, ...]]:
    """Give, by date, the facts that changed the plan after the phase had begun."""
    found: dict[date, tuple[int, ...]] = {}
    for (at, order), _ in phase.plans[1:]:
        day = local_day(at, zone)
        found[day] = (*found.get(day, ()), order)
    return found


def _seat_bill(phase: Phase, seats: FullSeats, zone: ZoneInfo) -> SeatBill:
    plan_changes = plan_causes(phase, zone)
    early = phase.book.early_stage

    def priced(held: int, monthly: int, month: Period) -> SeatsAtPrice:
        year = early_stage_year(phase, month)
        if year is None:
            return SeatsAtPrice(billed_seats(held), monthly)
        return SeatsAtPrice(max(0, held - early.seats), monthly * (HUNDRED - year[1]) // HUNDRED)

    def ahead(month: Period) -> SeatsAtPrice:
        stamp = phase.opens(month, zone)
        _, plan = phase.plan_before(stamp)
        return priced(seats.held_before(stamp), phase.book.plans[plan].monthly, month)

    def on(day: date) -> SeatsAtPrice:
        monthly = phase.book.plans[phase.plan_on(day, zone)].monthly
        return priced(seats.on(day), monthly, phase.month_of(day))

    def label(day: date) -> str:
        return "Additional seats" if is_bundled(phase, day) else phase.plan_on(day, zone).label

    def causes_ahead(month: Period) -> tuple[int, ...]:
        (_, order), _plan = phase.plan_before(phase.opens(month, zone))
        return (order,)

    return SeatBill(
        ahead=ahead,
        on=on,
        days=(*seats.days, *plan_changes),
        causes=lambda day: (*plan_changes.get(day, ()), *seats.causes.get(day, ())),
        causes_ahead=causes_ahead,
        label=label,
        ahead_section=Section.SUBSCRIPTION,
        change_section=Section.PRORATIONS,
    )


def _ahead(phase: Phase, month: Period, zone: ZoneInfo) -> Iterator[Charge]:
    """Charge what is billed ahead beside seats: the add-on, or the bundle of Early Stage."""
    served = Period(max(month.start, phase.start), month.end)
    share = share_left(month, served.start)
    if year := early_stage_year(phase, month):
        yield flat_charge(
            key=f"bundle:{served.start}",
            label=_bundle_label(phase),
            section=Section.SUBSCRIPTION,
            exact=year[0],
            share=share,
            period=served,
            service=served,
            due_on=served.start,
            causes=(phase.opened[1],),
        )
        return
    stamp = phase.opens(month, zone)
    for span in phase.psp:
        if span.is_billed_ahead(stamp, served):
            yield flat_charge(
                key=f"psp:{served.start}",
                section=Section.SUBSCRIPTION,
                exact=phase.book.psp_monthly,
                share=share,
                period=served,
                service=served,
                due_on=served.start,
                causes=(span.order,),
            )
            return


def _bundle_label(phase: Phase) -> str:
    return f"Early Stage: {phase.book.early_stage.seats} seats and {PSP_LABEL}"


def _psp_added(phase: Phase, month: Period, zone: ZoneInfo) -> Iterator[Charge]:
    period = phase.within(month)
    for span in phase.psp:
        added_on = local_day(span.added[0], zone)
        if added_on in period and span.added > phase.opens(month, zone):
            yield flat_charge(
                key=f"psp-added:{added_on}",
                section=Section.PRORATIONS,
                exact=phase.book.psp_monthly,
                share=share_left(month, added_on),
                period=period,
                service=Period(added_on, month.end),
                due_on=period.end,
                causes=(span.order,),
            )


def _given_back(phase: Phase, bill: SeatBill, zone: ZoneInfo, *, through: date) -> Iterator[Charge]:
    """Give back the time left of what a phase that was cut had billed to its month's end (section 10)."""
    end = phase.end
    if phase.parting is Parting.OVER or end is None or end > through:
        return
    months = [month for month in phase.billed_ahead(end, zone, months=1) if month.start <= end < month.end]
    for month in months:
        served = Period(max(month.start, phase.start), end)
        state = bill.on(end - ONE_DAY) if served.days else bill.ahead(month)
        left, service = share_left(month, end), Period(end, month.end)
        frame = Frame(bill.name, "", Section.PRORATIONS, end)
        yield unused(frame, state, day=end, period=served, left=left, service=service)
        if paid := _paid_beside_seats(phase, month, end):
            label, exact = paid
            yield flat_charge(
                key=f"cut-psp:{end}",
                label=label,
                section=Section.PRORATIONS,
                exact=exact,
                share=left,
                period=served,
                service=service,
                due_on=end,
                sign=-1,
            )


def _paid_beside_seats(phase: Phase, month: Period, day: date) -> tuple[str, int] | None:
    """Give what was paid beside seats for a day, and its price a month: the bundle, the add-on, or nothing."""
    if year := early_stage_year(phase, month):
        return _bundle_label(phase), year[0]
    is_paid = any(span.until is None or day < span.until for span in phase.psp)
    return (PSP_LABEL, phase.book.psp_monthly) if is_paid else None


def usage_discount(phase: Phase, period: Period) -> Callable[[Metric], int]:
    """Give the discount in percent on the usage of a month, by metric: Early Stage has one (section 7)."""
    year = early_stage_year(phase, period)
    if year is None:
        return lambda _: 0
    percent, discounted = year[1], phase.book.early_stage.discounted
    return lambda metric: percent if metric in discounted else 0
