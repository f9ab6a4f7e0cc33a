"""The price book, typed in a second time from section 3 of the rule book."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Final

# Cents a month for one full seat, paid monthly.
SEAT_CENTS: Final[Mapping[str, int]] = {
    "ESSENTIAL": 39_00,
    "ADVANCED": 99_00,
    "EXPERT": 139_00,
}

LITE_SEATS: Final[Mapping[str, int]] = {"ESSENTIAL": 0, "ADVANCED": 20, "EXPERT": 50}

# Cents a month for the Proactive Support Plus add-on.
PSP_CENTS: Final = 99_00

# Last unit of the tier (None: no end) and dollars for each unit in it.
TIERS: Final[Mapping[str, tuple[tuple[int | None, str], ...]]] = {
    "MESSAGES_SENT": (
        (500, "0"),
        (1_000, "0.0700"),
        (2_000, "0.0600"),
        (3_000, "0.0500"),
        (5_000, "0.0400"),
        (10_000, "0.0300"),
        (100_000, "0.0250"),
        (250_000, "0.0200"),
        (None, "0.0175"),
    ),
    "BULK_EMAIL": (
        (500, "0.0400"),
        (1_000, "0.0300"),
        (4_000, "0.0280"),
        (7_000, "0.0250"),
        (10_000, "0.0200"),
        (100_000, "0.0150"),
        (None, "0.0100"),
    ),
    "SMS_SEGMENT": (
        (500, "0.0600"),
        (1_000, "0.0300"),
        (4_000, "0.0250"),
        (7_000, "0.0200"),
        (10_000, "0.0175"),
        (100_000, "0.0150"),
        (None, "0.0100"),
    ),
    "WHATSAPP_SENT": (
        (500, "0.1000"),
        (1_000, "0.0950"),
        (4_000, "0.0900"),
        (7_000, "0.0850"),
        (10_000, "0.0800"),
        (None, "0.0700"),
    ),
    "PHONE_MINUTE": ((None, "0.03"),),
    "FIN_RESOLUTION": ((None, "0.99"),),
}

METRICS: Final = tuple(TIERS)


def cents(amount: Fraction) -> int:
    """Round an amount of cents half-up, away from zero (section 5)."""
    doubled = abs(amount) * 2
    rounded = (doubled.numerator + doubled.denominator) // (2 * doubled.denominator)
    return rounded if amount >= 0 else -rounded


def units_of(metric: str, quantity: int) -> int:
    """Units billed for one event: whole minutes begun for a call, else its quantity."""
    if metric == "PHONE_MINUTE":
        return (quantity + 59) // 60
    return quantity


def rated_cents(metric: str, total: int) -> int:
    """Price a period's total: each unit at the price of its tier, rounded once."""
    dollars = Decimal(0)
    below = 0
    for last, price in TIERS[metric]:
        top = total if last is None else min(total, last)
        if top > below:
            dollars += (top - below) * Decimal(price)
            below = top
    return int((dollars * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))
