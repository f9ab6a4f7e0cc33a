"""The price book (section 3), as data a frontend can show."""

from __future__ import annotations

from datetime import date

import strawberry

from api.enums import Metric, Plan
from api.nodes import Node, node_id
from api.scalars import BigInt, Money, UnitPrice, money
from domain import pricebook
from domain.money import cents
from domain.permissions import ABILITIES
from domain.rating import RateCard


@strawberry.type(description="Prices of one plan, for one full seat.")
class PlanPrices:
    """A row of the price book's plan table."""

    plan: Plan = strawberry.field(description="The plan.")
    monthly: Money = strawberry.field(description="A full seat for a month, paid monthly.")
    yearly: Money = strawberry.field(description="A full seat for a year, paid yearly.")
    yearly_per_month: Money = strawberry.field(
        description="The yearly price divided over months, for comparison."
    )
    lite_seats_included: int = strawberry.field(
        description="Lite seats the plan includes, for the whole account."
    )


@strawberry.type(
    description="One tier of graduated prices: each unit costs the price of the tier it falls in."
)
class Tier:
    """A row of a metric's price table."""

    first: BigInt = strawberry.field(description="The first unit of the tier.")
    last: BigInt | None = strawberry.field(
        description="The last unit of the tier, included; null for no end."
    )
    unit_price: UnitPrice = strawberry.field(description="Price of one unit in dollars.")


@strawberry.type(description="Prices of one metric.")
class MetricPrices:
    """What a metric means and costs."""

    metric: Metric = strawberry.field(description="The metric.")
    label: str = strawberry.field(description="Its name on an invoice.")
    unit: str = strawberry.field(description="What one unit is.")
    meaning: str = strawberry.field(description="What counts as a unit.")
    needs_psp: bool = strawberry.field(description="Whether it can be used only with Proactive Support Plus.")
    included: BigInt = strawberry.field(description="Units of every usage period that cost nothing.")
    trial_cap: BigInt | None = strawberry.field(description="Free units of a trial; null for no cap.")
    tiers: list[Tier] = strawberry.field(description="The tiers, from the first unit on.")


@strawberry.type(
    description="One version of all prices. A subscription keeps the version it was signed under."
)
class PriceBook(Node):
    """A price book."""

    version: int = strawberry.field(description="The version's number.")
    effective_on: date = strawberry.field(description="The date from which new subscriptions sign it.")
    plans: list[PlanPrices] = strawberry.field(description="The plans.")
    psp_monthly: Money = strawberry.field(description="Proactive Support Plus for a month.")
    psp_yearly: Money = strawberry.field(description="Proactive Support Plus for a year.")
    trial_days: int = strawberry.field(description="Length of a trial in days.")
    metrics: list[MetricPrices] = strawberry.field(description="The metrics.")


@strawberry.type(description="Something a teammate can do.")
class Ability:
    """A row of the seat matrix (section 4)."""

    name: str = strawberry.field(description="What it is.")
    group: str = strawberry.field(description="What it belongs to.")
    full: bool = strawberry.field(description="Whether a full seat may: always.")
    lite: bool = strawberry.field(description="Whether a lite seat may, whatever the role says.")


def price_book(book: pricebook.PriceBook) -> PriceBook:
    """Show a price book."""
    return PriceBook(
        id=node_id("PriceBook", None, book.version),
        version=book.version,
        effective_on=book.effective_on,
        plans=[_plan(plan, book.plans[plan]) for plan in Plan],
        psp_monthly=money(cents(book.psp_monthly)),
        psp_yearly=money(cents(book.psp_yearly)),
        trial_days=book.trial_days,
        metrics=[_metric(metric, book.metrics[metric]) for metric in Metric],
    )


def seat_abilities() -> list[Ability]:
    """Show the seat matrix."""
    return [Ability(name=row.name, group=row.group, full=True, lite=row.is_open_to_lite) for row in ABILITIES]


def _plan(plan: Plan, prices: pricebook.PlanPrices) -> PlanPrices:
    return PlanPrices(
        plan=plan,
        monthly=money(cents(prices.monthly)),
        yearly=money(cents(prices.yearly)),
        yearly_per_month=money(cents(prices.yearly_per_month)),
        lite_seats_included=prices.lite_seats_included,
    )


def _metric(metric: Metric, prices: pricebook.MetricPrices) -> MetricPrices:
    return MetricPrices(
        metric=metric,
        label=prices.label,
        unit=prices.unit,
        meaning=prices.meaning,
        needs_psp=prices.needs_psp,
        included=BigInt(prices.included),
        trial_cap=None if prices.trial_cap is None else BigInt(prices.trial_cap),
        tiers=_tiers(prices.card),
    )


def _tiers(card: RateCard) -> list[Tier]:
    return [
        Tier(
            first=BigInt(start + 1),
            last=None if tier.last is None else BigInt(tier.last),
            unit_price=UnitPrice(tier.price),
        )
        for start, tier in zip(card.starts, card.tiers, strict=True)
    ]
