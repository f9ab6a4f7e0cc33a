"""A stretch of days paid in one way, and the call for an invoice."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

from .books import Book
from .subscription import period_start
from .term_actions import Terms


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is so at one moment, or of a whole day.

    `held` counts full seats, with no minimum; `purchased` is for a yearly term, `terms`
    for a contract.
    """

    held: int
    plan: str
    has_psp: bool
    purchased: int
    terms: Terms | None


@dataclass(frozen=True, slots=True)
class Month:
    """A usage month in full, cut or not: number from the anchor, `[start, end)`."""

    number: int
    start: date
    end: date

    @property
    def days(self) -> int:
        """Its length: the `D` of every fraction by the month."""
        return (self.end - self.start).days


@dataclass(slots=True)
class Phase:
    """Days `[starts_on, ends_on)` of one kind: MONTHLY, EARLY_STAGE, YEARLY or CONTRACT.

    `opened` is the state as its first day began and as each month opened; `days` the
    state of each day. A phase that is cut ends in the middle of what was paid ahead.
    """

    number: int
    subscription: int
    kind: str
    book: Book
    anchor: date
    starts_on: date
    term_months: int
    every: int
    opened: dict[date, Snapshot] = field(default_factory=dict)
    days: dict[date, Snapshot] = field(default_factory=dict)
    psp_added: list[date] = field(default_factory=list)
    ends_on: date | None = None
    is_cut: bool = False

    def month_of(self, day: date) -> Month:
        """Month, counted from the anchor, that holds a day."""
        number = 0
        while period_start(self.anchor, number + 1) <= day:
            number += 1
        return Month(number, period_start(self.anchor, number), period_start(self.anchor, number + 1))

    def is_month_start(self, day: date) -> bool:
        """Tell whether a usage month opens on this day."""
        return self.month_of(day).start == day

    def is_billing_start(self, day: date) -> bool:
        """Tell whether what is paid ahead is due on this day."""
        month = self.month_of(day)
        return month.start == day and month.number % self.every == 0

    def is_term_start(self, day: date) -> bool:
        """Tell whether the paid period or term ends (and the next may begin) on this day."""
        month = self.month_of(day)
        length = self.term_months if self.kind in {"YEARLY", "CONTRACT"} else 1
        return month.start == day and month.number % length == 0

    def billing_end(self, start: date) -> date:
        """First day after the billing period that opens on `start`."""
        return period_start(self.anchor, self.month_of(start).number + self.every)

    def days_between(self, start: date, end: date, *, before: date) -> list[date]:
        """Days of `[start, end)` that are this phase's and lie before a date."""
        last = min(end, before, self.ends_on or end)
        return [start + timedelta(days=offset) for offset in range((last - start).days)]


@dataclass(frozen=True, slots=True)
class Call:
    """An invoice falls due: its stream, and which of the subscription's charges it takes.

    None takes all: of every section, of every phase, of every name and date.
    """

    stream: str
    subscription: int
    sections: frozenset[str] | None = None
    phases: frozenset[int] | None = None
    names: frozenset[str] | None = None
    dated_on: date | None = None
