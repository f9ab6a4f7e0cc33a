"""Every charge that a phase makes due, by the way it is paid.

Each function takes a phase and the date of an invoice: what is dated before it is due,
and what was billed ahead as a day opened (or a phase began) is due from that day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from fractions import Fraction
from typing import TypeAlias

from .books import BUNDLE_CENTS, BUNDLE_SEATS, BUNDLE_SHARE, list_cents
from .calculator import PRORATIONS, SUBSCRIPTION, USAGE, RefLine
from .phases import Phase, Snapshot
from .prices import cents

# The phase, what is charged, the date it hangs on.
Key: TypeAlias = tuple[int, str, date]
Charge: TypeAlias = tuple[Key, RefLine]
# A number of seats and what each costs for the whole period, in cents.
Rate: TypeAlias = tuple[int, int]


def paid_by_month(phase: Phase, before: date) -> Iterator[Charge]:
    """Seats and the add-on of a monthly phase (sections 6 and 10), and of the programme."""
    for start, opening in phase.opened.items():
        month = phase.month_of(start)
        year = month.number // 12
        is_bundle = phase.kind == "EARLY_STAGE" and year < len(BUNDLE_CENTS)
        fixed = BUNDLE_CENTS[year] if is_bundle else phase.book.psp_month_cents
        days = phase.days_between(start, month.end, before=before)
        added = [day for day in phase.psp_added if day in days]
        whole = Fraction((month.end - start).days, month.days)
        ahead = _monthly_rate(phase, opening, year)
        yield _charge(
            phase, "seats ahead", SUBSCRIPTION, start, month.end, amount=ahead[0] * ahead[1] * whole
        )
        if opening.has_psp:
            yield _charge(phase, "fixed ahead", SUBSCRIPTION, start, month.end, amount=fixed * whole)
        rates = [(day, _monthly_rate(phase, phase.days[day], year)) for day in days]
        yield from pairs(phase, rates, ahead=ahead, end=month.end, length=month.days, section=PRORATIONS)
        for day in added:
            share = Fraction((month.end - day).days, month.days)
            yield _charge(phase, "PSP added", PRORATIONS, day, month.end, amount=fixed * share)
        cut_on = _cut_in(phase, start, month.end)
        if cut_on is not None:
            quantity, price = rates[-1][1] if rates else ahead
            share = Fraction((month.end - cut_on).days, month.days)
            amount = -quantity * price * share
            yield _charge(phase, "seats unused", PRORATIONS, cut_on, month.end, amount=amount)
            if opening.has_psp or added:
                yield _charge(phase, "fixed unused", PRORATIONS, cut_on, month.end, amount=-fixed * share)


def paid_by_year(phase: Phase, before: date) -> Iterator[Charge]:
    """Purchased seats and the add-on of a yearly phase, with its changes (section 7)."""
    for start, opening in phase.opened.items():
        if not phase.is_term_start(start):
            continue
        end = phase.billing_end(start)
        length = (end - start).days
        ahead = _yearly_rate(phase, opening)
        yield _charge(phase, "seats ahead", SUBSCRIPTION, start, end, amount=Fraction(ahead[0] * ahead[1]))
        days = phase.days_between(start, end, before=before)
        rates = [(day, _yearly_rate(phase, phase.days[day])) for day in days]
        yield from pairs(phase, rates, ahead=ahead, end=end, length=length, section=PRORATIONS)
        paid_psp: list[tuple[date, int]] = []
        if opening.has_psp:
            paid_psp.append((start, phase.book.psp_year_cents))
            amount = Fraction(phase.book.psp_year_cents)
            yield _charge(phase, "PSP ahead", SUBSCRIPTION, start, end, amount=amount)
        for day in phase.psp_added:
            if day in days:
                amount = psp_cents(phase, day, end)
                paid_psp.append((day, cents(amount)))
                yield _charge(phase, "PSP added", PRORATIONS, day, end, amount=amount)
        cut_on = _cut_in(phase, start, end)
        if cut_on is not None:
            quantity, price = rates[-1][1] if rates else ahead
            left = (end - cut_on).days
            amount = -quantity * price * Fraction(left, length)
            yield _charge(phase, "seats unused", PRORATIONS, cut_on, end, amount=amount)
            for day, paid in paid_psp:
                amount = -paid * Fraction(left, (end - day).days)
                yield _charge(phase, "PSP unused", PRORATIONS, cut_on, end, amount=amount)


def overage(phase: Phase, before: date) -> Iterator[Charge]:
    """Seats held above those purchased: a charge for each run of equal days of a month."""
    for start in phase.opened:
        month = phase.month_of(start)
        runs: list[tuple[date, date, Rate]] = []
        for day in phase.days_between(start, month.end, before=before):
            state = phase.days[day]
            rate = (max(0, state.held - state.purchased), phase.book.month_cents[state.plan])
            if runs and runs[-1][2] == rate:
                runs[-1] = (runs[-1][0], day + timedelta(days=1), rate)
            else:
                runs.append((day, day + timedelta(days=1), rate))
        for first, end, (quantity, price) in runs:
            amount = quantity * price * Fraction((end - first).days, month.days)
            yield _charge(phase, "overage", USAGE, first, end, amount=amount)


def contract(phase: Phase, before: date) -> Iterator[Charge]:
    """What a contract commits to, ahead for each billing period, and its amendments."""
    for start, opening in phase.opened.items():
        if not phase.is_billing_start(start):
            continue
        end = phase.billing_end(start)
        length = (end - start).days
        ahead = _committed_rate(phase, opening)
        yield _charge(phase, "seats ahead", SUBSCRIPTION, start, end, amount=Fraction(ahead[0] * ahead[1]))
        days = phase.days_between(start, end, before=before)
        rates = [(day, _committed_rate(phase, phase.days[day])) for day in days]
        yield from pairs(phase, rates, ahead=ahead, end=end, length=length, section=PRORATIONS)
        yield from _committed_psp(phase, start, end, days)
        yield from _committed_usage(phase, start, end, before)


def extra_seats(phase: Phase, before: date) -> Iterator[Charge]:
    """Seats held above a contract's commitment, month by month (section 8)."""
    for start, opening in phase.opened.items():
        month = phase.month_of(start)
        ahead = _extra_rate(phase, opening)
        yield _charge(phase, "extra ahead", USAGE, start, month.end, amount=Fraction(ahead[0] * ahead[1]))
        days = phase.days_between(start, month.end, before=before)
        rates = [(day, _extra_rate(phase, phase.days[day])) for day in days]
        yield from pairs(
            phase, rates, ahead=ahead, end=month.end, length=month.days, section=USAGE, name="extra "
        )


