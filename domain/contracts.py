"""Contracts (section 8): commitments ahead on their own frequency; what goes beyond them month by month."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

from domain.amendments import amendments
from domain.calendar import Period, local_day
from domain.commitments import (
    commitment_price,
    committed_units,
    psp_line,
    seat_price,
    show_months,
    terms_opening,
    usage_line,
    with_psp,
)
from domain.facts import ContractTerms
from domain.money import show_cents, show_price
from domain.monthly import SeatBill, bill_ahead, bill_changes
from domain.phases import Phase
from domain.proration import SeatsAtPrice, show_seats
from domain.rated import Usage, usage_charges
from domain.seats import FullSeats
from domain.sections import WHOLE, Charge, Section


def contract_charges(
    phase: Phase, seats: FullSeats, usage: Usage, *, zone: ZoneInfo, through: date
) -> Iterator[Charge]:
    """Charge a contract up to a date."""
    for billed in phase.billed_ahead(through, zone, months=phase.billing_months):
        if billed.start != phase.end:
            yield from _commitment(phase, billed, zone)
            yield from amendments(phase, billed, zone)
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


def _commitment(phase: Phase, billed: Period, zone: ZoneInfo) -> Iterator[Charge]:
    """Charge what is committed to for a billing period, ahead."""
    terms, months = terms_opening(phase, billed, zone), phase.billing_months
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
        explanation=f"{show_seats(terms.seats)} x {show_price(price // months)} x {show_months(months)} = "
        f"{show_cents(state.amount(WHOLE))}",
        quantity=terms.seats,
        unit_price=price // months,
        causes=(order,),
    )
    for commitment in terms.usage:
        yield usage_line(
            phase,
            commitment,
            billed,
            key=f"committed-usage:{commitment.metric}:{billed.start}",
            section=Section.SUBSCRIPTION,
            period=billed,
            due_on=billed.start,
            causes=(order,),
        )
    yield from _psp(phase, billed, terms=terms, order=order)


def _psp(phase: Phase, billed: Period, *, terms: ContractTerms, order: int) -> Iterator[Charge]:
    """Charge the add-on inside a billing period: whole months, and a broken month by its days."""
    service = with_psp(terms, billed)
    if service:
        yield psp_line(
            phase,
            service,
            key=f"committed-psp:{billed.start}",
            section=Section.SUBSCRIPTION,
            period=billed,
            due_on=billed.start,
            causes=(order,),
        )


def _extra_seats(phase: Phase, seats: FullSeats, zone: ZoneInfo) -> SeatBill:
    """Bill seats above the commitment month by month, as section 6 bills seats, with no least number."""

    def extra(held: int, terms: ContractTerms) -> SeatsAtPrice:
        return SeatsAtPrice(max(0, held - terms.seats), phase.book.plans[terms.plan].monthly)

    changed = {local_day(at, zone): order for (at, order), _ in phase.terms[1:]}
    return SeatBill(
        ahead=lambda month: extra(
            seats.held_before(phase.opens(month, zone)), terms_opening(phase, month, zone)
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
