"""Seats held by date (section 4): who holds a full seat as a moment passes, and how many are billed on each day."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import accumulate
from zoneinfo import ZoneInfo

from domain.calendar import ONE_DAY, Stamp, local_day
from domain.pricebook import Plan
from domain.refusal import Refusal

INVITE_LIFETIME = timedelta(days=30)


class SeatType(StrEnum):
    """A full seat is billed; a lite seat is free and counted against the plan's number."""

    FULL = "FULL"
    LITE = "LITE"


@dataclass(eq=False)
class LiteSeatsExhausted(Refusal):
    """All lite seats the plan includes are held."""

    template = (
        "{plan} includes {included} lite seats and {held} are held; give a full seat, free a lite seat, "
        "or change to a plan with more."
    )
    plan: str
    included: int
    held: int


@dataclass(eq=False)
class TooManyLiteSeats(Refusal):
    """The plan asked for includes fewer lite seats than are held."""

    template = (
        "{plan} includes {included} lite seats and {held} are held: {excess} too many. Remove them or switch them "
        "to full seats first: {teammates}."
    )
    plan: str
    included: int
    held: int
    excess: int
    teammates: str


@dataclass(frozen=True, slots=True)
class SeatChange:
    """From `at` on the teammate holds `seat`, or none; `order` is the fact's place in the account's record."""

    teammate: str
    seat: SeatType | None
    at: datetime
    order: int = 0

    @property
    def stamp(self) -> Stamp:
        """When it became true, told apart from others of the same moment."""
        return self.at, self.order


@dataclass(frozen=True, slots=True)
class FullSeats:
    """Full seats of an account: `holdings` by stamps, and the steps of the daily number with the facts behind each."""

    holdings: tuple[tuple[Stamp, Stamp | None], ...]
    days: tuple[date, ...]
    counts: tuple[int, ...]
    causes: Mapping[date, tuple[int, ...]]

    def held_before(self, stamp: Stamp) -> int:
        """Number of teammates with a full seat just before the stamp."""
        return sum(start < stamp and (end is None or stamp <= end) for start, end in self.holdings)

    def held_after(self, moment: datetime) -> int:
        """Number of teammates with a full seat once everything recorded of the moment has happened."""
        return sum(start[0] <= moment and (end is None or moment < end[0]) for start, end in self.holdings)

    def on(self, day: date) -> int:
        """Number of teammates with a full seat that day, each once."""
        step = bisect_right(self.days, day)
        return self.counts[step - 1] if step else 0


def full_seats(changes: Iterable[SeatChange], zone: ZoneInfo, *, since: Stamp) -> FullSeats:
    """Work out full seats by day, leaving out holdings that were over before the subscription's `since` (section 4)."""
    holdings: list[tuple[Stamp, Stamp | None]] = []
    deltas: dict[date, int] = defaultdict(int)
    causes: dict[date, list[int]] = defaultdict(list)
    for own in _by_teammate(changes):
        covered_until: date | None = None
        for start, end in _full_holdings(own):
            if end is not None and end.stamp < since:
                continue
            holdings.append((start.stamp, end.stamp if end else None))
            first = local_day(start.at, zone)
            until = None if end is None else max(local_day(end.at, zone), first + ONE_DAY)
            if covered_until is not None and first < covered_until:
                first = covered_until
            covered_until = until
            if first == until:
                continue
            deltas[first] += 1
            causes[first].append(start.order)
            if until is not None and end is not None:
                deltas[until] -= 1
                causes[until].append(end.order)
    days = sorted(deltas)
    counts = tuple(accumulate(deltas[day] for day in days))
    return FullSeats(
        tuple(holdings), tuple(days), counts, {day: tuple(found) for day, found in causes.items()}
    )


def check_lite_seat(*, plan: Plan, included: int, held: int) -> None:
    """Refuse one more lite seat when all are held; raises LiteSeatsExhausted (section 4)."""
    if held >= included:
        raise LiteSeatsExhausted(plan.label, included, held)


def check_plan_holds_lite_seats(*, plan: Plan, included: int, lite_teammates: Iterable[str]) -> None:
    """Refuse a plan that includes fewer lite seats than are held, listing them; raises TooManyLiteSeats (section 4)."""
    names = sorted(lite_teammates)
    if len(names) > included:
        excess = len(names) - included
        raise TooManyLiteSeats(plan.label, included, len(names), excess, ", ".join(names[:20]))


def _by_teammate(changes: Iterable[SeatChange]) -> Iterable[list[SeatChange]]:
    own: dict[str, list[SeatChange]] = defaultdict(list)
    for change in sorted(changes, key=lambda change: change.stamp):
        own[change.teammate].append(change)
    return own.values()


def _full_holdings(changes: Iterable[SeatChange]) -> Iterable[tuple[SeatChange, SeatChange | None]]:
    """Pair the change that began each full holding of one teammate with the one that ended it."""
    start: SeatChange | None = None
    for change in changes:
        if change.seat == SeatType.FULL:
            start = start or change
        elif start:
            yield start, change
            start = None
    if start:
        yield start, None
