"""Dates, anchors and periods (section 2): periods are half-open, months keep their anchor day and clamp to the month's end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.refusal import Refusal

MONTHS = 12
ONE_DAY = timedelta(days=1)

Stamp = tuple[datetime, int]
"""A moment and the order of recording: sorts an account's facts even where a standing clock gives them one moment."""


@dataclass(eq=False)
class UnknownTimeZone(Refusal):
    """The name is not in the IANA time zone database."""

    template = "{name!r} is not an IANA time zone; use a name such as Europe/Warsaw or UTC."
    name: str


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A half-open run of dates, `[start, end)`."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """Length in dates; a day with a clock change counts as one."""
        return (self.end - self.start).days

    def __contains__(self, day: date) -> bool:
        """Tell whether the date lies in the period."""
        return self.start <= day < self.end

    def __str__(self) -> str:
        """Write the period with its last day included, as a person reads it."""
        last = self.end - ONE_DAY
        return show_day(self.start) if last == self.start else f"{show_day(self.start)} - {show_day(last)}"


def time_zone(name: str) -> ZoneInfo:
    """Look up an IANA time zone; raises UnknownTimeZone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownTimeZone(name) from None


def add_months(anchor: date, months: int) -> date:
    """Give the date that many months after the anchor, clamped to the month's end (31 Jan + 1 is 28 or 29 Feb)."""
    year, month = divmod(anchor.year * MONTHS + anchor.month - 1 + months, MONTHS)
    return date(year, month + 1, min(anchor.day, _days_in_month(year, month + 1)))


def month_of(anchor: date, day: date) -> Period:
    """Give the monthly period, counted from the anchor, that holds the day."""
    return span_of(anchor, day, 1)


def span_of(anchor: date, day: date, months: int) -> Period:
    """Give the span of some months, counted from the anchor, that holds the day."""
    passed = (day.year - anchor.year) * MONTHS + day.month - anchor.month
    if add_months(anchor, passed) > day:
        passed -= 1
    first = passed // months * months
    return Period(add_months(anchor, first), add_months(anchor, first + months))


def intervals_from(anchor: date, first: date, months: int) -> Iterator[Period]:
    """Yield the spans of some months, counted from the anchor, without end, from the one that holds `first`."""
    passed = (first.year - anchor.year) * MONTHS + first.month - anchor.month
    if add_months(anchor, passed) > first:
        passed -= 1
    passed = passed // months * months
    while True:
        yield Period(add_months(anchor, passed), add_months(anchor, passed + months))
        passed += months


def months_from(anchor: date, first: date) -> Iterator[Period]:
    """Yield the monthly periods of the anchor without end, from the one that holds `first`."""
    return intervals_from(anchor, first, 1)


def days_of(period: Period) -> Iterator[date]:
    """Yield the dates of a period."""
    return (period.start + ONE_DAY * number for number in range(period.days))


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    """Give the local date of a moment; raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return moment.astimezone(zone).date()


def opening(day: date, zone: ZoneInfo) -> datetime:
    """Give the moment, in UTC, at which the local day opens; where midnight is skipped, the first moment after it."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def opening_stamp(day: date, zone: ZoneInfo) -> Stamp:
    """Give the stamp that stands before every fact recorded at the moment the day opens or later."""
    return opening(day, zone), -1


def scheduled_stamp(day: date, zone: ZoneInfo) -> Stamp:
    """Give the stamp of what was scheduled for a day: it holds already as the day opens, and not the day before."""
    return opening(day, zone), -2


def closing_stamp(day: date, zone: ZoneInfo) -> Stamp:
    """Give the stamp that stands after all that happens on a day, and before what is scheduled for the next."""
    return opening(day + ONE_DAY, zone), -3


def show_day(day: date) -> str:
    """Write a date as "15 Sep 2026"."""
    return f"{day.day} {day:%b %Y}"


def _days_in_month(year: int, month: int) -> int:
    following = date(year + month // MONTHS, month % MONTHS + 1, 1)
    return (following - ONE_DAY).day
