"""What can happen beyond plain monthly billing: years, contracts, the programme, cuts, ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class ExtendTrial:
    """The trial is given its one extension of 7 days."""

    at: datetime


@dataclass(frozen=True, slots=True)
class StartNow:
    """A trial ends today and the paid month starts at this moment."""

    at: datetime
    plan: str
    psp: bool


@dataclass(frozen=True, slots=True)
class StartYearly:
    """A subscription paid by the year starts at this moment, with purchased full seats."""

    at: datetime
    plan: str
    seats: int
    psp: bool


@dataclass(frozen=True, slots=True)
class StartEarlyStage:
    """The Early Stage programme starts at this moment, billed monthly."""

    at: datetime


@dataclass(frozen=True, slots=True)
class SwitchToYearly:
    """A monthly subscription becomes a yearly one, now: the month is cut on this date."""

    at: datetime
    plan: str
    seats: int
    psp: bool


@dataclass(frozen=True, slots=True)
class BuySeats:
    """Yearly: the purchased full seats, in all, become this many."""

    at: datetime
    seats: int
    invoice_now: bool = False


@dataclass(frozen=True, slots=True)
class ScheduleRenewal:
    """Yearly: the whole schedule of the coming renewal. None keeps what is; all None revokes."""

    at: datetime
    seats: int | None = None
    plan: str | None = None
    psp: bool | None = None
    monthly: bool = False


@dataclass(frozen=True, slots=True)
class Cancel:
    """The subscription is to end with its paid period (month or term)."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Resume:
    """A cancellation is revoked before it happens."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Migrate:
    """The subscription moves to another price book.

    Monthly: at 00:00 local it was scheduled for the day and happens as the day opens,
    before anything is billed ahead; at any other moment it happens at once. Yearly and
    on a contract: at the next renewal, whatever the moment.
    """

    at: datetime
    book: str


@dataclass(frozen=True, slots=True)
class Committed:
    """So many units of a metric a month. Without a price, at `list(units)`; cents a month."""

    metric: str
    units: int
    cents: int | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a contract commits to.

    `unit_cents` is a seat's price a month; None is the plan's monthly list price. The
    add-on runs over `[psp_from, psp_until)`; `psp_until` None has no end. Without
    `psp_from` there is no add-on.
    """

    plan: str
    seats: int
    unit_cents: int | None = None
    usage: tuple[Committed, ...] = ()
    psp_from: date | None = None
    psp_until: date | None = None


@dataclass(frozen=True, slots=True)
class SignContract:
    """A contract of `months`, billed every 1, 3 or 12 months, starts at this moment.

    It may be signed over a running monthly or yearly subscription, which it cuts.
    """

    at: datetime
    terms: Terms
    months: int
    every: int


@dataclass(frozen=True, slots=True)
class AmendContract:
    """The contract's terms are these from this date; its committed usage from the next month."""

    at: datetime
    terms: Terms


@dataclass(frozen=True, slots=True)
class EndContract:
    """The contract is not to renew: it ends with its term."""

    at: datetime


TermAction: TypeAlias = (
    ExtendTrial
    | StartNow
    | StartYearly
    | StartEarlyStage
    | SwitchToYearly
    | BuySeats
    | ScheduleRenewal
    | Cancel
    | Resume
    | Migrate
    | SignContract
    | AmendContract
    | EndContract
)
