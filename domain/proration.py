"""A proration pair (section 5): what the days left cost from now on, and what was charged for them before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from domain.calendar import Period
from domain.money import cents, show_cents, show_price


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a period: `days` of the `of` days it has."""

    days: int
    of: int

    def __str__(self) -> str:
        """Write the share as it stands in an explanation."""
        return f"{self.days}/{self.of} days"


@dataclass(frozen=True, slots=True)
class SeatsAtPrice:
    """A number of seats at a unit price in price units."""

    seats: int
    price: int

    def amount(self, share: Share) -> int:
        """Cost of the share of a period, in cents."""
        return cents(self.seats * self.price, part=share.days, whole=share.of)

    def explain(self, share: Share, *, sign: int = 1) -> str:
        """Write the arithmetic in full, e.g. `6 seats x $39.00 x 16/30 days = $124.80`."""
        part = "" if share.days == share.of else f" x {share}"
        minus = "-" if sign < 0 else ""
        return f"{minus}{show_seats(self.seats)} x {show_price(self.price)}{part} = {show_cents(sign * self.amount(share))}"


@dataclass(frozen=True, slots=True)
class Months:
    """A run of dates counted in months: whole ones, and the parts of broken ones."""

    whole: int
    broken: tuple[Share, ...] = ()

    def amount(self, price: int) -> int:
        """Cost at a price a month in price units, in cents, rounded once."""
        parts = sum(share.days * _COMMON // share.of for share in self.broken)
        return cents(price * (self.whole * _COMMON + parts), whole=_COMMON)


_COMMON = 28 * 29 * 30 * 31
"""Divisible by the days of every month, so that parts of months add up exactly."""


def share_left(period: Period, day: date) -> Share:
    """Give the part of a period that is left as a day opens; `r` of `D` days in the rules."""
    return Share((period.end - day).days, period.days)


def show_seats(seats: int) -> str:
    """Write a number of seats."""
    return f"{seats:,} {'seat' if seats == 1 else 'seats'}"
