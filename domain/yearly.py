"""Paying yearly (section 7): purchased seats and the add-on for a term, changes by the term's days, overage by the day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from domain.calendar import ONE_DAY, Period, days_of, local_day, show_day
from domain.money import round_half_up, show_cents, show_price
from domain.monthly import plan_causes
from domain.phases import Parting, Phase
from domain.proration import Months, SeatsAtPrice, Share, share_left, show_seats
from domain.rated import Usage, usage_charges
from domain.seats import FullSeats
from domain.sections import (
    PSP_LABEL,
    WHOLE,
    Charge,
    Frame,
    Section,
    flat_charge,
    pair,
    seats_ahead_charge,
    unused,
)

REMINDER_DAYS = (60, 30, 7)
"""Days before the renewal on which billing contacts are reminded (section 7)."""


def next_reminder(phase: Phase, after: date) -> date:
    """Give the first date after another on which a renewal is announced."""
    term = phase.term_of(after)
    days = [term.end - timedelta(days=days) for days in REMINDER_DAYS]
    following = phase.term_of(term.end).end - timedelta(days=REMINDER_DAYS[0])
    return next((day for day in days if day > after), following)


def yearly_charges(
    phase: Phase, seats: FullSeats, usage: Usage, *, zone: ZoneInfo, through: date
) -> Iterator[Charge]:
    """Charge a yearly phase up to a date."""
    for term in phase.billed_ahead(through, zone, months=phase.billing_months):
        yield from _changes(phase, term, zone)
        yield from _psp_added(phase, term, zone)
        yield from _ahead(phase, term, zone)
    for month in phase.months(through):
        period = phase.within(month)
        if period.end <= through:
            yield from _overage(phase, month, seats, zone)
            yield from usage_charges(phase.book, period, usage)
    yield from _given_back(phase, zone, through=through)


def _purchased(phase: Phase, day: date, zone: ZoneInfo) -> SeatsAtPrice:
    return SeatsAtPrice(phase.purchased_on(day, zone), phase.book.plans[phase.plan_on(day, zone)].yearly)


def _opening_state(phase: Phase, term: Period, zone: ZoneInfo) -> SeatsAtPrice:
    stamp = phase.opens(term, zone)
    _, plan = phase.plan_before(stamp)
    return SeatsAtPrice(phase.purchased_before(stamp), phase.book.plans[plan].yearly)


def _ahead(phase: Phase, term: Period, zone: ZoneInfo) -> Iterator[Charge]:
    stamp = phase.opens(term, zone)
    (_, order), plan = phase.plan_before(stamp)
    frame = Frame("", plan.label, Section.SUBSCRIPTION, term.start)
    state = _opening_state(phase, term, zone)
    yield seats_ahead_charge(frame, state, period=term, share=WHOLE, causes=(order,))
    for span in phase.psp:
        if span.is_billed_ahead(stamp, term):
            yield flat_charge(
                key=f"psp:{term.start}",
                section=Section.SUBSCRIPTION,
                exact=phase.book.psp_yearly,
                share=WHOLE,
                period=term,
                service=term,
                due_on=term.start,
                causes=(span.order,),
            )
            return


def _changes(phase: Phase, term: Period, zone: ZoneInfo) -> Iterator[Charge]:
    """Charge a pair over the term's days for each date that changed the purchase or its price."""
    served = phase.within(term)
    causes = plan_causes(phase, zone)
    for (at, order), _ in phase.purchases[1:]:
        day = local_day(at, zone)
        causes[day] = (*causes.get(day, ()), order)
    before = _opening_state(phase, term, zone)
    for day in sorted({served.start, *causes}):
        if day not in served:
            continue
        now = _purchased(phase, day, zone)
        if now != before:
            label = phase.plan_on(day, zone).label
            due_on = _invoiced_on(phase, day, at_once=phase.pairs_at_once)
            yield from pair(
                Frame("", label, Section.PRORATIONS, due_on),
                day=day,
                period=phase.within(phase.month_of(day)),
                left=share_left(term, day),
                service=Period(day, term.end),
                before=before,
                now=now,
                causes=causes.get(day, ()),
            )
        before = now


def _invoiced_on(phase: Phase, day: date, *, at_once: frozenset[date]) -> date:
    """Give the date of the invoice that takes a change: the next monthly one, or the day itself when asked for."""
    return day if day in at_once else phase.within(phase.month_of(day)).end


