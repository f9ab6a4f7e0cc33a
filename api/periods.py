"""Runs of dates, as several nouns take and show them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, TypeAlias

import strawberry

from domain import calendar

On: TypeAlias = Annotated[
    date | None, strawberry.argument(description="A date of the billing period; today unless told.")
]


@strawberry.type(description="A run of dates.")
class Period:
    """A half-open run of dates, with its last day for people."""

    start: date = strawberry.field(description="The first day.")
    end: date = strawberry.field(description="The day after the last: periods are half-open.")
    last_day: date = strawberry.field(description="The last day.")
    days: int = strawberry.field(description="Length in days.")


def period(value: calendar.Period) -> Period:
    """Show a period."""
    return Period(start=value.start, end=value.end, last_day=value.end - calendar.ONE_DAY, days=value.days)


def dates(start: date, end: date) -> Period:
    """Show the period from a date to another, exclusive."""
    return period(calendar.Period(start, end))
