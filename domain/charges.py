"""Every charge the dated facts of a subscription make due (sections 4 to 6), each with a stable key and its arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from zoneinfo import ZoneInfo

from domain.calendar import Period, local_day, show_day
from domain.money import cents, show_cents, show_price
from domain.pricebook import Metric, PriceBook
from domain.proration import SeatsAtPrice, Share, share_left, show_seats
from domain.rating import TierPart, cost, show_parts, tier_parts
from domain.seats import FullSeats, SeatChange, full_seats
from domain.subscriptions import Fact, Phase, PhaseKind, PspSpan, phases

WHOLE = Share(1, 1)
PSP_LABEL = "Proactive Support Plus"


class Section(StrEnum):
    """Part of an invoice, in the order of an invoice."""

    ADDITIONAL_USAGE = "ADDITIONAL_USAGE"
    PRORATIONS = "PRORATIONS"
    SUBSCRIPTION = "SUBSCRIPTION"

    @property
    def label(self) -> str:
        """The heading on an invoice."""
        return _SECTION_LABELS[self]


_SECTION_LABELS = {
    Section.ADDITIONAL_USAGE: "Additional usage",
    Section.PRORATIONS: "Subscription: Prorations",
    Section.SUBSCRIPTION: "Subscription",
}


@dataclass(frozen=True, slots=True)
class History:
    """All dated facts of one subscription, as known at some moment.

    `usage` holds units (not seconds) by metric and local day, all workspaces together, less what was taken back. Rating
    needs no finer days than billing periods, so a period's total may stand on its first day.
    """

    zone: ZoneInfo
    facts: tuple[Fact, ...]
    seat_changes: tuple[SeatChange, ...]
    usage: Mapping[tuple[Metric, date], int]
    books: Mapping[int, PriceBook]

    def phases(self) -> tuple[Phase, ...]:
        """Fold the subscription's facts into phases."""
        return phases(self.facts, self.zone, self.books)


@dataclass(frozen=True, slots=True)
class Charge:
    """What one thing costs for one service period; `due_on` is the date of the invoice that takes it first.

    `key` is stable over recomputation; `period` is the billing period it belongs to; `change` joins the two lines of a
    pair; `causes` holds the orders of the facts behind it; `amount` is in cents, `unit_price` in price units.
    """

    key: str
    section: Section
    description: str
    period: Period
    service: Period
    due_on: date
    amount: int
    explanation: str
    quantity: int | None = None
    unit_price: int | None = None
    tiers: tuple[TierPart, ...] = ()
    change: str | None = None
    causes: tuple[int, ...] = ()


def charges(history: History, *, through: date, since: date | None = None) -> tuple[Charge, ...]:
    """Yield every charge due on or before `through`, in periods beginning no earlier than `since`.

    Zero amounts are included: whether a charge makes a line depends on what was billed for it before.
    """
    found: list[Charge] = []
    for phase in history.phases():
        if phase.kind is not PhaseKind.MONTHLY:
            continue
        seats = full_seats(history.seat_changes, history.zone, since=phase.opened)
        for period in phase.months(through):
            if since is not None and period.start < since:
                continue
            found += _ahead(phase, period, seats, history.zone)
            if period.end <= through:
                found += _in_arrears(phase, period, seats, history)
    return tuple(found)


def seats_ahead(phase: Phase, period: Period, seats: FullSeats, zone: ZoneInfo) -> SeatsAtPrice:
    """Give the seats and price billed ahead: the state as the period opens, or as the phase began (section 5)."""
    stamp = phase.opens(period, zone)
    _, plan = phase.plan_before(stamp)
    return SeatsAtPrice(billed_seats(seats.held_before(stamp)), phase.book.plans[plan].monthly)


def billed_seats(held: int) -> int:
    """Number of full seats billed for those held: at least one (section 3)."""
    return max(1, held)


def _ahead(phase: Phase, period: Period, seats: FullSeats, zone: ZoneInfo) -> Iterator[Charge]:
    stamp = phase.opens(period, zone)
    plan_since, plan = phase.plan_before(stamp)
    billed = seats_ahead(phase, period, seats, zone)
    yield Charge(
        key=f"seats:{period.start}",
        section=Section.SUBSCRIPTION,
        description=f"{plan.label}: {show_seats(billed.seats)}",
        period=period,
        service=period,
        due_on=period.start,
        amount=billed.amount(WHOLE),
        explanation=billed.explain(WHOLE),
        quantity=billed.seats,
        unit_price=billed.price,
        causes=(plan_since[1],),
    )
    if span := next((span for span in phase.psp if span.is_billed_ahead(stamp, period)), None):
        price = phase.book.psp_monthly
        yield Charge(
            key=f"psp:{period.start}",
            section=Section.SUBSCRIPTION,
            description=PSP_LABEL,
            period=period,
            service=period,
            due_on=period.start,
            amount=cents(price),
            explanation=f"1 x {show_price(price)} = {show_cents(cents(price))}",
            quantity=1,
            unit_price=price,
            causes=(span.order,),
        )