def _psp_added(phase: Phase, term: Period, zone: ZoneInfo) -> Iterator[Charge]:
    """Charge an add-on added inside a term: the months left, the running month by its days."""
    served = phase.within(term)
    for span in phase.psp:
        day = local_day(span.added[0], zone)
        if day not in served or span.added <= phase.opens(term, zone):
            continue
        month = phase.month_of(day)
        months, left = phase.months_in(Period(month.end, term.end)).whole, share_left(month, day)
        price = phase.book.psp_monthly
        amount = Months(months, (left,)).amount(price)
        yield Charge(
            key=f"psp-added:{day}",
            section=Section.PRORATIONS,
            description=f"{PSP_LABEL} from {show_day(day)}",
            period=phase.within(month),
            service=Period(day, term.end),
            due_on=_invoiced_on(phase, day, at_once=phase.psp_at_once),
            amount=amount,
            explanation=f"{show_price(price)} x ({months} months + {left}) = {show_cents(amount)}",
            quantity=1,
            unit_price=price,
            causes=(span.order,),
        )


def _overage(phase: Phase, month: Period, seats: FullSeats, zone: ZoneInfo) -> Iterator[Charge]:
    """Charge full seats held above those purchased at the monthly list price, a line for each run of equal days."""
    period = phase.within(month)
    run: list[date] = []
    state = SeatsAtPrice(0, 0)
    for day in [*days_of(period), period.end]:
        now = _excess(phase, day, seats, zone) if day in period else SeatsAtPrice(0, 0)
        if now != state:
            if state.seats:
                yield _overage_line(period, Period(run[0], day), state, month=month)
            run, state = [], now
        run.append(day)


def _excess(phase: Phase, day: date, seats: FullSeats, zone: ZoneInfo) -> SeatsAtPrice:
    over = max(0, seats.on(day) - phase.purchased_on(day, zone))
    return SeatsAtPrice(over, phase.book.plans[phase.plan_on(day, zone)].monthly if over else 0)


def _overage_line(period: Period, run: Period, state: SeatsAtPrice, *, month: Period) -> Charge:
    share = Share(run.days, month.days)
    return Charge(
        key=f"overage:{run.start}",
        section=Section.ADDITIONAL_USAGE,
        description=f"{show_seats(state.seats)} above the purchased ones",
        period=period,
        service=run,
        due_on=period.end,
        amount=state.amount(share),
        explanation=state.explain(share),
        quantity=state.seats,
        unit_price=state.price,
    )


def _given_back(phase: Phase, zone: ZoneInfo, *, through: date) -> Iterator[Charge]:
    """Credit the prepayment of a term that a contract cut: amount x days left / days it covers (section 8)."""
    end = phase.end
    if phase.parting is Parting.OVER or end is None or end > through:
        return
    for term in phase.billed_ahead(end, zone, months=phase.billing_months):
        if not term.start <= end < term.end:
            continue
        served = Period(max(term.start, phase.start), end)
        state = _purchased(phase, end - ONE_DAY, zone) if served.days else _opening_state(phase, term, zone)
        left, service = share_left(term, end), Period(end, term.end)
        frame = Frame("", "", Section.PRORATIONS, end)
        yield unused(frame, state, day=end, period=served, left=left, service=service)
        yield from _psp_given_back(phase, term, zone, served=served)


def _psp_given_back(phase: Phase, term: Period, zone: ZoneInfo, *, served: Period) -> Iterator[Charge]:
    end = served.end
    for charge in [*_ahead(phase, term, zone), *_psp_added(phase, term, zone)]:
        if not charge.key.startswith("psp") or end not in charge.service:
            continue
        left = Share((charge.service.end - end).days, charge.service.days)
        amount = -_part_of(charge.amount, left)
        yield Charge(
            key=f"cut-psp:{end}",
            section=Section.PRORATIONS,
            description=f"Unused time on {PSP_LABEL} from {show_day(end)}",
            period=served,
            service=Period(end, charge.service.end),
            due_on=end,
            amount=amount,
            explanation=f"-{show_cents(charge.amount)} x {left} = {show_cents(amount)}",
            quantity=-1,
        )
        return


def _part_of(amount: int, share: Share) -> int:
    """Give a share of an amount in cents, rounded."""
    return round_half_up(amount * share.days, share.of)
