"""Two price books: that of the rule book, and a dearer one to migrate to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, TypeAlias

from .prices import PSP_CENTS, SEAT_CENTS, TIERS

# For each metric: last unit of the tier (None: no end) and dollars for each unit in it.
Tiers: TypeAlias = Mapping[str, tuple[tuple[int | None, str], ...]]


@dataclass(frozen=True, slots=True)
class Book:
    """One version of the prices. Amounts are cents: seats a month or a year, the add-on too."""

    name: str
    month_cents: Mapping[str, int]
    year_cents: Mapping[str, int]
    psp_month_cents: int
    psp_year_cents: int
    tiers: Tiers


BASE: Final = Book(
    name="BASE",
    month_cents=SEAT_CENTS,
    year_cents={"ESSENTIAL": 348_00, "ADVANCED": 1_020_00, "EXPERT": 1_584_00},
    psp_month_cents=PSP_CENTS,
    psp_year_cents=1_188_00,
    tiers=TIERS,
)
NEXT: Final = replace(
    BASE,
    name="NEXT",
    month_cents={"ESSENTIAL": 45_00, "ADVANCED": 110_00, "EXPERT": 151_50},
    year_cents={"ESSENTIAL": 400_00, "ADVANCED": 1_068_00, "EXPERT": 1_700_00},
    psp_month_cents=109_00,
    psp_year_cents=1_308_00,
    tiers={
        **TIERS,
        "SMS_SEGMENT": ((500, "0.0700"), (1_000, "0.0333"), (None, "0.0125")),
        "FIN_RESOLUTION": ((None, "1.0450"),),
    },
)
BOOKS: Final = {book.name: book for book in (BASE, NEXT)}

# The Early Stage programme (section 7), by programme year: the bundle of 6 Advanced seats
# and the add-on, and the share of one seat above them, and of rated usage, still to be paid.
BUNDLE_CENTS: Final = (65_00, 451_50, 677_25)
BUNDLE_SEATS: Final = 6
BUNDLE_SHARE: Final = (Fraction(7, 100), Fraction(50, 100), Fraction(75, 100))
BUNDLE_METRICS: Final = ("MESSAGES_SENT", "BULK_EMAIL")


def list_cents(book: Book, metric: str, total: int) -> Fraction:
    """Price a month's total at the book's tiers, in exact cents."""
    amount = Fraction(0)
    below = 0
    for last, dollars in book.tiers[metric]:
        top = total if last is None else min(total, last)
        if top > below:
            amount += (top - below) * Fraction(dollars) * 100
            below = top
    return amount
