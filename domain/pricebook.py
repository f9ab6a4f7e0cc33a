"""What things cost (section 3): a price book is versioned, effective-dated data, read once and never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from domain.money import price
from domain.rating import RateCard, Tier, rate_card
from domain.refusal import Refusal


class Plan(StrEnum):
    """What a subscription is for; every full seat costs its price."""

    ESSENTIAL = "ESSENTIAL"
    ADVANCED = "ADVANCED"
    EXPERT = "EXPERT"

    @property
    def label(self) -> str:
        """The name as printed on an invoice."""
        return self.value.capitalize()


class Metric(StrEnum):
    """What usage is counted in."""

    MESSAGES_SENT = "MESSAGES_SENT"
    BULK_EMAIL = "BULK_EMAIL"
    SMS_SEGMENT = "SMS_SEGMENT"
    WHATSAPP_SENT = "WHATSAPP_SENT"
    PHONE_MINUTE = "PHONE_MINUTE"
    FIN_RESOLUTION = "FIN_RESOLUTION"


class Channel(StrEnum):
    """How a message was sent; only Messages Sent is split by it."""

    POST = "POST"
    MOBILE_PUSH = "MOBILE_PUSH"
    PRODUCT_TOUR = "PRODUCT_TOUR"
    MOBILE_CAROUSEL = "MOBILE_CAROUSEL"
    SURVEY = "SURVEY"


@dataclass(eq=False)
class InvalidPriceBook(Refusal):
    """The document does not describe a price book."""

    template = "The price book cannot be used: {reason}."
    reason: str


@dataclass(frozen=True, slots=True)
class PlanPrices:
    """Prices of one plan, in price units for one full seat."""

    monthly: int
    yearly: int
    yearly_per_month: int
    lite_seats_included: int


@dataclass(frozen=True, slots=True)
class MetricPrices:
    """Label, meaning, tiers and the trial's cap (units, None for no cap) of one metric."""

    label: str
    unit: str
    meaning: str
    card: RateCard
    trial_cap: int | None
    needs_psp: bool

    @property
    def included(self) -> int:
        """Units at the start that cost nothing."""
        return self.card.free_units


@dataclass(frozen=True, slots=True)
class EarlyStage:
    """The Early Stage programme (section 7): a bundle's price for each year, and the discount on what goes beyond it."""

    plan: Plan
    seats: int
    years: tuple[tuple[int, int], ...]
    """Price of a month in price units, and the discount in percent, for each programme year."""
    discounted: frozenset[Metric]


@dataclass(frozen=True, slots=True)
class PriceBook:
    """One version of all prices; the add-on Proactive Support Plus is `psp_*`, in price units."""

    version: int
    effective_on: date
    plans: Mapping[Plan, PlanPrices]
    psp_monthly: int
    psp_yearly: int
    metrics: Mapping[Metric, MetricPrices]
    trial_days: int
    trial_extension_days: int
    early_stage: EarlyStage


def read_price_book(document: Mapping[str, Any]) -> PriceBook:
    """Read a price book from its JSON document; raises InvalidPriceBook naming what is wrong."""
    try:
        return PriceBook(
            version=_whole(document["version"], least=1),
            effective_on=date.fromisoformat(document["effectiveOn"]),
            plans={plan: _plan_prices(document["plans"][plan]) for plan in Plan},
            psp_monthly=price(document["psp"]["monthly"]),
            psp_yearly=price(document["psp"]["yearly"]),
            metrics={metric: _metric_prices(document["metrics"][metric]) for metric in Metric},
            trial_days=_whole(document["trial"]["days"], least=1),
            trial_extension_days=_whole(document["trial"]["extensionDays"], least=1),
            early_stage=_early_stage(document["earlyStage"]),
        )
    except KeyError as missing:
        raise InvalidPriceBook(f"{missing} is missing") from None
    except (ValueError, TypeError) as wrong:
        raise InvalidPriceBook(str(wrong)) from None


def _whole(value: object, *, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{value!r} is not a whole number from {least} up")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is not a text")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _plan_prices(row: Mapping[str, Any]) -> PlanPrices:
    return PlanPrices(
        monthly=price(row["monthly"]),
        yearly=price(row["yearly"]),
        yearly_per_month=price(row["yearlyPerMonth"]),
        lite_seats_included=_whole(row["liteSeatsIncluded"], least=0),
    )


def _early_stage(row: Mapping[str, Any]) -> EarlyStage:
    return EarlyStage(
        plan=Plan(row["plan"]),
        seats=_whole(row["seats"], least=1),
        years=tuple(
            (price(year["monthly"]), _whole(year["discountPercent"], least=0)) for year in row["years"]
        ),
        discounted=frozenset(Metric(metric) for metric in row["discountedMetrics"]),
    )


def _metric_prices(row: Mapping[str, Any]) -> MetricPrices:
    return MetricPrices(
        label=_text(row["label"]),
        unit=_text(row["unit"]),
        meaning=_text(row["meaning"]),
        card=rate_card(Tier(last=tier["upTo"], price=price(tier["price"])) for tier in row["tiers"]),
        trial_cap=None if row["trialCap"] is None else _whole(row["trialCap"], least=0),
        needs_psp=_flag(row["needsPsp"]),
    )
