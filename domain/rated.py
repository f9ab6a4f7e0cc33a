"""Usage rated (sections 3, 7, 8 and 9): one charge a metric and usage month, tiers starting again where a month is cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date

from domain.calendar import Period
from domain.money import cents, show_cents
from domain.pricebook import Metric, PriceBook
from domain.rating import exact_cost, show_parts, tier_parts
from domain.sections import Charge, Section

HUNDRED = 100
Usage = Mapping[tuple[Metric, date], int]
NOTHING: Mapping[Metric, int] = {}


def usage_charges(
    book: PriceBook,
    period: Period,
    usage: Usage,
    *,
    committed: Mapping[Metric, int] = NOTHING,
    discount: Callable[[Metric], int] = lambda _: 0,
) -> Iterator[Charge]:
    """Charge a usage period: graduated list prices, above what is committed, less a discount in percent."""
    totals = usage_totals(usage, period)
    for metric in Metric:
        total, agreed, percent = totals.get(metric, 0), committed.get(metric, 0), discount(metric)
        amount = usage_cost(book, metric, total, committed=agreed, discount=percent)
        words = _explain(book, metric, total, committed=agreed, discount=percent, amount=amount)
        yield Charge(
            key=f"usage:{metric}:{period.start}",
            section=Section.ADDITIONAL_USAGE,
            description=book.metrics[metric].label,
            period=period,
            service=period,
            due_on=period.end,
            amount=amount,
            explanation=words,
            quantity=total,
            tiers=tier_parts(book.metrics[metric].card, total),
        )


def usage_cost(book: PriceBook, metric: Metric, total: int, *, committed: int = 0, discount: int = 0) -> int:
    """Give the cost of a total in cents: list(total) - list(committed), never below zero, less the discount."""
    card = book.metrics[metric].card
    exact = max(0, exact_cost(card, total) - exact_cost(card, committed))
    return cents(exact, part=HUNDRED - discount, whole=HUNDRED)


def usage_totals(usage: Usage, period: Period) -> dict[Metric, int]:
    """Add up the units of each metric over the days of a period."""
    totals: dict[Metric, int] = {}
    for (metric, day), units in usage.items():
        if day in period:
            totals[metric] = totals.get(metric, 0) + units
    return totals


def _explain(
    book: PriceBook, metric: Metric, total: int, *, committed: int, discount: int, amount: int
) -> str:
    card = book.metrics[metric].card
    arithmetic = show_parts(tier_parts(card, total))
    if committed:
        arithmetic = f"({arithmetic}) - committed ({show_parts(tier_parts(card, committed))})"
    if discount:
        arithmetic = f"({arithmetic}) x {HUNDRED - discount} %"
    return f"{arithmetic} = {show_cents(amount)}"