def _in_arrears(phase: Phase, period: Period, seats: FullSeats, history: History) -> Iterator[Charge]:
    yield from _pairs(phase, period, seats, history.zone)
    for span in phase.psp:
        added_on = local_day(span.added[0], history.zone)
        if added_on in period and span.added > phase.opens(period, history.zone):
            yield _psp_added(phase, period, added_on, span)
    yield from _usage(phase, period, history.usage)


def _pairs(phase: Phase, period: Period, seats: FullSeats, zone: ZoneInfo) -> Iterator[Charge]:
    """Give one pair for each date whose billed quantity or final price differs from the day before's (section 5)."""
    before = seats_ahead(phase, period, seats, zone)
    plan_changes: dict[date, list[int]] = {}
    for (at, order), _ in phase.plans[1:]:
        plan_changes.setdefault(local_day(at, zone), []).append(order)
    for day in sorted({period.start, *seats.days, *plan_changes}):
        if day not in period:
            continue
        plan = phase.plan_on(day, zone)
        now = SeatsAtPrice(billed_seats(seats.on(day)), phase.book.plans[plan].monthly)
        if now != before:
            causes = (*plan_changes.get(day, ()), *seats.causes.get(day, ()))
            yield from _pair(period, day, before=before, now=now, plan=plan.label, causes=causes)
        before = now


def _pair(
    period: Period, day: date, *, before: SeatsAtPrice, now: SeatsAtPrice, plan: str, causes: tuple[int, ...]
) -> Iterator[Charge]:
    left = share_left(period, day)
    for kind, label, sign, state in (
        ("remaining", f"Remaining time on {plan}: {show_seats(now.seats)}", 1, now),
        ("unused", f"Unused time on {show_seats(before.seats)}", -1, before),
    ):
        yield Charge(
            key=f"{kind}:{day}",
            section=Section.PRORATIONS,
            description=f"{label} from {show_day(day)}",
            period=period,
            service=Period(day, period.end),
            due_on=period.end,
            amount=sign * state.amount(left),
            explanation=state.explain(left, sign=sign),
            quantity=sign * state.seats,
            unit_price=state.price,
            change=f"change:{day}",
            causes=causes,
        )


def _psp_added(phase: Phase, period: Period, day: date, span: PspSpan) -> Charge:
    left, price = share_left(period, day), phase.book.psp_monthly
    amount = cents(price, part=left.days, whole=left.of)
    return Charge(
        key=f"psp-added:{day}",
        section=Section.PRORATIONS,
        description=f"{PSP_LABEL} from {show_day(day)}",
        period=period,
        service=Period(day, period.end),
        due_on=period.end,
        amount=amount,
        explanation=f"1 x {show_price(price)} x {left} = {show_cents(amount)}",
        quantity=1,
        unit_price=price,
        causes=(span.order,),
    )


def _usage(phase: Phase, period: Period, usage: Mapping[tuple[Metric, date], int]) -> Iterator[Charge]:
    totals = usage_totals(usage, period)
    for metric in Metric:
        prices, total = phase.book.metrics[metric], totals.get(metric, 0)
        amount, parts = cost(prices.card, total), tier_parts(prices.card, total)
        yield Charge(
            key=f"usage:{metric}:{period.start}",
            section=Section.ADDITIONAL_USAGE,
            description=prices.label,
            period=period,
            service=period,
            due_on=period.end,
            amount=amount,
            explanation=f"{show_parts(parts)} = {show_cents(amount)}",
            quantity=total,
            tiers=parts,
        )


def usage_totals(usage: Mapping[tuple[Metric, date], int], period: Period) -> dict[Metric, int]:
    """Add up the units of each metric over the days of a period."""
    totals: dict[Metric, int] = {}
    for (metric, day), units in usage.items():
        if day in period:
            totals[metric] = totals.get(metric, 0) + units
    return totals
