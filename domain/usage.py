"""Usage as it reads (section 9): a metric's total over a period, its cost so far, and what both come to if it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from domain.calendar import ONE_DAY, Period
from domain.commitments import committed_units
from domain.money import round_half_up
from domain.monthly import usage_discount
from domain.phases import Phase, PhaseKind
from domain.pricebook import Metric, MetricPrices
from domain.rated import usage_cost


@dataclass(frozen=True, slots=True)
class Reading:
    """A metric over a period (section 9): units, costs in cents, and the threshold line (None: pay as you go).

    `cost` is what the total costs so far; projections say what it comes to if it goes on as it has.
    """

    metric: Metric
    prices: MetricPrices
    total: int
    included: int | None
    cost: int
    projected_total: int
    projected_cost: int
    points: tuple[Point, ...]
    by_channel: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Point:
    """Units of one day and of the period up to and including it."""

    day: date
    units: int
    cumulative: int


def series(daily: Mapping[date, int], period: Period, through: date) -> tuple[Point, ...]:
    """Give the daily and cumulative units of a period, up to and including `through`."""
    points, cumulative, day = [], 0, period.start
    while day < period.end and day <= through:
        cumulative += daily.get(day, 0)
        points.append(Point(day, daily.get(day, 0), cumulative))
        day += ONE_DAY
    return tuple(points)


def projected(total: int, period: Period, today: date) -> int:
    """Project a period's total: total x days of the period / days begun, rounded half-up (section 9)."""
    begun = min(max((today - period.start).days + 1, 1), period.days)
    return round_half_up(total * period.days, begun)


def read_metric(
    phase: Phase,
    period: Period,
    metric: Metric,
    *,
    own: Mapping[date, int],
    whole: int,
    by_channel: Mapping[str, int],
    today: date,
    zone: ZoneInfo,
) -> Reading:
    """Read a metric: `own` units by day, of a workspace or of the whole account, whose total is `whole`.

    Tiers and included units are the account's; a workspace shows its share of the cost by units.
    """
    prices, total = phase.book.metrics[metric], sum(own.values())
    whole_cost = metered_cost(phase, period, metric, whole, zone)
    projected_whole = projected(whole, period, today)
    projected_cost = metered_cost(phase, period, metric, projected_whole, zone)
    return Reading(
        metric=metric,
        prices=prices,
        total=total,
        included=included_units(phase, metric, period, zone),
        cost=share_of_cost(whole_cost, own=total, whole=whole),
        projected_total=projected(total, period, today),
        projected_cost=share_of_cost(projected_cost, own=total, whole=whole),
        points=series(own, period, today),
        by_channel=by_channel,
    )


def share_of_cost(amount: int, *, own: int, whole: int) -> int:
    """Give a workspace's share, by units, of an account's cost in cents (section 9)."""
    return round_half_up(amount * own, whole) if whole else 0


def metered_cost(phase: Phase, period: Period, metric: Metric, total: int, zone: ZoneInfo) -> int:
    """Give what a period's total costs in cents, as the invoice bills it; a trial's usage is free (section 10)."""
    if phase.kind is PhaseKind.TRIAL:
        return 0
    committed = committed_units(phase, period, zone) if phase.kind is PhaseKind.CONTRACT else {}
    discount = usage_discount(phase, period)(metric)
    return usage_cost(phase.book, metric, total, committed=committed.get(metric, 0), discount=discount)


def included_units(phase: Phase, metric: Metric, period: Period, zone: ZoneInfo) -> int | None:
    """Give the threshold line of a metric: units included or committed, a trial's cap, or None for pay as you go.

    What the add-on includes is there only in a period that has the add-on; a commitment takes its place (section 8).
    """
    prices = phase.book.metrics[metric]
    if phase.kind is PhaseKind.TRIAL:
        return prices.trial_cap
    if phase.kind is PhaseKind.CONTRACT and (units := committed_units(phase, period, zone).get(metric)):
        return units
    if prices.needs_psp and not any(span.meets(period, zone) for span in phase.psp):
        return None
    return prices.included or None
