"""The words golden stories of years, contracts, the programme, cuts and ends are told in.

Nothing of the product is imported, so that one story can be told to the rules and, on a test clock, through the API.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from tests.domain.golden_story import Accept, ExpectedLine, Remove, RemovePsp, TakeBack, Use

ADDITIONAL_USAGE = "ADDITIONAL_USAGE"
SUBSCRIPTION = "SUBSCRIPTION"
FINAL = "FINAL"
CHANGE = "CHANGE"

STEPS_FROM = time(12)


@dataclass(frozen=True, slots=True)
class StartTrial:
    """A trial of the plan begins; with `convert_to` it is set at once to become paid, with the add-on if `psp`."""

    happened_on: date
    plan: str
    convert_to: str | None = None
    psp: bool = False


@dataclass(frozen=True, slots=True)
class ExtendTrial:
    """The trial gets its one extension."""

    happened_on: date


@dataclass(frozen=True, slots=True)
class StartMonthly:
    """A subscription paid monthly starts now; in a trial, it does not wait for its end."""

    happened_on: date
    plan: str
    psp: bool = False


@dataclass(frozen=True, slots=True)
class StartYearly:
    """A subscription paid yearly starts now, over a monthly one too."""

    happened_on: date
    plan: str
    seats: int
    psp: bool = False


@dataclass(frozen=True, slots=True)
class StartEarlyStage:
    """The Early Stage programme starts now."""

    happened_on: date


@dataclass(frozen=True, slots=True)
class Terms:
    """What a contract commits to: a seat's price in cents a month (None: list), usage as units a month by metric."""

    plan: str
    seats: int
    months: int = 12
    every: int = 12
    seat_cents: int | None = None
    usage: tuple[tuple[str, int], ...] = ()
    psp_from: date | None = None
    psp_until: date | None = None


@dataclass(frozen=True, slots=True)
class SignContract:
    """A contract is signed and starts now, over whatever runs."""

    happened_on: date
    terms: Terms


@dataclass(frozen=True, slots=True)
class AmendContract:
    """The manager changes the commitment."""

    happened_on: date
    terms: Terms


@dataclass(frozen=True, slots=True)
class EndContract:
    """The manager lets the contract end with its term."""

    happened_on: date


@dataclass(frozen=True, slots=True)
class BuySeats:
    """This many seats are purchased in all from now on."""

    happened_on: date
    seats: int
    invoice_now: bool = False


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """The plan changes."""

    happened_on: date
    plan: str
    invoice_now: bool = False


@dataclass(frozen=True, slots=True)
class AddPsp:
    """Proactive Support Plus is added, or its removal taken back."""

    happened_on: date
    invoice_now: bool = False


@dataclass(frozen=True, slots=True)
class SetRenewal:
    """What changes with the renewal, in place of what was set before."""

    happened_on: date
    seats: int | None = None
    plan: str | None = None
    psp: bool | None = None
    monthly: bool = False


@dataclass(frozen=True, slots=True)
class Migrate:
    """The second price book is chosen: as the date `on` opens, or (None) now. Years and contracts: as they renew."""

    happened_on: date
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """The subscription is to end with its paid period."""

    happened_on: date


@dataclass(frozen=True, slots=True)
class Resume:
    """The cancellation is taken back."""

    happened_on: date


Step: TypeAlias = (
    StartTrial
    | ExtendTrial
    | StartMonthly
    | StartYearly
    | StartEarlyStage
    | SignContract
    | AmendContract
    | EndContract
    | BuySeats
    | ChangePlan
    | AddPsp
    | RemovePsp
    | SetRenewal
    | Migrate
    | Cancel
    | Resume
    | Accept
    | Remove
    | Use
    | TakeBack
)


@dataclass(frozen=True, slots=True)
class ExpectedInvoice:
    """An invoice: its stream, all its lines in order, the cents due (None: all of the total), the balance after it."""

    on: date
    stream: str
    lines: tuple[ExpectedLine, ...]
    due_cents: int | None = None
    balance_cents: int = 0

    @property
    def total_cents(self) -> int:
        """Sum of the lines."""
        return sum(line.cents for line in self.lines)

    @property
    def due(self) -> int:
        """Cents due once credit is applied."""
        return self.total_cents if self.due_cents is None else self.due_cents


@dataclass(frozen=True, slots=True)
class TermGolden:
    """One account: `seats` teammates accept full seats just before the first step; the second price book is its other.

    The invoices are all that are issued up to and including `through`.
    """

    name: str
    seats: int
    steps: tuple[Step, ...]
    invoices: tuple[ExpectedInvoice, ...]
    through: date
    zone: str = "UTC"

    def moments(self) -> Iterator[tuple[datetime, Step]]:
        """Give each step its moment in UTC: from noon of its local date on, a minute apart, in the order told."""
        for number, step in enumerate(self.steps):
            local = datetime.combine(step.happened_on, STEPS_FROM, ZoneInfo(self.zone))
            yield local.astimezone(UTC) + timedelta(minutes=number), step
