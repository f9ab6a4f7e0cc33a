"""Usage of each month or part of a month, whatever the way the seats are paid."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from fractions import Fraction

from .account import Account
from .books import BUNDLE_METRICS, BUNDLE_SHARE, list_cents
from .calculator import USAGE
from .phases import Phase
from .prices import METRICS, cents
from .term_charges import Charge, committed_usage


def usage(account: Account, phase: Phase, before: date) -> Iterator[Charge]:
    """One charge a metric for each month that is over, or part of one that was cut.

    Every metric has its charge, at 0 too, so that a total taken back is an adjustment
    like any other. A part is rated from its first tier, under its phase's book.
    """
    for start in phase.opened:
        month = phase.month_of(start)
        end = min(month.end, phase.ends_on or month.end)
        if start < end <= before:
            for metric in METRICS:
                amount = _rated(phase, metric, _total(account, metric, start, end), start=start)
                yield (phase.number, metric, start), (USAGE, start, end, cents(amount))


def _total(account: Account, metric: str, start: date, end: date) -> int:
    return sum(
        event.units
        for event in account.events.values()
        if event.metric == metric and start <= event.day < end and event.event_id not in account.taken_back
    )


def _rated(phase: Phase, metric: str, total: int, *, start: date) -> Fraction:
    amount = list_cents(phase.book, metric, total)
    if phase.kind == "CONTRACT":
        committed, _ = committed_usage(phase, start).get(metric, (0, Fraction(0)))
        return max(Fraction(0), amount - list_cents(phase.book, metric, committed))
    year = phase.month_of(start).number // 12
    if phase.kind == "EARLY_STAGE" and metric in BUNDLE_METRICS and year < len(BUNDLE_SHARE):
        return amount * BUNDLE_SHARE[year]
    return amount
