"""The invoices a monthly account should get: all charges due, less what was billed.

An invoice is made as its day opens (the first: at the moment of the start). It knows
what is dated and recorded before that day. Every invoice recomputes every charge since
the start; nothing is remembered but what was billed for each.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import TypeAlias

from .actions import Story, TakeBack, Use, date_of, recorded_at
from .prices import METRICS, PSP_CENTS, SEAT_CENTS, cents, rated_cents, units_of
from .seats import billed_ahead, billed_quantity
from .subscription import (
    Paid,
    paid_subscription,
    period_start,
    plan_before,
    plan_of_day,
    psp_of_period,
)

USAGE = "ADDITIONAL_USAGE"
PRORATIONS = "PRORATIONS"
SUBSCRIPTION = "SUBSCRIPTION"

# The provider's least amount: a smaller due is not charged (section 11).
LEAST_CHARGE_CENTS = 50

# Section, first day of service, the day after its last, cents.
RefLine: TypeAlias = tuple[str, date, date, int]
# What is charged, the date it hangs on.
Key: TypeAlias = tuple[str, date]
Charges: TypeAlias = dict[Key, RefLine]


@dataclass(frozen=True, slots=True)
class RefInvoice:
    """One invoice. Lines are sorted; amounts are cents.

    `credit_left_cents` is the balance after it, negative when a due too small to
    charge was taken from it. `credit_applied_cents` is then the whole total. A negative
    total applies no credit: it adds to what is left. `stream` is SUBSCRIPTION,
    ADDITIONAL_USAGE, FINAL or CHANGE (one change invoiced at once).
    """

    number: int
    invoice_on: date
    lines: tuple[RefLine, ...]
    total_cents: int
    credit_applied_cents: int
    due_cents: int
    credit_left_cents: int
    stream: str = SUBSCRIPTION


@dataclass(frozen=True, slots=True)
class Settled:
    """How a total meets the balance, in cents."""

    credit_applied: int
    due: int
    credit_left: int


def invoices(story: Story, through: date) -> list[RefInvoice]:
    """All invoices dated up to and including `through`, in order."""
    paid = paid_subscription(story)
    if paid is None:
        return []
    issued: list[RefInvoice] = []
    billed: dict[Key, int] = {}
    balance = 0
    for period in range(10_000):
        invoice_on = period_start(paid.starts_on, period)
        if invoice_on > through:
            break
        lines: list[RefLine] = []
        for key, (section, start, end, amount) in charges_due(story, paid, period).items():
            owed = amount - billed.get(key, 0)
            if owed != 0:
                lines.append((section, start, end, owed))
            billed[key] = amount
        if not lines:
            continue
        total = sum(amount for _, _, _, amount in lines)
        settled = settle(total, balance=balance)
        balance = settled.credit_left
        issued.append(
            RefInvoice(
                number=len(issued) + 1,
                invoice_on=invoice_on,
                lines=tuple(sorted(lines)),
                total_cents=total,
                credit_applied_cents=settled.credit_applied,
                due_cents=settled.due,
                credit_left_cents=settled.credit_left,
            )
        )
    return issued


def horizon(story: Story) -> date:
    """First invoice date by which all of the story is known; the last day if unpaid."""
    last = max(date_of(recorded_at(action), zone=story.zone) for action in story.actions)
    paid = paid_subscription(story)
    if paid is None:
        return last
    period = 0
    while period_start(paid.starts_on, period) <= last:
        period += 1
    return period_start(paid.starts_on, period)


def settle(total: int, *, balance: int) -> Settled:
    """Let the balance meet a total (sections 5 and 11).

    A balance below zero raises the due. A due under $0.50 is taken from the balance.
    """
    if total <= 0:
        return Settled(credit_applied=0, due=0, credit_left=balance - total)
    applied = min(balance, total)
    due = total - applied
    if due < LEAST_CHARGE_CENTS:
        applied, due = total, 0
    return Settled(credit_applied=applied, due=due, credit_left=balance - applied)


def charges_due(story: Story, paid: Paid, period: int) -> Charges:
    """Every charge due as a period opens: its own ahead, all earlier ones in full."""
    charges: Charges = {}
    for index in range(period + 1):
        charges |= _ahead(paid, index)
    known_before = period_start(paid.starts_on, period)
    for index in range(period):
        charges |= _pairs(paid, index)
        charges |= _psp_added(paid, index)
        charges |= _usage(story, paid, index, known_before=known_before)
    return charges


def _ahead(paid: Paid, period: int) -> Charges:
    start, end = period_start(paid.starts_on, period), period_start(paid.starts_on, period + 1)
    seats = billed_ahead(paid, start) * SEAT_CENTS[plan_before(paid, start)]
    charges: Charges = {("seats ahead", start): (SUBSCRIPTION, start, end, seats)}
    if psp_of_period(paid, period).is_ahead:
        charges["PSP ahead", start] = (SUBSCRIPTION, start, end, PSP_CENTS)
    return charges


def _pairs(paid: Paid, period: int) -> Charges:
    """One pair for each date that differs from the day before (section 5).

    The first day is compared with what was billed ahead. A day's quantity counts
    everyone who held a full seat on it; its price is that of its last plan.
    """
    start, end = period_start(paid.starts_on, period), period_start(paid.starts_on, period + 1)
    charges: Charges = {}
    old = (billed_ahead(paid, start), SEAT_CENTS[plan_before(paid, start)])
    day = start
    while day < end:
        new = (billed_quantity(paid, day), SEAT_CENTS[plan_of_day(paid, day)])
        if new != old:
            share = Fraction((end - day).days, (end - start).days)
            remaining = cents(new[0] * new[1] * share)
            unused = cents(-old[0] * old[1] * share)
            charges["remaining", day] = (PRORATIONS, day, end, remaining)
            charges["unused", day] = (PRORATIONS, day, end, unused)
        old = new
        day += timedelta(days=1)
    return charges


def _psp_added(paid: Paid, period: int) -> Charges:
    start, end = period_start(paid.starts_on, period), period_start(paid.starts_on, period + 1)
    charges: Charges = {}
    for day in psp_of_period(paid, period).added_on:
        share = Fraction((end - day).days, (end - start).days)
        charges["PSP added", day] = (PRORATIONS, day, end, cents(PSP_CENTS * share))
    return charges


def _usage(story: Story, paid: Paid, period: int, *, known_before: date) -> Charges:
    """One charge per metric, of what stands of the period's events as known by then.

    An event belongs to the period of its local date; all dates before the first paid
    day are free. Every metric has its charge, at 0 too, so that a total taken back is
    an adjustment like any other.
    """
    start, end = period_start(paid.starts_on, period), period_start(paid.starts_on, period + 1)
    totals = dict.fromkeys(METRICS, 0)
    known = [
        action for action in story.actions if date_of(recorded_at(action), zone=story.zone) < known_before
    ]
    taken_back = {action.event_id for action in known if isinstance(action, TakeBack)}
    for action in known:
        if not isinstance(action, Use) or action.event_id in taken_back:
            continue
        if start <= date_of(action.at, zone=story.zone) < end:
            totals[action.metric] += units_of(action.metric, action.quantity)
    return {
        (metric, start): (USAGE, start, end, rated_cents(metric, total)) for metric, total in totals.items()
    }
