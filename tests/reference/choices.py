"""Choices that stories share: moments on a day, quantities, one of many.

They only ever ask for a whole number between two bounds, so that a seed and a
hypothesis strategy can both answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

T = TypeVar("T")
# A whole number between two bounds, both inclusive.
Choose = Callable[[int, int], int]

TEAMMATES = ("ann", "bob", "cyd", "dan", "eve", "fay", "gus", "hal", "ida", "jon", "kim", "lou")
LATENESS = timedelta(days=35)
TICK = timedelta(microseconds=1)
QUANTITIES = (
    *(1, 2, 60, 499, 500, 501, 1_000, 1_001, 2_900, 3_000, 4_000, 4_001, 7_000, 7_001),
    *(10_000, 10_001, 100_000, 100_001, 250_000, 250_001),
)
SECONDS = (1, 59, 60, 61, 119, 120, 155, 3_600, 3_601)


def moment(choose: Choose, zone: str, day: date) -> datetime:
    """Choose a moment of a local day, often its first or last one."""
    opens_at = opening(zone, day)
    kind = choose(0, 6)
    if kind == 0:
        return opens_at
    if kind == 1:
        return opens_at + TICK
    if kind == 2:
        return opening(zone, day + timedelta(days=1)) - TICK
    local = datetime.combine(day, time(choose(0, 23), choose(0, 59)), ZoneInfo(zone))
    return local.astimezone(UTC)


def opening(zone: str, day: date) -> datetime:
    """Find the moment at which a local day opens."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def pick(choose: Choose, values: Sequence[T]) -> T:
    """Choose one of several."""
    return values[choose(0, len(values) - 1)]


def quantity(choose: Choose, metric: str) -> int:
    """Choose the quantity of a usage event, often at the edge of a tier."""
    if metric == "FIN_RESOLUTION":
        return 1
    if metric == "PHONE_MINUTE":
        return pick(choose, SECONDS)
    return pick(choose, QUANTITIES) if choose(0, 2) < 2 else choose(1, 12_000)
