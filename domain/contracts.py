"""Contracts (section 8): commitments ahead on their own frequency; what goes beyond them month by month."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from zoneinfo import ZoneInfo

from domain.calendar import Period, add_months, intervals_from, local_day
from domain.facts import Commitment, ContractTerms
from domain.money import PRICE_DECIMALS, cents, show_cents, show_price
from domain.monthly import SeatBill, bill_ahead, bill_changes
from domain.phases import Phase
from domain.pricebook import Metric
from domain.proration import SeatsAtPrice, share_left, show_seats
from domain.rated import Usage, usage_charges
from domain.rating import exact_cost
from domain.seats import FullSeats
from domain.sections import PSP_LABEL, WHOLE, Charge, Frame, Section, pair
from domain.subscriptions import BadContractTerms

FREQUENCIES = (1, 3, 12)
LONGEST_TERM = 120
HIGHEST_PRICE = 1_000_000 * 10**PRICE_DECIMALS
"""Of a seat or of committed usage a month, in price units."""


def check_terms(terms: ContractTerms, *, start: date) -> None:
    """Refuse terms that do not fit together (section 8); raises BadContractTerms."""
    if terms.billing_months not in FREQUENCIES:
        raise BadContractTerms("billed every month, every quarter or every year")
    if not 0 < terms.months <= LONGEST_TERM or terms.months % terms.billing_months:
        raise BadContractTerms(
            f"its term is a whole number of billing periods, at most {LONGEST_TERM} months"
        )
    faults = (
        (terms.seats < 0, "committed seats are counted from 0"),
        (terms.lite_seats is not None and terms.lite_seats < 0, "lite seats are counted from 0"),
        (terms.seat_price is not None and terms.seat_price < 0, "a seat's price is not negative"),
        (
            max([terms.seat_price or 0, *(one.price or 0 for one in terms.usage)]) > HIGHEST_PRICE,
            f"a price is at most {show_price(HIGHEST_PRICE)} a month",
        ),
        (any(one.units <= 0 for one in terms.usage), "committed usage is at least 1 unit a month"),
        (any(one.price is not None and one.price < 0 for one in terms.usage), "a price is not negative"),
        (len({one.metric for one in terms.usage}) != len(terms.usage), "a metric is committed to once"),
        (terms.psp_until is not None and terms.psp_from is None, "the add-on needs a start to have an end"),
        (
            terms.psp_from is not None
            and not (start <= terms.psp_from < (terms.psp_until or add_months(start, terms.months))),
            "the add-on starts inside the term and before it ends",
        ),
    )
    for is_at_fault, reason in faults:
        if is_at_fault:
            raise BadContractTerms(reason)


def contract_charges(
    phase: Phase, seats: FullSeats, usage: Usage, *, zone: ZoneInfo, through: date
) -> Iterator[Charge]:
    """Charge a contract up to a date."""
    for billed in phase.billed_ahead(through, zone, months=phase.billing_months):
        if billed.start != phase.end:
            yield from _commitment(phase, billed, zone)
            yield from _amendments(phase, billed, zone)
    extra = _extra_seats(phase, seats, zone)
    for month in phase.months(through):
        yield from bill_ahead(phase, month, extra)
        period = phase.within(month)
        if period.end <= through:
            yield from bill_changes(phase, month, extra)
            yield from usage_charges(
                phase.book,
                period,
                usage,
                committed=committed_units(phase, month, zone),
            )


def contract_rate(phase: Phase, *, held: int, has_psp: bool) -> int:
    """Give what a billing period costs with this many full seats, in price units: commitment, add-on, extra seats."""
    terms = phase.terms[-1][1]
    month = terms.seats * seat_price(phase, terms)
    month += sum(commitment_price(phase, commitment) for commitment in terms.usage)
    month += max(0, held - terms.seats) * phase.book.plans[terms.plan].monthly
    return phase.billing_months * (month + (phase.book.psp_monthly if has_psp else 0))


def committed_units(phase: Phase, month: Period, zone: ZoneInfo) -> Mapping[Metric, int]:
    """Give the units committed to in a usage month: what stood as the month opened."""
    terms = _terms_opening(phase, month, zone)
    return {commitment.metric: commitment.units for commitment in terms.usage}


def _terms_opening(phase: Phase, period: Period, zone: ZoneInfo) -> ContractTerms:
    stamp = phase.opens(period, zone)
    return next((terms for at, terms in reversed(phase.terms) if at < stamp), phase.terms[0][1])


def seat_price(phase: Phase, terms: ContractTerms) -> int:
    """Give the price a month of a committed seat: as signed, or the plan's monthly list price."""
    return phase.book.plans[terms.plan].monthly if terms.seat_price is None else terms.seat_price