def pairs(
    phase: Phase,
    rates: Iterable[tuple[date, Rate]],
    *,
    ahead: Rate,
    end: date,
    length: int,
    section: str,
    name: str = "",
) -> Iterator[Charge]:
    """One pair for each day that differs from the day before (section 5).

    The first day is compared with what was billed ahead; `length` is the `D` of the rule.
    """
    old = ahead
    for day, new in rates:
        if new != old:
            share = Fraction((end - day).days, length)
            yield _charge(phase, f"{name}remaining", section, day, end, amount=new[0] * new[1] * share)
            yield _charge(phase, f"{name}unused", section, day, end, amount=-old[0] * old[1] * share)
        old = new


def psp_cents(phase: Phase, start: date, end: date) -> Fraction:
    """Price the add-on over some days: whole months, and the broken ones by their days."""
    amount = Fraction(0)
    day = start
    while day < end:
        month = phase.month_of(day)
        stop = min(end, month.end)
        amount += phase.book.psp_month_cents * Fraction((stop - day).days, month.days)
        day = stop
    return amount


def _committed_psp(phase: Phase, start: date, end: date, days: list[date]) -> Iterator[Charge]:
    first, last = _psp_days(phase.opened[start], start, end)
    if first < last:
        yield _charge(
            phase, "PSP ahead", SUBSCRIPTION, first, last, amount=psp_cents(phase, first, last), on=start
        )
    old = phase.opened[start]
    for day in days:
        new = phase.days[day]
        before_it, after_it = _psp_days(old, day, end), _psp_days(new, day, end)
        if before_it != after_it:
            amount = psp_cents(phase, *after_it)
            yield _charge(phase, "PSP remaining", PRORATIONS, *after_it, amount=amount, on=day)
            amount = -psp_cents(phase, *before_it)
            yield _charge(phase, "PSP unused", PRORATIONS, *before_it, amount=amount, on=day)
        old = new


