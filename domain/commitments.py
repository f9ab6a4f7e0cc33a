"""What a contract commits to (section 8): terms that fit together, the terms of a date, and their prices."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from zoneinfo import ZoneInfo

from domain.calendar import Period, add_months, show_day
from domain.facts import Commitment, ContractTerms
from domain.money import PRICE_DECIMALS, cents, show_cents, show_price
from domain.phases import Phase
from domain.pricebook import Metric
from domain.proration import share_left
from domain.rating import exact_cost
from domain.sections import PSP_LABEL, Charge, Section
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


def committed_units(phase: Phase, month: Period, zone: ZoneInfo) -> Mapping[Metric, int]:
    """Give the units committed to in a usage month: what stood as the month opened."""
    terms = terms_opening(phase, month, zone)
    return {commitment.metric: commitment.units for commitment in terms.usage}


def terms_opening(phase: Phase, period: Period, zone: ZoneInfo) -> ContractTerms:
    """Give the terms in force as a period opens."""
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


def with_psp(terms: ContractTerms, period: Period) -> Period | None:
    """Give the part of a period with the add-on."""
    if terms.psp_from is None:
        return None
    start, end = max(terms.psp_from, period.start), min(terms.psp_until or period.end, period.end)
    return Period(start, end) if start < end else None


def psp_line(
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
    """Charge the add-on for a run of dates: whole months, and broken ones by their days; or give it back."""
    run, price = phase.months_in(service), phase.book.psp_monthly
    amount = sign * run.amount(price)
    broken = [f"{share.days}/{share.of} month" for share in run.broken]
    shares = " + ".join([*([show_months(run.whole)] if run.whole else []), *broken])
    minus = "-" if sign < 0 else ""
    return Charge(
        key=key,
        section=section,
        description=f"Unused time on {PSP_LABEL}" if sign < 0 else PSP_LABEL,
        period=period,
        service=service,
        due_on=due_on,
        amount=amount,
        explanation=f"{minus}{show_price(price)} x ({shares}) = {show_cents(amount)}",
        quantity=sign,
        unit_price=price,
        change=change,
        causes=causes,
    )


def usage_line(
    phase: Phase,
    commitment: Commitment,
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
    """Charge committed usage for a billing period, or for the days of it that are left; or give them back."""
    price, left = commitment_price(phase, commitment), share_left(period, service.start)
    amount = sign * cents(price * phase.billing_months, part=left.days, whole=left.of)
    words = f"{phase.book.metrics[commitment.metric].label}: {commitment.units:,} a month committed"
    if change:
        words = f"{'Remaining' if sign > 0 else 'Unused'} time on {words} from {show_day(service.start)}"
    minus, part = "-" if sign < 0 else "", "" if left.days == left.of else f" x {left}"
    return Charge(
        key=key,
        section=section,
        description=words,
        period=period,
        service=service,
        due_on=due_on,
        amount=amount,
        explanation=f"{minus}{show_price(price)} x {show_months(phase.billing_months)}{part} = {show_cents(amount)}",
        quantity=sign * commitment.units,
        change=change,
        causes=causes,
    )


def show_months(number: int) -> str:
    """Write a number of months."""
    return "1 month" if number == 1 else f"{number} months"