def commitment_price(phase: Phase, commitment: Commitment) -> int:
    """Give the price a month of committed usage: as signed, or its list price."""
    if commitment.price is not None:
        return commitment.price
    return exact_cost(phase.book.metrics[commitment.metric].card, commitment.units)


def _commitment(phase: Phase, billed: Period, zone: ZoneInfo) -> Iterator[Charge]:
    """Charge what is committed to for a billing period, ahead."""
    terms, months = _terms_opening(phase, billed, zone), phase.billing_months
    order = phase.terms[0][0][1]
    price = seat_price(phase, terms) * months
    state = SeatsAtPrice(terms.seats, price)
    yield Charge(
        key=f"committed-seats:{billed.start}",
        section=Section.SUBSCRIPTION,
        description=f"{terms.plan.label}: {show_seats(terms.seats)} committed",
        period=billed,
        service=billed,
        due_on=billed.start,
        amount=state.amount(WHOLE),
        explanation=f"{show_seats(terms.seats)} x {show_price(price // months)} x {_months(months)} = "
        f"{show_cents(state.amount(WHOLE))}",
        quantity=terms.seats,
        unit_price=price // months,
        causes=(order,),
    )
    for commitment in terms.usage:
        yield _committed_usage(phase, billed, commitment, months=months, order=order)
    yield from _psp(phase, billed, terms=terms, order=order)


def _committed_usage(
    phase: Phase, billed: Period, commitment: Commitment, *, months: int, order: int
) -> Charge:
    price = commitment_price(phase, commitment)
    amount = cents(price * months)
    label = phase.book.metrics[commitment.metric].label
    return Charge(
        key=f"committed-usage:{commitment.metric}:{billed.start}",
        section=Section.SUBSCRIPTION,
        description=f"{label}: {commitment.units:,} a month committed",
        period=billed,
        service=billed,
        due_on=billed.start,
        amount=amount,
        explanation=f"{show_price(price)} x {_months(months)} = {show_cents(amount)}",
        quantity=commitment.units,
        causes=(order,),
    )


def _psp(phase: Phase, billed: Period, *, terms: ContractTerms, order: int) -> Iterator[Charge]:
    """Charge the add-on inside a billing period: whole months, and a broken month by its days."""
    service = _with_psp(terms, billed)
    if service:
        yield _psp_line(
            phase,
            service,
            key=f"committed-psp:{billed.start}",
            section=Section.SUBSCRIPTION,
            period=billed,
            due_on=billed.start,
            causes=(order,),
        )


def _with_psp(terms: ContractTerms, period: Period) -> Period | None:
    """Give the part of a period with the add-on."""
    if terms.psp_from is None:
        return None
    start, end = max(terms.psp_from, period.start), min(terms.psp_until or period.end, period.end)
    return Period(start, end) if start < end else None


def _psp_line(
    phase: Phase,
    service: Period,
    *,
    key: str,
    section: Section,
    period: Period,
    due_on: date,
    causes: tuple[int, ...],
    change: str | None = None,
    sign: int = 1,
) -> Charge:
    exact, parts, months = 0, [], 0
    month = phase.month_of(service.start)
    while month.start < service.end:
        inside = Period(max(service.start, month.start), min(service.end, month.end))
        if inside == month:
            months += 1
        else:
            parts.append(f"{inside.days}/{month.days}")
        exact += phase.book.psp_monthly * inside.days * _COMMON // month.days
        month = phase.month_of(month.end)
    amount = sign * cents(exact, whole=_COMMON)
    shares = " + ".join([*([_months(months)] if months else []), *(f"{part} month" for part in parts)])
    minus = "-" if sign < 0 else ""
    return Charge(
        key=key,
        section=section,
        description=f"Unused time on {PSP_LABEL}" if sign < 0 else PSP_LABEL,
        period=period,
        service=service,
        due_on=due_on,
        amount=amount,
        explanation=f"{minus}{show_price(phase.book.psp_monthly)} x ({shares}) = {show_cents(amount)}",
        quantity=sign,
        unit_price=phase.book.psp_monthly,
        change=change,
        causes=causes,
    )


_COMMON = 28 * 29 * 30 * 31
"""Divisible by the days of every month, so that parts of months add up exactly."""


