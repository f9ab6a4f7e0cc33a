"""Graduated rating (section 3): each unit costs the price of the tier it falls in; the line is rounded once."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from domain.money import cents, show_price


@dataclass(frozen=True, slots=True)
class Tier:
    """Units up to and including `last` (None: without end) cost `price` price units each."""

    last: int | None
    price: int


@dataclass(frozen=True, slots=True)
class TierPart:
    """The units of a quantity that fall in one tier: `first` to `last` inclusive, at `price` price units each."""

    first: int
    last: int | None
    units: int
    price: int


@dataclass(frozen=True, slots=True)
class RateCard:
    """Tiers ready for rating: `bounds` are the last units of all tiers but the open one, `bases` what is owed below each."""

    tiers: tuple[Tier, ...]
    bounds: tuple[int, ...]
    starts: tuple[int, ...]
    bases: tuple[int, ...]
    prices: tuple[int, ...]

    @property
    def free_units(self) -> int:
        """Units at the start that cost nothing; 0 when the first unit is charged."""
        return self.bounds[0] if self.prices[0] == 0 and self.bounds else 0


def rate_card(tiers: Iterable[Tier]) -> RateCard:
    """Prepare tiers for rating; raises ValueError unless their bounds rise and only the last is open."""
    ordered = tuple(tiers)
    bounds = tuple(tier.last for tier in ordered[:-1] if tier.last is not None)
    if not ordered or ordered[-1].last is not None or len(bounds) != len(ordered) - 1:
        raise ValueError("exactly the last tier has no upper bound")
    starts = (0, *bounds)
    if any(low >= high for low, high in pairwise(starts)):
        raise ValueError("the bounds of tiers must rise")
    bases = [0]
    for tier, (low, high) in zip(ordered, pairwise(starts), strict=False):
        bases.append(bases[-1] + (high - low) * tier.price)
    return RateCard(ordered, bounds, starts, tuple(bases), tuple(tier.price for tier in ordered))


def exact_cost(card: RateCard, quantity: int) -> int:
    """Cost of a quantity in price units, unrounded."""
    tier = bisect_left(card.bounds, quantity)
    return card.bases[tier] + (quantity - card.starts[tier]) * card.prices[tier]


def cost(card: RateCard, quantity: int) -> int:
    """Cost of a quantity in cents, rounded once."""
    return cents(exact_cost(card, quantity))


def tier_parts(card: RateCard, quantity: int) -> tuple[TierPart, ...]:
    """Split a quantity over the tiers it reaches."""
    parts = []
    for tier, start in zip(card.tiers, card.starts, strict=True):
        if quantity <= start:
            break
        reached = quantity if tier.last is None else min(quantity, tier.last)
        parts.append(TierPart(start + 1, tier.last, reached - start, tier.price))
    return tuple(parts)


def tiers_between(card: RateCard, low: int, high: int) -> tuple[TierPart, ...]:
    """Split the units above `low` up to and including `high` over the tiers they fall in."""
    before = {part.first: part.units for part in tier_parts(card, low)}
    return tuple(
        TierPart(part.first, part.last, part.units - before.get(part.first, 0), part.price)
        for part in tier_parts(card, high)
        if part.units > before.get(part.first, 0)
    )


def show_parts(parts: Iterable[TierPart]) -> str:
    """Write the arithmetic of a rating: "500 x $0.00 + 500 x $0.07"."""
    return " + ".join(f"{part.units:,} x {show_price(part.price)}" for part in parts) or "0"
