"""Amended commitments (section 8): pairs by the billing period's days, on the next subscription invoice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

from domain.calendar import Period, intervals_from, local_day
from domain.commitments import (
    psp_line,
    seat_price,
    terms_opening,
    usage_line,
    with_psp,
)
from domain.facts import ContractTerms
from domain.phases import Phase
from domain.pricebook import Metric
from domain.proration import SeatsAtPrice, share_left
from domain.sections import Charge, Frame, Section, pair


def amendments(phase: Phase, billed: Period, zone: ZoneInfo) -> Iterator[Charge]:
    """Charge amended commitments by the billing period's days, on the next subscription invoice.

    All amendments of one date make one pair; those of usage are dated as the next usage month opens.
    """
    served, opening_terms = phase.within(billed), terms_opening(phase, billed, zone)
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
            now = terms_opening(phase, month, zone)
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
    old, new = with_psp(before, left), with_psp(now, left)
    for kind, sign, service in (("remaining", 1, new), ("unused", -1, old)):
        if old != new and service:
            yield psp_line(
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
    old = {commitment.metric: commitment for commitment in before.usage}
    new = {commitment.metric: commitment for commitment in now.usage}
    for metric in Metric:
        if old.get(metric) == new.get(metric):
            continue
        for kind, sign, commitment in (("remaining", 1, new.get(metric)), ("unused", -1, old.get(metric))):
            if commitment:
                yield usage_line(
                    phase,
                    commitment,
                    Period(day, billed.end),
                    key=f"committed-{metric}-{kind}:{day}",
                    section=Section.PRORATIONS,
                    period=billed,
                    due_on=served.end,
                    causes=causes,
                    change=f"committed-{metric}-change:{day}",
                    sign=sign,
                )