def _amendments(phase: Phase, billed: Period, zone: ZoneInfo) -> Iterator[Charge]:
    """Charge amended commitments by the billing period's days, on the next subscription invoice.

    All amendments of one date make one pair; those of usage are dated as the next usage month opens.
    """
    served, opening_terms = phase.within(billed), _terms_opening(phase, billed, zone)
    dated: dict[date, tuple[int, ...]] = {}
    for (at, order), _ in phase.terms[1:]:
        day = local_day(at, zone)
        dated[day] = (*dated.get(day, ()), order)
    before = opening_terms
    for day in sorted(dated):
        if day in served:
            now = phase.terms_on(day, zone)
            for amend in (_seat_amendment, _psp_amendment):
                yield from amend(
                    phase, billed, served=served, day=day, before=before, now=now, causes=dated[day]
                )
            before = now
    before = opening_terms
    for month in intervals_from(phase.anchor, served.start, 1):
        if month.start >= served.end:
            return
        if month.start > billed.start:
            now = _terms_opening(phase, month, zone)
            causes = tuple(order for day in sorted(dated) if day < month.start for order in dated[day])
            yield from _usage_amendment(
                phase, billed, served=served, day=month.start, before=before, now=now, causes=causes[-1:]
            )
            before = now


def _seat_amendment(
    phase: Phase,
    billed: Period,
    *,
    served: Period,
    day: date,
    before: ContractTerms,
    now: ContractTerms,
    causes: tuple[int, ...],
) -> Iterator[Charge]:
    months = phase.billing_months
    old = SeatsAtPrice(before.seats, seat_price(phase, before) * months)
    new = SeatsAtPrice(now.seats, seat_price(phase, now) * months)
    if old == new:
        return
    label = f"{now.plan.label}, committed"
    yield from pair(
        Frame("committed-", label, Section.PRORATIONS, served.end),
        day=day,
        period=billed,
        left=share_left(billed, day),
        service=Period(day, billed.end),
        before=old,
        now=new,
        causes=causes,
    )


def _psp_amendment(
    phase: Phase,
    billed: Period,
    *,
    served: Period,
    day: date,
    before: ContractTerms,
    now: ContractTerms,
    causes: tuple[int, ...],
) -> Iterator[Charge]:
    left = Period(day, billed.end)
    old, new = _with_psp(before, left), _with_psp(now, left)
    for kind, sign, service in (("remaining", 1, new), ("unused", -1, old)):
        if old != new and service:
            yield _psp_line(
                phase,
                service,
                key=f"committed-psp-{kind}:{day}",
                section=Section.PRORATIONS,
                period=billed,
                due_on=served.end,
                causes=causes,
                change=f"committed-psp-change:{day}",
                sign=sign,
            )


def _usage_amendment(
    phase: Phase,
    billed: Period,
    *,
    served: Period,
    day: date,
    before: ContractTerms,
    now: ContractTerms,
    causes: tuple[int, ...],
) -> Iterator[Charge]:
    months = phase.billing_months
    old = {commitment.metric: commitment for commitment in before.usage}
    new = {commitment.metric: commitment for commitment in now.usage}
    for metric in Metric:
        if old.get(metric) == new.get(metric):
            continue
        states = [
            SeatsAtPrice(1, commitment_price(phase, commitment) * months)
            if (commitment := side.get(metric))
            else SeatsAtPrice(0, 0)
            for side in (old, new)
        ]
        label = f"{phase.book.metrics[metric].label}, committed"
        yield from pair(
            Frame(f"committed-{metric}-", label, Section.PRORATIONS, served.end),
            day=day,
            period=billed,
            left=share_left(billed, day),
            service=Period(day, billed.end),
            before=states[0],
            now=states[1],
            causes=causes,
        )


def _extra_seats(phase: Phase, seats: FullSeats, zone: ZoneInfo) -> SeatBill:
    """Bill seats above the commitment month by month, as section 6 bills seats, with no least number."""

    def extra(held: int, terms: ContractTerms) -> SeatsAtPrice:
        return SeatsAtPrice(max(0, held - terms.seats), phase.book.plans[terms.plan].monthly)

    changed = {local_day(at, zone): order for (at, order), _ in phase.terms[1:]}
    return SeatBill(
        ahead=lambda month: extra(
            seats.held_before(phase.opens(month, zone)), _terms_opening(phase, month, zone)
        ),
        on=lambda day: extra(seats.on(day), phase.terms_on(day, zone)),
        days=(*seats.days, *changed),
        causes=lambda day: (*((changed[day],) if day in changed else ()), *seats.causes.get(day, ())),
        causes_ahead=lambda _: (),
        label=lambda day: f"{phase.terms_on(day, zone).plan.label}, above the commitment",
        ahead_section=Section.ADDITIONAL_USAGE,
        change_section=Section.ADDITIONAL_USAGE,
        name="extra-",
    )


def _months(number: int) -> str:
    return "1 month" if number == 1 else f"{number} months"
