"""Money is whole cents; a unit price is a whole number of 10^-8 dollars. One function rounds."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

PRICE_DECIMALS = 8
PRICE_SCALE = 10**PRICE_DECIMALS
"""Unit prices count in 1/PRICE_SCALE dollars, so four-decimal prices and their products stay whole."""

PRICE_PER_CENT = PRICE_SCALE // 100


def round_half_up(numerator: int, denominator: int) -> int:
    """Round a ratio to a whole number, halves away from zero (section 5).

    The only rounding in Prorata: amounts in cents are `round_half_up(price units, PRICE_PER_CENT * days)`.
    """
    rounded = (2 * abs(numerator) + denominator) // (2 * denominator)
    return rounded if numerator >= 0 else -rounded


def cents(exact: int, *, part: int = 1, whole: int = 1) -> int:
    """Round an exact amount in price units, or `part/whole` of it, to cents."""
    return round_half_up(exact * part, PRICE_PER_CENT * whole)


def price(dollars: str) -> int:
    """Read a unit price such as "0.0175" dollars into price units; raises ValueError when finer than they are."""
    try:
        units = Decimal(dollars).scaleb(PRICE_DECIMALS)
    except InvalidOperation:
        raise ValueError(f"{dollars!r} is not a price") from None
    if not units.is_finite() or units != units.to_integral_value() or units < 0:
        raise ValueError(f"{dollars!r} is not a price with at most {PRICE_DECIMALS} decimals")
    return int(units)


def show_cents(amount: int) -> str:
    """Write cents as dollars: 10400 is "$104.00", -3019 is "-$30.19"."""
    sign = "-" if amount < 0 else ""
    whole, rest = divmod(abs(amount), 100)
    return f"{sign}${whole:,}.{rest:02d}"


def show_price(units: int) -> str:
    """Write a unit price with at least two decimals and no idle zeros: "$39.00", "$0.0175"."""
    whole, rest = divmod(units, PRICE_SCALE)
    decimals = f"{rest:0{PRICE_DECIMALS}d}".rstrip("0").ljust(2, "0")
    return f"${whole:,}.{decimals}"