def _psp_days(state: Snapshot, start: date, end: date) -> tuple[date, date]:
    """Days of `[start, end)` with the add-on; `(end, end)` when there are none."""
    terms = state.terms
    if terms is None or terms.psp_from is None:
        return end, end
    first, last = max(start, terms.psp_from), min(end, terms.psp_until or end)
    return (first, last) if first < last else (end, end)


def _committed_usage(phase: Phase, start: date, end: date, before: date) -> Iterator[Charge]:
    """Price of the committed usage; changes are dated on the first day of a usage month."""
    old = committed_usage(phase, start)
    for metric, (_, price) in old.items():
        amount = price * phase.every
        yield _charge(phase, f"{metric} ahead", SUBSCRIPTION, start, end, amount=amount)
    for month in sorted(day for day in phase.opened if start < day < min(end, before)):
        new = committed_usage(phase, month)
        share = phase.every * Fraction((end - month).days, (end - start).days)
        for metric in sorted({*old, *new}):
            if old.get(metric) == new.get(metric):
                continue
            if metric in new:
                amount = new[metric][1] * share
                yield _charge(phase, f"{metric} remaining", PRORATIONS, month, end, amount=amount)
            if metric in old:
                amount = -old[metric][1] * share
                yield _charge(phase, f"{metric} unused", PRORATIONS, month, end, amount=amount)
        old = new


def committed_usage(phase: Phase, month: date) -> dict[str, tuple[int, Fraction]]:
    """Units and price a month (in cents) of each metric committed for a usage month."""
    terms = phase.opened[month].terms
    return {
        each.metric: (
            each.units,
            Fraction(each.cents)
            if each.cents is not None
            else list_cents(phase.book, each.metric, each.units),
        )
        for each in (terms.usage if terms is not None else ())
    }


def _monthly_rate(phase: Phase, state: Snapshot, year: int) -> Rate:
    if phase.kind == "EARLY_STAGE" and year < len(BUNDLE_CENTS):
        extra = cents(phase.book.month_cents[state.plan] * BUNDLE_SHARE[year])
        return max(0, state.held - BUNDLE_SEATS), extra
    return max(1, state.held), phase.book.month_cents[state.plan]


def _yearly_rate(phase: Phase, state: Snapshot) -> Rate:
    return state.purchased, phase.book.year_cents[state.plan]


def _committed_rate(phase: Phase, state: Snapshot) -> Rate:
    terms = state.terms
    assert terms is not None
    unit = terms.unit_cents if terms.unit_cents is not None else phase.book.month_cents[terms.plan]
    return terms.seats, unit * phase.every


def _extra_rate(phase: Phase, state: Snapshot) -> Rate:
    assert state.terms is not None
    return max(0, state.held - state.terms.seats), phase.book.month_cents[state.terms.plan]


def _cut_in(phase: Phase, start: date, end: date) -> date | None:
    """Find the date on which a phase is cut inside what was paid ahead for `[start, end)`."""
    if phase.is_cut and phase.ends_on is not None and start <= phase.ends_on < end:
        return phase.ends_on
    return None


def _charge(
    phase: Phase,
    name: str,
    section: str,
    start: date,
    end: date,
    *,
    amount: Fraction,
    on: date | None = None,
) -> Charge:
    return (phase.number, name, on or start), (section, start, end, cents(amount))
