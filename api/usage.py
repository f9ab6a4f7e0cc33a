"""Usage shown (section 9): totals, costs, projections and series of a period."""

from __future__ import annotations

from datetime import date, datetime

import strawberry

from api.enums import Channel, Metric
from api.periods import Period, period
from api.scalars import BigInt, Money, money
from domain.usage import Reading
from services.usage import UsageReport


@strawberry.type(description="Units of one day.")
class UsagePoint:
    """A point of a metric's series."""

    day: date = strawberry.field(description="The local date.")
    units: BigInt = strawberry.field(description="Units of that day.")
    cumulative: BigInt = strawberry.field(description="Units of the period up to and including that day.")


@strawberry.type(description="Units sent through one channel.")
class ChannelUsage:
    """A metric's units split by channel."""

    channel: Channel = strawberry.field(description="The channel.")
    units: BigInt = strawberry.field(description="Units of the period.")


@strawberry.type(description="One metric over a period.")
class MetricUsage:
    """A metric's totals, costs and series."""

    metric: Metric = strawberry.field(description="The metric.")
    label: str = strawberry.field(description="Its name.")
    unit: str = strawberry.field(description="What one unit is.")
    meaning: str = strawberry.field(description="What counts as a unit.")
    total: BigInt = strawberry.field(description="Units so far, less what was taken back.")
    included: BigInt | None = strawberry.field(
        description="Units that cost nothing (in a trial, its cap): the threshold line. Null: pay as you go."
    )
    cost: Money = strawberry.field(
        description="Cost so far, as the invoice bills it; of a workspace, its share of the account's cost by units."
    )
    projected_total: BigInt = strawberry.field(
        description="Total at the period's end if it goes on so: total x days of the period / days begun."
    )
    projected_cost: Money = strawberry.field(description="Cost of the projected total.")
    series: list[UsagePoint] = strawberry.field(description="Day by day, up to today.")
    channels: list[ChannelUsage] = strawberry.field(description="Messages Sent split by channel.")


@strawberry.type(description="Full seats held on a day.")
class SeatPoint:
    """A point of the daily seat count."""

    day: date = strawberry.field(description="The local date.")
    full_seats: int = strawberry.field(description="Teammates with a full seat that day, each once.")


@strawberry.type(description="Usage of a billing period.")
class UsageOverview:
    """All metrics over a period."""

    period: Period = strawberry.field(description="The usage period.")
    as_of: datetime = strawberry.field(description="The moment this is true of.")
    metrics: list[MetricUsage] = strawberry.field(description="The metrics.")
    seats: list[SeatPoint] = strawberry.field(description="Full seats day by day, up to today.")


def usage_overview(report: UsageReport) -> UsageOverview:
    """Show a usage report."""
    return UsageOverview(
        period=period(report.period),
        as_of=report.as_of,
        metrics=[_metric(reading) for reading in report.readings],
        seats=[SeatPoint(day=day, full_seats=held) for day, held in report.full_seats],
    )


def _metric(reading: Reading) -> MetricUsage:
    return MetricUsage(
        metric=reading.metric,
        label=reading.prices.label,
        unit=reading.prices.unit,
        meaning=reading.prices.meaning,
        total=BigInt(reading.total),
        included=None if reading.included is None else BigInt(reading.included),
        cost=money(reading.cost),
        projected_total=BigInt(reading.projected_total),
        projected_cost=money(reading.projected_cost),
        series=[
            UsagePoint(day=point.day, units=BigInt(point.units), cumulative=BigInt(point.cumulative))
            for point in reading.points
        ],
        channels=[
            ChannelUsage(channel=Channel(channel), units=BigInt(units))
            for channel, units in sorted(reading.by_channel.items())
        ],
    )
