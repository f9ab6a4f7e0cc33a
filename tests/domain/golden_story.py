"""The words golden stories are told in: an account, its dated steps, and the invoices it must get.

Nothing of the product is imported, so that one story can be told to the rules and, on a test clock, through the API.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

USAGE = "ADDITIONAL_USAGE"
PRORATIONS = "PRORATIONS"
SUBSCRIPTION = "SUBSCRIPTION"

START_AT = time(8)
STEPS_FROM = time(12)
USED_AT = time(10)


@dataclass(frozen=True, slots=True)
class Accept:
    """This many invited teammates accept a full seat each."""

    happened_on: date
    seats: int = 1


@dataclass(frozen=True, slots=True)
class Remove:
    """This many teammates with a full seat are removed, the last to accept first."""

    happened_on: date
    seats: int = 1


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """The plan changes."""

    happened_on: date
    plan: str


@dataclass(frozen=True, slots=True)
class AddPsp:
    """Proactive Support Plus is added, or its removal taken back."""

    happened_on: date


@dataclass(frozen=True, slots=True)
class RemovePsp:
    """Proactive Support Plus is removed."""

    happened_on: date


@dataclass(frozen=True, slots=True)
class Use:
    """Events `event-1` to `event-<times>` are sent on `happened_on`, each of `quantity` (seconds for a call).

    They are dated `used_on`: another day when they come late, else None, the moment at which they are sent.
    """

    happened_on: date
    metric: str
    quantity: int
    event: str
    times: int = 1
    used_on: date | None = None

    @property
    def event_ids(self) -> tuple[str, ...]:
        """Ids of the events."""
        return tuple(f"{self.event}-{number}" for number in range(1, self.times + 1))

    def used_at(self, sent_at: datetime, zone: str) -> datetime:
        """Give the moment the events are dated, in UTC."""
        return sent_at if self.used_on is None else _moment(self.used_on, USED_AT, zone)


@dataclass(frozen=True, slots=True)
class TakeBack:
    """An event, named by its id, is taken back."""

    happened_on: date
    event_id: str


Step: TypeAlias = Accept | Remove | ChangePlan | AddPsp | RemovePsp | Use | TakeBack


@dataclass(frozen=True, slots=True)
class ExpectedLine:
    """A line of an invoice: service over `[start, end)`, cents, and the arithmetic where the story fixes it."""

    section: str
    start: date
    end: date
    cents: int
    explanation: str | None = None


@dataclass(frozen=True, slots=True)
class ExpectedInvoice:
    """An invoice: total, cents by section, and the balance after it (credit positive).

    `due_cents` None means all of the total. `lines`, where given, are all lines in the order of the invoice.
    """

    on: date
    total_cents: int
    sections: Mapping[str, int]
    lines: tuple[ExpectedLine, ...] = ()
    due_cents: int | None = None
    balance_cents: int = 0

    @property
    def due(self) -> int:
        """Cents due once credit is applied."""
        return self.total_cents if self.due_cents is None else self.due_cents


@dataclass(frozen=True, slots=True)
class Golden:
    """One account: `seats` full seats held as it starts, then its steps by the date they happen, then its invoices.

    With `trial` a trial of the plan begins on `start` and is set at once to become a paid subscription of the same
    plan, with the add-on if `psp`. The invoices are all that are issued up to the date of the last one.
    """

    name: str
    start: date
    invoices: tuple[ExpectedInvoice, ...]
    steps: tuple[Step, ...] = ()
    plan: str = "ESSENTIAL"
    seats: int = 1
    psp: bool = False
    trial: bool = False
    zone: str = "UTC"

    @property
    def started_at(self) -> datetime:
        """Moment of the start, in UTC."""
        return _moment(self.start, START_AT, self.zone)

    def moments(self) -> Iterator[tuple[datetime, Step]]:
        """Give each step its moment in UTC: from noon of its local date on, a minute apart, in the order told."""
        for number, step in enumerate(self.steps):
            yield _moment(step.happened_on, STEPS_FROM, self.zone) + timedelta(minutes=number), step


@dataclass(frozen=True, slots=True)
class Rate:
    """What usage of one period costs: quantities of its events (seconds for calls) and cents."""

    metric: str
    quantities: tuple[int, ...]
    cents: int


@dataclass(frozen=True, slots=True)
class Number:
    """A golden number of the rule book: cents, where it is stated, and the name of the golden that must show it."""

    section: int
    golden: str
    cents: int


def _moment(day: date, clock: time, zone: str) -> datetime:
    return datetime.combine(day, clock, ZoneInfo(zone)).astimezone(UTC)
